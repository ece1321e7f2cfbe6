"""Reads files with a table's SerDe only: no server, no catalog."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from local_aws.athena.errors import QueryFailed, reason_of
from local_aws.athena.memory import Memory
from local_aws.athena.readers import Relation
from local_aws.athena.session import prepare
from local_aws.athena.tables import Partition, Table
from local_aws.mirror import S3File

from .conftest import SERDES, fields

Rows = list[tuple[Any, ...]]
_NUMBERS = itertools.count()


@dataclass
class Reader:
    """Reads files of a table in a folder, with the server's cache of facts about files."""

    folder: Path
    memory: Memory = field(default_factory=Memory)

    def read(self, kind: str, columns: str, *bodies: str | bytes, sql: str = "SELECT * FROM t", **extra: Any) -> Rows:
        """Return the rows of `sql` over a table `t` of these files.

        Args:
            extra: `serde` and `parameters` are properties, `name` is that of a file, `wanted` are names of columns.

        Raises:
            QueryFailed: with the reason that a user sees.
        """
        table = Table({
            "DatabaseName": "db",
            "Name": "t",
            "Parameters": extra.get("parameters", {}),
            "StorageDescriptor": {
                "Columns": fields(columns),
                "SerdeInfo": {"SerializationLibrary": SERDES.get(kind, kind), "Parameters": extra.get("serde", {})},
            },
        })  # fmt: skip
        files = [self._file(extra.get("name", "a"), body) for body in bodies]
        try:
            return self._rows(table, [(file, Partition("s3://lake/t/")) for file in files], sql, extra.get("wanted"))
        except duckdb.Error as error:
            raise QueryFailed(reason_of(error)) from error

    def _rows(self, table: Table, files: Any, sql: str, wanted: set[str] | None) -> Rows:
        with duckdb.connect() as con:
            prepare(con)
            relation = Relation(con, "t", table, self.memory)
            relation.register(files)
            relation.create(files, hidden=(), wanted=wanted)
            return con.execute(sql).fetchall()

    def _file(self, name: str, body: str | bytes) -> S3File:
        number = next(_NUMBERS)
        path = self.folder / f"{number}_{name}"
        data = body.encode() if isinstance(body, str) else body
        path.write_bytes(data)
        return S3File("lake", f"t/{number}/{name}", path, len(data), str(number), datetime.now(UTC))

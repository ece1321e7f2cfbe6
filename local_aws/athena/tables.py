"""Tables of the Glue Data Catalog: their columns, their partitions, and the partitions' files."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from local_aws.athena.errors import QueryFailed
from local_aws.athena.memory import Memory
from local_aws.athena.projection import projected_partitions
from local_aws.context import Context
from local_aws.mirror import S3File, split_uri
from local_aws.partitions.table import partitions_of
from local_aws.permissions.resources import table_arns
from local_aws.protocol import Document

_FEW = 16
DEFAULT_PARTITION = "__HIVE_DEFAULT_PARTITION__"

HIDDEN = {"$path": "string", "$file_size": "bigint", "$file_modified_time": "timestamp with time zone"}
"""Columns of every table that `*` does not hold, with the catalog's types."""


@dataclass(frozen=True)
class Column:
    name: str
    type: str


@dataclass(frozen=True)
class Partition:
    """A partition's location and values, one per key; an unpartitioned table has one partition without values.

    `storage` is its own StorageDescriptor.
    """

    location: str
    values: tuple[str | None, ...] = ()
    storage: Document = field(default_factory=dict, repr=False, compare=False)

    @property
    def folder(self) -> str:
        """Return the location, with a slash at its end."""
        return _folder(self.location)

    @property
    def serde(self) -> Document:
        return dict(self.storage.get("SerdeInfo") or {})

    @property
    def columns(self) -> list[Column]:
        """Return its own columns; empty if it has the table's."""
        return _columns(self.storage.get("Columns") or [])


@dataclass(frozen=True)
class Table:
    """A table of the catalog, from Glue's document."""

    document: Document = field(repr=False)

    @property
    def database(self) -> str:
        return str(self.document["DatabaseName"])

    @property
    def name(self) -> str:
        return str(self.document["Name"])

    @property
    def storage(self) -> Document:
        return dict(self.document.get("StorageDescriptor") or {})

    @property
    def location(self) -> str:
        return str(self.storage.get("Location", ""))

    @property
    def parameters(self) -> dict[str, str]:
        return dict(self.document.get("Parameters") or {})

    @property
    def serde(self) -> Document:
        return dict(self.storage.get("SerdeInfo") or {})

    @cached_property
    def columns(self) -> list[Column]:
        return _columns(self.storage.get("Columns") or [])

    @cached_property
    def keys(self) -> list[Column]:
        return _columns(self.document.get("PartitionKeys") or [])

    @property
    def is_view(self) -> bool:
        return self.document.get("TableType") == "VIRTUAL_VIEW"

    @property
    def is_projected(self) -> bool:
        return self.parameters.get("projection.enabled", "").lower() == "true"

    def of(self, columns: Iterable[Column]) -> Table:
        """The table with these of its columns."""
        fields = [{"Name": column.name, "Type": column.type} for column in columns]
        return Table({**self.document, "StorageDescriptor": {**self.storage, "Columns": fields}})

    def read_by(self, serde: Document) -> Table:
        """Return the table with the SerDe of a partition, if the partition has one."""
        if not serde.get("SerializationLibrary") or serde == self.serde:
            return self
        return Table({**self.document, "StorageDescriptor": {**self.storage, "SerdeInfo": serde}})

    @property
    def format(self) -> str:
        """`parquet`, `orc`, `json`, `opencsv`, `regex` or `text`.

        Raises:
            QueryFailed: the SerDe is not supported here, or its records cannot be found by any SerDe.
        """
        if path := self.parameters.get("jsonPath"):
            raise QueryFailed(
                f"NOT_SUPPORTED: the records of table {self.database}.{self.name} are at {path} of its documents; "
                "the SerDes of Athena read an object a line. A Spark job can read it"
            )
        library = self.serde.get("SerializationLibrary", "").lower()
        for word, name in _FORMATS.items():
            if word in library:
                self._refuse_other_files(name)
                return name
        raise QueryFailed(
            f"NOT_SUPPORTED: table {self.database}.{self.name} has the SerDe {library or 'of no name'}; "
            "this AWS reads Parquet, ORC, JSON (OpenX, Hive), CSV (LazySimple, OpenCSV) and RegexSerDe"
        )

    def _refuse_other_files(self, kind: str) -> None:
        """Raises QueryFailed for files that hold the SerDe's lines in another way, such as SequenceFiles."""
        reader = self.storage.get("InputFormat") or ""
        if kind not in ("parquet", "orc") and reader and not reader.endswith(".TextInputFormat"):
            raise QueryFailed(
                f"NOT_SUPPORTED: table {self.database}.{self.name} has the input format {reader}; with this SerDe, "
                "this AWS reads text files, org.apache.hadoop.mapred.TextInputFormat"
            )


_FORMATS = {
    "parquet": "parquet",
    "orc": "orc",
    "json": "json",
    "opencsv": "opencsv",
    "lazysimple": "text",
    "regex": "regex",
}
"""Formats by a word in the name of the SerDe's class."""


def _columns(documents: Iterable[Document]) -> list[Column]:
    return [Column(doc["Name"].lower(), doc.get("Type") or "string") for doc in documents]


class Catalog:
    """The Glue Data Catalog and the files behind it, as seen by one query."""

    def __init__(self, context: Context, region: str, memory: Memory) -> None:
        self.context = context
        self.memory = memory
        self._region = region
        self.glue: Any = context.client("glue", region)

    def table(self, database: str, name: str) -> Table | None:
        try:
            return Table(self.glue.get_table(DatabaseName=database.lower(), Name=name.lower())["Table"])
        except self.glue.exceptions.EntityNotFoundException:
            return None

    def has_database(self, name: str) -> bool:
        try:
            return bool(self.glue.get_database(Name=name))
        except self.glue.exceptions.EntityNotFoundException:
            return False

    def partitions(self, table: Table) -> list[Partition]:
        """Return the registered or projected partitions; for a table without keys, the table itself."""
        if not table.keys:
            return [Partition(table.location)]
        if table.is_projected:
            return self._projected(table)
        arns = table_arns(self._region, table.database, table.name)
        self.context.need("glue:GetPartitions", self._region, arns)
        registered = partitions_of(self.context.store, self._region, table.database, table.name)
        return [_partition(document) for document in registered]

    def files(self, table: Table, partitions: list[Partition]) -> list[tuple[S3File, Partition]]:
        """Fetch the files of some partitions, and return each with its partition; several may have one location."""
        by_folder: dict[str, list[Partition]] = {}
        for partition in partitions:
            by_folder.setdefault(_folder(partition.location), []).append(partition)
        found: dict[str, S3File] = {}
        for prefix in self._prefixes(table, partitions):
            bucket, key = split_uri(prefix)
            wanted = lambda file: _owner(file, by_folder) is not None  # noqa: E731
            try:
                found |= {file.uri: file for file in self.context.mirror.pull(bucket, key, wanted)}
            except ClientError as error:
                raise _unreadable(error, table, prefix) from error
        return [(file, partition) for file in found.values() for partition in by_folder[_owner(file, by_folder) or ""]]

    def _prefixes(self, table: Table, partitions: list[Partition]) -> set[str]:
        """Return the prefixes to list: the partitions' folders or, if many, folders above them in the table."""
        folders = {_folder(partition.location) for partition in partitions}
        home = _folder(table.location)
        inside = {folder for folder in folders if folder.startswith(home)}
        outside = folders - inside
        while len(inside) > _FEW:
            inside = {home if folder == home else _parent(folder) for folder in inside}
        return inside | outside

    def _projected(self, table: Table) -> list[Partition]:
        bucket, key = split_uri(_folder(table.location))
        found = projected_partitions(table.parameters, [column.name for column in table.keys], _folder(table.location))
        template_bucket, template_key = split_uri(found.fixed_prefix)
        files = self.context.mirror.list(template_bucket or bucket, template_key or key)
        return [Partition(location, values) for location, values in found.among(file.uri for file in files)]


def _unreadable(error: ClientError, table: Table, location: str) -> Exception:
    if error.response["Error"]["Code"] != "NoSuchBucket":
        return error
    return QueryFailed(
        f"HIVE_UNKNOWN_ERROR: the bucket of {location}, where table {table.database}.{table.name} has its files, "
        "does not exist"
    )


def _partition(document: Document) -> Partition:
    values = (None if value == DEFAULT_PARTITION else value for value in document["Values"])
    storage = document["StorageDescriptor"]
    return Partition(storage["Location"], tuple(values), storage)


def _folder(location: str) -> str:
    return location.replace("s3a://", "s3://").rstrip("/") + "/"


def _parent(folder: str) -> str:
    return folder.rstrip("/").rpartition("/")[0] + "/"


def _owner(file: S3File, folders: Container[str]) -> str | None:
    """Return the folder among `folders` that contains a file; None for files that are hidden, as in Hive."""
    folder, _, name = file.uri.rpartition("/")
    while folder.startswith("s3://") and not name.startswith(("_", ".")):
        if folder + "/" in folders:
            return folder + "/"
        folder, _, name = folder.rpartition("/")
    return None

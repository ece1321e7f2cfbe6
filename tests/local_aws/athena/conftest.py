"""A small lake for Athena: buckets, and one database per test file, dropped with its tables."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.orc as po  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

if TYPE_CHECKING:
    from .reading import Reader

LAKE, RESULTS, DATABASE = "athena-lake", "athena-results", "flights"
SERDES = {
    "avro": "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    "orc": "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    "parquet": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    "json": "org.openx.data.jsonserde.JsonSerDe",
    "hive_json": "org.apache.hive.hcatalog.data.JsonSerDe",
    "regex": "org.apache.hadoop.hive.serde2.RegexSerDe",
    "text": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    "opencsv": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
}
Clients = Callable[[str], Any]


@dataclass
class Ran:
    """A finished query execution; `rows` are without the header."""

    document: dict[str, Any]
    rows: list[list[str | None]] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(default_factory=list)

    @property
    def state(self) -> str:
        return str(self.document["Status"]["State"])

    @property
    def reason(self) -> str:
        return str(self.document["Status"].get("StateChangeReason", ""))

    @property
    def scanned(self) -> int:
        return int(self.document["Statistics"]["DataScannedInBytes"])

    @property
    def result(self) -> str:
        return str(self.document["ResultConfiguration"]["OutputLocation"])


class Lake:
    """Puts tables into the embedded AWS and queries them with Athena."""

    def __init__(self, aws: Clients) -> None:
        self.s3, self.glue, self.athena = aws("s3"), aws("glue"), aws("athena")

    def put(self, key: str, body: bytes | str) -> str:
        self.s3.put_object(Bucket=LAKE, Key=key, Body=body)
        return f"s3://{LAKE}/{key}"

    def table(self, name: str, kind: str, columns: str, keys: str = "", **extra: Any) -> None:
        """`columns` and `keys` read like `a int, b string`; `extra` is `location`, `serde`, `parameters`."""
        self.glue.create_table(
            DatabaseName=DATABASE,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": extra.get("parameters", {}),
                "PartitionKeys": fields(keys),
                "StorageDescriptor": {
                    "Columns": fields(columns),
                    "Location": extra.get("location", f"s3://{LAKE}/{name}/"),
                    "SerdeInfo": {"SerializationLibrary": SERDES[kind], "Parameters": extra.get("serde", {})},
                },
            },
        )

    def partitions(self, table: str, locations: dict[tuple[str, ...], str]) -> None:
        inputs = [{"Values": list(v), "StorageDescriptor": {"Location": at}} for v, at in locations.items()]
        for start in range(0, len(inputs), 100):
            answer = self.glue.batch_create_partition(
                DatabaseName=DATABASE, TableName=table, PartitionInputList=inputs[start : start + 100]
            )
            assert not answer.get("Errors")

    def start(self, sql: str, **options: Any) -> str:
        options.setdefault("QueryExecutionContext", {"Database": DATABASE})
        options.setdefault("ResultConfiguration", {"OutputLocation": f"s3://{RESULTS}/"})
        return str(self.athena.start_query_execution(QueryString=sql, **options)["QueryExecutionId"])

    def wait(self, execution: str, seconds: float = 60) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            document = self.athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]
            if document["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return dict(document)
            time.sleep(0.02)
        raise AssertionError(f"query {execution} is not over after {seconds} s")

    def run(self, sql: str, **options: Any) -> Ran:
        ran = Ran(self.wait(self.start(sql, **options)))
        if ran.state == "SUCCEEDED":
            pages = self.athena.get_paginator("get_query_results").paginate(
                QueryExecutionId=ran.document["QueryExecutionId"]
            )
            for page in pages:
                ran.columns = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
                ran.rows += [[d.get("VarCharValue") for d in row["Data"]] for row in page["ResultSet"]["Rows"]]
            if ran.result.endswith(".csv"):
                del ran.rows[0]
        return ran

    def rows(self, sql: str, **options: Any) -> list[list[str | None]]:
        ran = self.run(sql, **options)
        assert ran.state == "SUCCEEDED", f"{sql}: {ran.reason}"
        return ran.rows

    def text(self, uri: str) -> str:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return str(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())


def fields(text: str) -> list[dict[str, str]]:
    return [{"Name": n, "Type": t} for n, _, t in (part.strip().partition(" ") for part in text.split(";")) if n]


def parquet(**columns: list[Any]) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def orc(**columns: list[Any]) -> bytes:
    target = io.BytesIO()
    po.write_table(pa.table(columns), target)
    return target.getvalue()


@pytest.fixture(scope="module")
def lake(aws: Clients) -> Iterator[Lake]:
    made = Lake(aws)
    for bucket in (LAKE, RESULTS):
        made.s3.create_bucket(Bucket=bucket)
    made.glue.create_database(DatabaseInput={"Name": DATABASE})
    yield made
    made.glue.delete_database(Name=DATABASE)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    from .reading import Reader

    return Reader(tmp_path)

"""What benchmarks ask of one embedded AWS, in a process of that side: `embedded_side.py ACTION ...`.

It uses only code that both commits have, and the clients of `lake`, which know the keys. It prints seconds, or nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from string import Template
from typing import Any

import duckdb

from lake.aws import Aws

try:
    from lake.configuration.reading import load
    from lake.data.zones import empty
except ModuleNotFoundError:  # The earlier commit has them elsewhere.
    from lake.config import load  # type: ignore[import-not-found,no-redef]
    from lake.zones import empty  # type: ignore[import-not-found,no-redef]

QUERIES = (
    "SELECT month, count(*) AS n, avg(delay) AS delay FROM flights GROUP BY month ORDER BY month",
    "SELECT carrier, max(delay) AS worst FROM flights WHERE month = '07' GROUP BY carrier ORDER BY worst DESC",
    "SELECT count(*) FROM flights WHERE month = '03' AND day = '14'",
    "SELECT c.name, count(*) AS n FROM flights f JOIN carriers c ON f.carrier = c.carrier GROUP BY c.name ORDER BY n",
    "SELECT * FROM carriers ORDER BY carrier LIMIT 10",
)
SMALL = (
    "SELECT {n} + 1 AS next, upper('name {n}') AS name",
    "SELECT name FROM carriers WHERE size = {n} % 16",
    "SELECT count(*) AS n, sum(size) AS size, max(name) AS last FROM carriers WHERE size < {n}",
    "SELECT date_add('day', {n}, DATE '2026-01-01') AS day, json_extract_scalar('{{\"a\": {n}}}', '$.a') AS a",
    "SELECT x, x * {n} AS y FROM UNNEST(sequence(1, 5)) AS t(x) ORDER BY x DESC",
)
POLL_SECONDS, SHORT_POLL_SECONDS = 0.2, 0.02
AT_ONCE = 4
KEYS = {"flights_enriched": ("year", "month"), "departures": ()}
_TYPES = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DOUBLE": "double",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "VARCHAR": "string",
}


class Side:
    def __init__(self) -> None:
        self.aws = Aws(load(Path("lake.yaml")))
        self.bucket = self.aws.names.bucket("raw")
        self.results = self.aws.names.bucket("athena")
        self.database = self.aws.names.database("raw")

    def prepare(self) -> None:
        """Create the buckets, the database and the crawlers that `lake up` would create."""
        for bucket in (self.bucket, self.results):
            self.aws.s3.create_bucket(Bucket=bucket)
        self.aws.glue.create_database(DatabaseInput={"Name": self.database})
        for dataset in self.aws.lake.config.datasets:
            self.aws.glue.create_crawler(
                Name=self.aws.names.crawler(dataset),
                Role="crawler",
                DatabaseName=self.database,
                Targets={"S3Targets": [{"Path": f"s3://{self.bucket}/{dataset}/"}]},
            )

    def clear(self) -> None:
        """Restore the state before `prepare`."""
        for dataset in self.aws.lake.config.datasets:
            self.aws.glue.delete_crawler(Name=self.aws.names.crawler(dataset))
        self.aws.glue.delete_database(Name=self.database)
        for bucket in (self.bucket, self.results):
            empty(self.aws, bucket)
            self.aws.s3.delete_bucket(Bucket=bucket)

    def crawl(self, dataset: str) -> float:
        glue, name = self.aws.glue, self.aws.names.crawler(dataset)
        begun = time.monotonic()
        glue.start_crawler(Name=name)
        while (crawler := glue.get_crawler(Name=name)["Crawler"])["State"] != "READY":
            time.sleep(POLL_SECONDS)
        seconds = time.monotonic() - begun
        assert crawler["LastCrawl"]["Status"] == "SUCCEEDED", crawler["LastCrawl"]
        return seconds

    def query(self, count: str) -> float:
        """All at once, each answer read."""
        return self._asked(islice(cycle(QUERIES), int(count)), int(count), POLL_SECONDS)

    def small(self, count: str) -> float:
        """A few at once, no two the same."""
        asked = (SMALL[n % len(SMALL)].format(n=n) for n in range(int(count)))
        return self._asked(asked, AT_ONCE, SHORT_POLL_SECONDS)

    def named(self, folder: str, times: str) -> float:
        """The statements of a folder, one after the other."""
        names = {zone: self.aws.names.database(zone) for zone in ("raw", "curated", "streams")}
        asked = [Template(file.read_text()).substitute(names) for file in sorted(Path(folder).glob("*.sql"))]
        return self._asked(asked * int(times), 1, SHORT_POLL_SECONDS)

    def _asked(self, statements: Iterable[str], at_once: int, poll: float) -> float:
        begun = time.monotonic()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda sql: self._answer(sql, poll), statements))
        return time.monotonic() - begun

    def tables(self, folder: str) -> None:
        """The tables that the named queries of the sample read, from Parquet files: `folder/database/table/...`."""
        bucket = self.aws.names.bucket("curated")
        self.aws.s3.create_bucket(Bucket=bucket)
        for table in sorted(Path(folder).glob("*/*")):
            database = self.aws.names.database(table.parent.name)
            self.aws.glue.create_database(DatabaseInput={"Name": database})
            files = sorted(table.rglob("*.parquet"))
            for file in files:
                self.aws.s3.upload_file(str(file), bucket, str(file.relative_to(folder)))
            self._make(database, table, files, f"s3://{bucket}/{table.relative_to(folder)}/")

    def _make(self, database: str, table: Path, files: list[Path], location: str) -> None:
        keys = KEYS[table.name]
        storage: Any = {
            "Columns": [{"Name": name, "Type": kind} for name, kind in _columns(files[0])],
            "Location": location,
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
        }
        self.aws.glue.create_table(
            DatabaseName=database,
            TableInput={
                "Name": table.name,
                "TableType": "EXTERNAL_TABLE",
                "PartitionKeys": [{"Name": key, "Type": "string"} for key in keys],
                "StorageDescriptor": storage,
                "Parameters": {"classification": "parquet"},
            },
        )
        for folder in sorted({file.parent.relative_to(table) for file in files} if keys else ()):
            values = [part.partition("=")[2] for part in folder.parts]
            own: Any = {"Values": values, "StorageDescriptor": {**storage, "Location": f"{location}{folder}/"}}
            self.aws.glue.create_partition(DatabaseName=database, TableName=table.name, PartitionInput=own)

    def _answer(self, sql: str, poll: float) -> None:
        athena = self.aws.athena
        execution = athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": self.database},
            ResultConfiguration={"OutputLocation": f"s3://{self.results}/"},
        )["QueryExecutionId"]
        while True:
            status = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
            if status["State"] not in ("QUEUED", "RUNNING"):
                break
            time.sleep(poll)
        assert status["State"] == "SUCCEEDED", status
        athena.get_query_results(QueryExecutionId=execution)


def _columns(file: Path) -> list[tuple[str, str]]:
    """Names and catalog types of a Parquet file's columns."""
    described = duckdb.execute(f"DESCRIBE SELECT * FROM read_parquet('{file}', hive_partitioning = false)")
    return [(name, _TYPES[kind]) for name, kind, *_ in described.fetchall()]


if __name__ == "__main__":
    action, *arguments = sys.argv[1:]
    print(getattr(Side(), action)(*arguments) or "")

"""A lake with one stream on a separate embedded AWS, created with the calls that Terraform would make."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import cached_property
from pathlib import Path
from urllib.request import urlopen

from benchmarks.worktrees import ROOT
from lake.aws import Aws
from lake.configuration.reading import load
from lake.data.sending import Ledger
from lake.data.sql import query
from lake.embedded.local import LocalAws

STREAM = "flights"
COLUMNS = {
    "seq": "int",
    "time_hour": "timestamp",
    "carrier": "string",
    "flight": "int",
    "origin": "string",
    "dep_delay": "double",
}
BUFFER_SECONDS = 10
WAIT_SECONDS = 120
"""The maximum wait for the last file. After that, absent events count as missing."""
ROLE = "arn:aws:iam::000000000000:role/bench"
CONFIG = """\
project: bench
environments:
  local: {{endpoint: "http://127.0.0.1:{port}", region: us-east-1, destroyable: true}}
streams:
  {stream}:
    columns: {columns}
    shards: 2
    delivery: {{buffer: {{seconds: {seconds}}}}}
"""
PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
}


class StreamLake:
    """A lake in a folder with lake.yaml and the embedded AWS's data."""

    buffer_seconds = BUFFER_SECONDS

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        config = CONFIG.format(port=port, stream=STREAM, columns=json.dumps(COLUMNS), seconds=BUFFER_SECONDS)
        (folder / "lake.yaml").write_text(config)

    @cached_property
    def aws(self) -> Aws:
        return Aws(load(self.folder / "lake.yaml"))

    def lake(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a `lake` command in the background."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAKE_"))}
        command = [sys.executable, "-m", "lake", "--file", str(self.folder / "lake.yaml"), *arguments]
        return subprocess.Popen(command, env={**own, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        assert self.lake("local", "start").wait() == 0

    def stop(self) -> None:
        self.lake("local", "stop").wait()

    def kill(self) -> None:
        """`kill -9` of the embedded AWS."""
        pid = LocalAws.of(self.aws.lake).pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def sends_more(self, producer: subprocess.Popen[bytes]) -> bool:
        """Wait until a producer has sent more events. False if it has ended."""
        before = self._sent()
        while producer.poll() is None:
            if self._sent() > before:
                return True
            time.sleep(0.1)
        return False

    def _sent(self) -> int:
        return sum(run.done for run in Ledger(self.aws, STREAM).runs)

    def deploy(self) -> None:
        aws, names = self.aws, self.aws.names
        for bucket in ("raw", "athena"):
            aws.s3.create_bucket(Bucket=names.bucket(bucket))
        place = f"s3://{names.bucket('athena')}/"
        aws.athena.create_work_group(
            Name=names.workgroup, Configuration={"ResultConfiguration": {"OutputLocation": place}}
        )
        aws.glue.create_database(DatabaseInput={"Name": names.database("streams")})
        aws.glue.create_table(DatabaseName=names.database("streams"), TableInput=self._table())  # type: ignore[arg-type]
        aws.kinesis.create_stream(StreamName=names.stream(STREAM), ShardCount=2)
        self._deliver()

    def wait_for(self, events: int) -> tuple[int, int, int]:
        """(rows, distinct events, files), after all events have arrived or no more arrive."""
        deadline, counts = time.monotonic() + WAIT_SECONDS, (0, 0, 0)
        while time.monotonic() < deadline:
            before, counts = counts, self._counts()
            if counts[1] == events:
                break
            if counts != before:
                deadline = time.monotonic() + WAIT_SECONDS
            time.sleep(1)
        return counts

    def missing(self, events: int) -> str:
        """The first and last of the missing numbers."""
        wanted = f"SELECT n FROM UNNEST(sequence(1, {events})) AS t(n)"
        statement = f"SELECT min(n), max(n) FROM ({wanted} EXCEPT SELECT CAST(seq AS bigint) FROM {STREAM})"
        first, last = query(self.aws, statement, "streams").rows[0]
        return f"numbers {first} to {last}"

    def _counts(self) -> tuple[int, int, int]:
        statement = f'SELECT count(*), count(DISTINCT seq), count(DISTINCT "$path") FROM {STREAM}'
        rows, distinct, files = (int(value or 0) for value in query(self.aws, statement, "streams").rows[0])
        return rows, distinct, files

    def _table(self) -> dict[str, object]:
        location = f"s3://{self.aws.names.bucket('raw')}/{STREAM}/"
        columns = [{"Name": name, "Type": type_} for name, type_ in COLUMNS.items()]
        projection = {
            "projection.enabled": "true",
            "projection.date.type": "date",
            "projection.date.format": "yyyy-MM-dd",
            "projection.date.range": "2024-01-01,NOW",
            "storage.location.template": f"{location}date=${{date}}/",
        }
        return {
            "Name": STREAM,
            "TableType": "EXTERNAL_TABLE",
            "StorageDescriptor": {"Columns": columns, "Location": location, **PARQUET},
            "PartitionKeys": [{"Name": "date", "Type": "string"}],
            "Parameters": {"EXTERNAL": "TRUE", **projection},
        }

    def _deliver(self) -> None:
        names = self.aws.names
        schema = {"DatabaseName": names.database("streams"), "TableName": STREAM, "RoleARN": ROLE}
        conversion = {
            "Enabled": True,
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}},
            "SchemaConfiguration": schema,
        }
        stream = names.arn("kinesis", f"stream/{names.stream(STREAM)}")
        self.aws.firehose.create_delivery_stream(
            DeliveryStreamName=names.stream(STREAM),
            DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration={"KinesisStreamARN": stream, "RoleARN": ROLE},
            ExtendedS3DestinationConfiguration={
                "RoleARN": ROLE,
                "BucketARN": names.bucket_arn("raw"),
                "Prefix": f"{STREAM}/date=!{{timestamp:yyyy-MM-dd}}/",
                "ErrorOutputPrefix": f"_errors/{STREAM}/!{{firehose:error-output-type}}/",
                "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": BUFFER_SECONDS},
                "DataFormatConversionConfiguration": conversion,  # type: ignore[typeddict-item]
            },
        )


def wait_until_it_answers(port: int) -> None:
    for _ in range(600):
        try:
            urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing answers on port {port}")

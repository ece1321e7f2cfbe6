"""One Spark session and one emulated AWS for these tests: s3:// is a folder to Spark and a bucket to boto3."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError
from pyspark.sql import DataFrame, SparkSession

BUCKETS = ("raw", "curated", "quarantine", "scripts")
VIEW_FS = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
SERDE = {
    "csv": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    "json": "org.openx.data.jsonserde.JsonSerDe",
    "parquet": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
}


def spark_settings(root: Path) -> dict[str, str]:
    """The settings with which Spark finds s3://<bucket>/<key> at <root>/<bucket>/<key>."""
    mounts = {f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback": f"file://{root}/{bucket}/" for bucket in BUCKETS}
    return mounts | {
        "spark.master": "local[2]",
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.hadoop.fs.s3.impl": VIEW_FS,
    }


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("s3")
    for bucket in BUCKETS:
        (root / bucket).mkdir()
    return root


@pytest.fixture(scope="session")
def spark(storage: Path) -> Iterator[SparkSession]:
    # Few shuffle partitions, for the tests' few rows only.
    settings = spark_settings(storage) | {"spark.sql.shuffle.partitions": "2", "spark.sql.session.timeZone": "UTC"}
    session = SparkSession.builder.config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an emulated AWS, which every boto3 client of the tests talks to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
    environment |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    emulator = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
    emulator["STATE_DIR"] = emulator["TMPDIR"] = str(tmp_path_factory.mktemp("ministack"))
    with pytest.MonkeyPatch.context() as patch, (tmp_path_factory.mktemp("log") / "ministack.log").open("w") as log:
        for name, value in environment.items():
            patch.setenv(name, value)
        command = [sys.executable, "-m", "ministack"]
        process = subprocess.Popen(command, env={**os.environ, **emulator}, stdout=log, stderr=log)
        try:
            _wait_until_it_answers(process)
            yield environment["AWS_ENDPOINT_URL"]
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_it_answers(process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            boto3.client("s3").list_buckets()
            return
        except BotoCoreError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@dataclass
class Lake:
    """A small lake: what is put here both boto3 and Spark find, and the catalog knows its tables."""

    storage: Path
    database: str

    def put(self, bucket: str, key: str, body: str | bytes) -> None:
        body = body.encode() if isinstance(body, str) else body
        path = self.storage / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def sync(self, bucket: str, prefix: str) -> None:
        """Put into S3 what Spark wrote, as the run of a job does when it is over."""
        for path in (self.storage / bucket / prefix).rglob("*"):
            if path.is_file() and not path.name.startswith((".", "_")):
                self.put(bucket, str(path.relative_to(self.storage / bucket)), path.read_bytes())

    def table(
        self,
        name: str,
        format: str,
        columns: dict[str, str],
        keys: dict[str, str] | None = None,
        **parameters: str,
    ) -> None:
        """Register s3://raw/<database>/<name>/ as a crawler does."""
        storage = {
            "Location": f"s3://raw/{self.database}/{name}/",
            "Columns": _columns(columns),
            "SerdeInfo": {"SerializationLibrary": SERDE[format], "Parameters": parameters},
        }
        table = {"Name": name, "StorageDescriptor": storage, "PartitionKeys": _columns(keys or {})}
        table["Parameters"] = {"classification": format}
        boto3.client("glue").create_table(DatabaseName=self.database, TableInput=table)

    def spec(self, **fields: Any) -> str:
        """Put a specification and give its location."""
        key = f"specs/{self.database}.json"
        self.put("scripts", key, json.dumps(fields))
        return f"s3://scripts/{key}"

    def arguments(self, spec: str) -> list[str]:
        names = {"JOB_NAME": "job", "spec": spec, "raw_database": self.database}
        names |= {"curated_database": f"{self.database}_curated", "curated_bucket": "curated"}
        names |= {"quarantine_bucket": "quarantine", "JOB_RUN_ID": f"jr_{self.database}", "TempDir": "s3://scripts/t"}
        return [part for name, value in names.items() for part in (f"--{name}", value)]


def _columns(types: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Type": type_} for name, type_ in types.items()]


@pytest.fixture(scope="session")
def aws(endpoint: str) -> str:
    for bucket in BUCKETS:
        boto3.client("s3").create_bucket(Bucket=bucket)
    return endpoint


@pytest.fixture
def lake(aws: str, storage: Path, request: pytest.FixtureRequest) -> Lake:
    """A lake of its own for each test: its databases and prefixes are named after the test."""
    name = request.node.name.replace("[", "_").replace("]", "")
    for database in (name, f"{name}_curated"):
        boto3.client("glue").create_database(DatabaseInput={"Name": database})
    return Lake(storage, name)


@pytest.fixture
def rows(spark: SparkSession) -> Callable[..., DataFrame]:
    """Make a frame from a schema and rows: rows("a int, b string", (1, "x"), (2, None))."""
    return lambda schema, *values: spark.createDataFrame(list(values), schema)

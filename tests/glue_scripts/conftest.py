"""One Spark session and one emulated AWS: an s3:// path is a folder to Spark and an object to boto3."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import BotoCoreError
from pyspark.sql import DataFrame, SparkSession

from tests.glue_scripts.planes import PLANES
from tests.glue_scripts.shop import Shop
from tests.glue_scripts.small_lake import BUCKETS, Lake, spark_settings
from tests.postgres import Database


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("s3")
    for bucket in BUCKETS:
        (root / bucket).mkdir()
    return root


@pytest.fixture(scope="session")
def spark(storage: Path, endpoint: str) -> Iterator[SparkSession]:
    """Start Spark. Its JVM also runs the Scala programs (scala/conftest.py), so it needs the emulated AWS."""
    settings = spark_settings(storage) | {
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties')}",
        "spark.python.daemon.module": "tests.glue_scripts.python_worker",
        "spark.executorEnv.PYTHONPATH": str(Path(__file__).parents[2]),
    }
    session = SparkSession.builder.config(map=settings).getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start an emulated AWS, which every boto3 client of the tests uses, and return its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
    environment |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    emulator = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    emulator["STATE_DIR"] = emulator["TMPDIR"] = str(tmp_path_factory.mktemp("ministack"))
    with (
        pytest.MonkeyPatch.context() as patch,
        (tmp_path_factory.mktemp("log") / "ministack.log").open("w") as log,
    ):
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


@pytest.fixture(scope="session")
def aws(endpoint: str) -> str:
    for bucket in BUCKETS:
        boto3.client("s3").create_bucket(Bucket=bucket)
    return endpoint


@pytest.fixture(scope="session")
def new_lake(aws: str, storage: Path) -> Callable[[str], Lake]:
    """Return a function that makes a lake with databases and prefixes of the given name."""

    def make(name: str) -> Lake:
        for database in (name, f"{name}_curated"):
            boto3.client("glue").create_database(DatabaseInput={"Name": database})
        return Lake(storage, name)

    return make


@pytest.fixture
def lake(new_lake: Callable[[str], Lake], request: pytest.FixtureRequest) -> Lake:
    """A separate lake for each test."""
    return new_lake(re.sub(r"\W+", "_", request.node.name)[:80])


@pytest.fixture
def rows(spark: SparkSession) -> Callable[..., DataFrame]:
    """Return a function that makes a frame from a schema and rows: rows("a int, b string", (1, "x"), (2, None))."""
    return lambda schema, *values: spark.createDataFrame(list(values), schema)


@pytest.fixture
def shop(aws: str, database: Database) -> Shop:
    return Shop.new(database)


@pytest.fixture
def planes(shop: Shop) -> Shop:
    shop.run(f"CREATE TABLE planes ({PLANES}); INSERT INTO planes VALUES ('N1', 10), ('N2', 20)")
    return shop

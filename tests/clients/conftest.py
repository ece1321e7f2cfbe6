"""Real clients, each in its own environment: `make clients` runs these and sets the address of the embedded AWS.

Without it the clients are missing, and these tests are skipped.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

# As `make clients` set it. Tests of other folders that ran before in this process may name an emulator of theirs.
ENDPOINT = os.environ.get("AWS_ENDPOINT_URL", "")


@dataclass(frozen=True)
class Place:
    """A bucket and a database for one test; clients find the embedded AWS by `AWS_ENDPOINT_URL`."""

    bucket: str
    database: str

    @property
    def results(self) -> str:
        return f"s3://{self.bucket}/results/"

    def folder(self, name: str) -> str:
        return f"s3://{self.bucket}/{name}/"

    def table(self, name: str) -> dict[str, Any]:
        """Return a table from the catalog."""
        return dict(boto3.client("glue").get_table(DatabaseName=self.database, Name=name)["Table"])


@pytest.fixture
def arrow_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pass pyarrow the endpoint: PyAthena does not, and pyarrow does not read it from the environment."""
    fs = pytest.importorskip("pyarrow.fs")
    endpoint = urlsplit(ENDPOINT)
    there = partial(fs.S3FileSystem, endpoint_override=endpoint.netloc, scheme=endpoint.scheme)
    monkeypatch.setattr(fs, "S3FileSystem", there)


@pytest.fixture
def place() -> Place:
    if "127.0.0.1" not in ENDPOINT:
        pytest.skip("`make clients` runs this")
    name = f"clients-{uuid.uuid4().hex[:8]}"
    made = Place(name, name.replace("-", "_"))
    boto3.client("s3").create_bucket(Bucket=made.bucket)
    boto3.client("glue").create_database(DatabaseInput={"Name": made.database})
    return made

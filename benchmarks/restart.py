"""How long the embedded AWS takes to start with 10,000 partitions, after a clean stop and after a kill."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from subprocess import Popen

from rich.console import Console
from rich.table import Table

from tests.embedded import client
from tests.local_aws.conftest import free_port, started, stopped

PARTITIONS, BATCH, TARGET = 10_000, 100, 3.0


def main() -> int:
    table = Table("start after", "seconds", "target")
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name) / "aws", free_port()
        process = started(port, folder)
        _fill(f"http://127.0.0.1:{port}")
        taken = {}
        for how, end in (("a clean stop", stopped), ("a kill", _killed)):
            end(process)
            begun = time.monotonic()
            process = started(port, folder)
            taken[how] = time.monotonic() - begun
            _check(f"http://127.0.0.1:{port}")
            table.add_row(how, f"{taken[how]:.1f}", f"{TARGET}")
        stopped(process)
    Console().print(table)
    return int(max(taken.values()) > TARGET)


def _fill(endpoint: str) -> None:
    glue = client("glue", endpoint)
    storage = {"Columns": [{"Name": "n", "Type": "int"}], "Location": "s3://lake/t/"}
    glue.create_database(DatabaseInput={"Name": "lake"})
    keys = [{"Name": "day", "Type": "string"}]
    glue.create_table(
        DatabaseName="lake", TableInput={"Name": "t", "StorageDescriptor": storage, "PartitionKeys": keys}
    )
    for first in range(0, PARTITIONS, BATCH):
        inputs = [{"Values": [str(number)], "StorageDescriptor": storage} for number in range(first, first + BATCH)]
        glue.batch_create_partition(DatabaseName="lake", TableName="t", PartitionInputList=inputs)


def _check(endpoint: str) -> None:
    pages = client("glue", endpoint).get_paginator("get_partitions").paginate(DatabaseName="lake", TableName="t")
    assert sum(len(page["Partitions"]) for page in pages) == PARTITIONS


def _killed(process: Popen[bytes]) -> None:
    process.kill()
    process.wait()


if __name__ == "__main__":
    sys.exit(main())

"""With limits enabled, a shard accepts no more per second than on AWS, and refuses record by record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.embedded import client
from tests.local_aws.conftest import free_port, started, stopped
from tests.local_aws.streams.kinesis.conftest import everything

THROTTLED = "ProvisionedThroughputExceededException"


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    port = free_port()
    folder: Path = tmp_path_factory.mktemp("limited") / "aws"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKE_SHARD_LIMITS", "1")
        process = started(port, folder)
    yield client("kinesis", f"http://127.0.0.1:{port}")
    stopped(process)


def put_until_refused(kinesis: Any, name: str, size: int) -> tuple[list[int], dict[str, Any]]:
    """Return the numbers of the accepted records, and the first refusal."""
    taken: list[int] = []
    for start in range(0, 10_000, 500):
        data = [b"%d" % number for number in range(start, start + 500)]
        records = [{"PartitionKey": "k", "Data": value.rjust(size)} for value in data]
        answer = kinesis.put_records(StreamName=name, Records=records)
        results = list(enumerate(answer["Records"], start))
        taken += [number for number, result in results if "SequenceNumber" in result]
        refused = [result for _, result in results if "ErrorCode" in result]
        assert answer["FailedRecordCount"] == len(refused)
        if refused:
            return taken, refused[0]
    raise AssertionError("nothing was refused")


@pytest.mark.parametrize("size", [10, 4000])
def test_only_records_over_a_shards_throughput_are_refused(limited: Any, name: str, size: int) -> None:
    limited.create_stream(StreamName=name, ShardCount=1)
    taken, refusal = put_until_refused(limited, name, size)
    assert refusal["ErrorCode"] == THROTTLED
    assert refusal["ErrorMessage"] == (
        f"Rate exceeded for shard shardId-000000000000 in stream {name} under account 000000000000."
    )
    assert everything(limited, name) == taken


def test_an_on_demand_stream_accepts_everything(limited: Any, name: str) -> None:
    limited.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    with pytest.raises(AssertionError, match="nothing was refused"):
        put_until_refused(limited, name, 10)


def test_shards_accept_everything_unless_limits_are_enabled(kinesis: Any, stream: str) -> None:
    for _ in range(6):
        records = [{"PartitionKey": "k", "Data": b"x" * 4000}] * 500
        assert kinesis.put_records(StreamName=stream, Records=records)["FailedRecordCount"] == 0

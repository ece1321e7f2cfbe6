"""Records that were put can be read: in order, from any position of an iterator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.streams.kinesis.conftest import everything, iterator, put, read, shards

ONLY = "shardId-000000000000"
LAST_KEY = str(2**128 - 1)


@pytest.fixture
def one(kinesis: Any, name: str) -> str:
    kinesis.create_stream(StreamName=name, ShardCount=1)
    return name


def test_records_are_read_once_in_the_order_of_their_numbers(kinesis: Any, stream: str) -> None:
    put(kinesis, stream, range(300))
    put(kinesis, stream, range(300, 500))
    assert everything(kinesis, stream) == list(range(500))
    for shard in shards(kinesis, stream):
        found = kinesis.get_records(ShardIterator=iterator(kinesis, stream, shard["ShardId"]))["Records"]
        numbers = [int(record["SequenceNumber"]) for record in found]
        assert numbers == sorted(numbers)
        assert [int(record["Data"]) for record in found] == sorted(int(record["Data"]) for record in found)


def test_a_record_has_the_data_that_was_put_and_the_sequence_number_returned(kinesis: Any, one: str) -> None:
    before = datetime.now(UTC)
    kinesis.start_stream_encryption(StreamName=one, EncryptionType="KMS", KeyId="alias/k")
    data = bytes(range(256))
    answer = kinesis.put_record(StreamName=one, PartitionKey="schlüssel", Data=data)
    (record,) = kinesis.get_records(ShardIterator=iterator(kinesis, one, ONLY))["Records"]
    assert (record["PartitionKey"], record["Data"], record["EncryptionType"]) == ("schlüssel", data, "KMS")
    assert (record["SequenceNumber"], ONLY, "KMS") == (
        answer["SequenceNumber"],
        answer["ShardId"],
        answer["EncryptionType"],
    )
    assert before - timedelta(seconds=1) < record["ApproximateArrivalTimestamp"] < datetime.now(UTC)


def test_a_record_goes_to_the_shard_of_its_hash_key(kinesis: Any, stream: str) -> None:
    low, high = shards(kinesis, stream)
    for key, shard in ((low["HashKeyRange"]["StartingHashKey"], low), (LAST_KEY, high)):
        answer = kinesis.put_record(StreamName=stream, PartitionKey="same", Data=b"1", ExplicitHashKey=key)
        assert answer["ShardId"] == shard["ShardId"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("AT_SEQUENCE_NUMBER", [3, 4, 5]), ("AFTER_SEQUENCE_NUMBER", [4, 5]), ("TRIM_HORIZON", range(6)), ("LATEST", [])],
)
def test_an_iterator_starts_at_the_requested_position(kinesis: Any, one: str, kind: str, expected: list[int]) -> None:
    numbers = put(kinesis, one, range(6))
    place = {"StartingSequenceNumber": numbers[3]["SequenceNumber"]} if "SEQUENCE" in kind else {}
    assert read(kinesis, iterator(kinesis, one, ONLY, kind, **place)) == list(expected)


def test_an_iterator_at_a_timestamp_starts_with_the_first_record_from_then_on(kinesis: Any, one: str) -> None:
    put(kinesis, one, range(3))
    later = put(kinesis, one, range(3, 5))
    found = kinesis.get_records(ShardIterator=iterator(kinesis, one, ONLY))["Records"]
    arrived = {record["SequenceNumber"]: record["ApproximateArrivalTimestamp"] for record in found}
    start = arrived[later[0]["SequenceNumber"]]
    assert read(kinesis, iterator(kinesis, one, ONLY, "AT_TIMESTAMP", Timestamp=start))[-2:] == [3, 4]
    assert read(kinesis, iterator(kinesis, one, ONLY, "AT_TIMESTAMP", Timestamp=start - timedelta(days=1))) == [
        *range(5)
    ]


def test_the_first_sequence_number_of_a_shard_is_before_its_first_record(kinesis: Any, one: str) -> None:
    (shard,) = shards(kinesis, one)
    start = shard["SequenceNumberRange"]["StartingSequenceNumber"]
    put(kinesis, one, range(2))
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        assert read(kinesis, iterator(kinesis, one, ONLY, kind, StartingSequenceNumber=start)) == [0, 1]


def test_an_iterator_at_the_end_returns_later_records_and_can_be_reused(kinesis: Any, one: str) -> None:
    latest = iterator(kinesis, one, ONLY, "LATEST")
    following = kinesis.get_records(ShardIterator=latest)["NextShardIterator"]
    put(kinesis, one, range(3))
    assert read(kinesis, latest) == read(kinesis, following) == read(kinesis, latest) == [0, 1, 2]


def test_an_answer_respects_the_limit_and_says_how_far_behind_it_is(kinesis: Any, one: str) -> None:
    put(kinesis, one, range(10))
    answer = kinesis.get_records(ShardIterator=iterator(kinesis, one, ONLY), Limit=4)
    assert [int(record["Data"]) for record in answer["Records"]] == [0, 1, 2, 3]
    rest = kinesis.get_records(ShardIterator=answer["NextShardIterator"])
    assert (len(rest["Records"]), rest["MillisBehindLatest"]) == (6, 0)
    assert read(kinesis, iterator(kinesis, one, ONLY), Limit=3) == list(range(10))


def test_an_answer_holds_at_most_ten_mebibytes(kinesis: Any, one: str) -> None:
    for _ in range(12):
        kinesis.put_record(StreamName=one, PartitionKey="k", Data=b"x" * (1024 * 1024 - 1))
    answer = kinesis.get_records(ShardIterator=iterator(kinesis, one, ONLY))
    rest = kinesis.get_records(ShardIterator=answer["NextShardIterator"])
    assert (len(answer["Records"]), len(rest["Records"])) == (10, 2)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"PartitionKey": "k", "Data": b"x" * (1024 * 1024)}, "ValidationException"),
        ({"PartitionKey": "k" * 257, "Data": b""}, "ValidationException"),
        ({"PartitionKey": "k", "Data": b"", "ExplicitHashKey": str(2**128)}, "InvalidArgumentException"),
        ({"PartitionKey": "k", "Data": b"", "ExplicitHashKey": "x"}, "InvalidArgumentException"),
    ],
)
def test_a_record_that_aws_would_refuse_fails_its_whole_call(
    kinesis: Any, one: str, record: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        kinesis.put_records(StreamName=one, Records=[{"PartitionKey": "1", "Data": b"1"}, record])
    assert refused.value.response["Error"]["Code"] == code
    assert everything(kinesis, one) == []


def test_a_stream_can_be_set_to_larger_records(kinesis: Any, one: str) -> None:
    arn = kinesis.describe_stream_summary(StreamName=one)["StreamDescriptionSummary"]["StreamARN"]
    kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=2048)
    kinesis.put_record(StreamName=one, PartitionKey="k", Data=b"7" * 1024 * 1024)
    (record,) = kinesis.get_records(ShardIterator=iterator(kinesis, one, ONLY))["Records"]
    assert len(record["Data"]) == 1024 * 1024


def test_a_call_of_more_than_500_records_is_refused(kinesis: Any, one: str) -> None:
    with pytest.raises(ClientError, match="500"):
        put(kinesis, one, range(501))


@pytest.mark.parametrize("sequence", ["1", "x", "49" + "0" * 54])
def test_a_sequence_number_of_another_shard_is_refused(kinesis: Any, one: str, sequence: str) -> None:
    with pytest.raises(ClientError) as refused:
        iterator(kinesis, one, ONLY, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=sequence)
    assert refused.value.response["Error"]["Code"] == "InvalidArgumentException"


@pytest.mark.parametrize("token", ["x", "WzFd", ""])
def test_an_invalid_iterator_is_refused(kinesis: Any, token: str) -> None:
    with pytest.raises(ClientError) as refused:
        kinesis.get_records(ShardIterator=token or "=")
    assert refused.value.response["Error"]["Code"] == "InvalidArgumentException"


def test_a_recreated_stream_has_none_of_the_firsts_records_and_iterators(kinesis: Any, one: str) -> None:
    put(kinesis, one, range(3))
    old = iterator(kinesis, one, ONLY)
    kinesis.delete_stream(StreamName=one)
    kinesis.create_stream(StreamName=one, ShardCount=1)
    assert everything(kinesis, one) == []
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.get_records(ShardIterator=old)

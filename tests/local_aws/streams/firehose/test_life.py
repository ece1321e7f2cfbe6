"""The life cycle of a delivery stream: Kinesis source, kills, a missing bucket, changes, deletion."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local_aws.streams.firehose.settings import Settings
from local_aws.streams.firehose.stream import DeliveryStream
from tests.embedded import client, store_of
from tests.local_aws.conftest import free_port, started, stopped, until
from tests.local_aws.streams.firehose.conftest import DELIMITED, Stream, processing


def lines(stream: Stream, prefix: str = "events/") -> list[int]:
    """Return the delivered numbers, in order."""
    bodies = stream.objects_now(prefix).values()
    return sorted(int(line) for body in bodies for line in body.splitlines())


def send(stream: Stream, numbers: range) -> None:
    records = [{"Data": str(number).encode(), "PartitionKey": str(number)} for number in numbers]
    for start in range(0, len(records), 500):
        answer = stream.aws("kinesis").put_records(StreamName=stream.name, Records=records[start : start + 500])
        assert answer["FailedRecordCount"] == 0


@pytest.fixture
def source(stream: Stream) -> Stream:
    """A delivery stream that reads a Kinesis stream of two shards with the same name."""
    stream.aws("kinesis").create_stream(StreamName=stream.name, ShardCount=2)
    stream.create(source=stream.name, **processing(DELIMITED))
    return stream


def test_every_record_of_a_kinesis_stream_arrives_once(source: Stream) -> None:
    send(source, range(3000))

    assert until(lambda: found if len(found := lines(source)) >= 3000 else None) == list(range(3000))
    assert len(source.objects_now("events/")) <= 5


def test_records_from_before_the_delivery_stream_do_not_arrive(stream: Stream) -> None:
    kinesis = stream.aws("kinesis")
    kinesis.create_stream(StreamName=stream.name, ShardCount=1)
    send(stream, range(10))
    stream.create(source=stream.name, **processing(DELIMITED))
    send(stream, range(10, 20))

    assert until(lambda: found if len(found := lines(stream)) >= 10 else None) == list(range(10, 20))


def test_a_kinesis_stream_that_was_deleted_and_made_again_is_read_from_its_beginning(source: Stream) -> None:
    kinesis = source.aws("kinesis")
    send(source, range(10))
    assert until(lambda: found if len(found := lines(source)) >= 10 else None) == list(range(10))
    kinesis.delete_stream(StreamName=source.name, EnforceConsumerDeletion=True)
    kinesis.create_stream(StreamName=source.name, ShardCount=1)
    send(source, range(10, 13))

    assert until(lambda: found if len(found := lines(source)) >= 13 else None) == list(range(13))


def test_records_that_were_read_survive_the_deletion_of_their_kinesis_stream(stream: Stream) -> None:
    kinesis = stream.aws("kinesis")
    kinesis.create_stream(StreamName=stream.name, ShardCount=2)
    stream.create(source=stream.name, seconds=900, **processing(DELIMITED))
    send(stream, range(10))
    until(lambda: metric(stream, "DataReadFromKinesisStream.Records") == 10, 30)
    kinesis.delete_stream(StreamName=stream.name, EnforceConsumerDeletion=True)
    stream.delete()

    assert lines(stream) == list(range(10))


def metric(stream: Stream, name: str) -> float:
    """Return the sum of a metric of the delivery stream."""
    now = datetime.now(UTC)
    found = stream.aws("cloudwatch").get_metric_statistics(
        Namespace="AWS/Firehose", MetricName=name, Dimensions=[{"Name": "DeliveryStreamName", "Value": stream.name}],
        StartTime=now - timedelta(hours=1), EndTime=now + timedelta(hours=1), Period=60, Statistics=["Sum"],
    )  # fmt: skip
    return float(sum(point["Sum"] for point in found["Datapoints"]))


def test_a_record_that_is_sent_twice_arrives_twice(source: Stream) -> None:
    send(source, range(3))
    send(source, range(3))

    assert until(lambda: found if len(found := lines(source)) >= 6 else None) == [0, 0, 1, 1, 2, 2]


def test_a_bucket_that_is_away_holds_records_back_until_it_is_there(stream: Stream) -> None:
    logs = stream.aws("logs")
    logs.create_log_group(logGroupName=stream.name)
    logs.create_log_stream(logGroupName=stream.name, logStreamName="delivery")
    options = {"Enabled": True, "LogGroupName": stream.name, "LogStreamName": "delivery"}
    stream.create(CloudWatchLoggingOptions=options, **processing(DELIMITED))
    stream.aws("s3").delete_bucket(Bucket=stream.name)
    stream.put(b"1", b"2")

    def errors() -> list[dict[str, Any]]:
        events = logs.get_log_events(logGroupName=stream.name, logStreamName="delivery")["events"]
        return [json.loads(event["message"]) for event in events]

    error = until(errors)[0]
    assert error["errorCode"] == "S3.NoSuchBucket"
    assert error["destination"] == f"arn:aws:s3:::{stream.name}"
    stream.aws("s3").create_bucket(Bucket=stream.name)
    assert until(lambda: lines(stream)) == [1, 2]


def test_a_change_applies_from_the_next_buffer(stream: Stream) -> None:
    stream.create()
    destination = {"Prefix": "elsewhere/", "ErrorOutputPrefix": "e/!{firehose:error-output-type}/"}
    stream.aws("firehose").update_destination(
        DeliveryStreamName=stream.name,
        CurrentDeliveryStreamVersionId="1",
        DestinationId=_destination(stream),
        ExtendedS3DestinationUpdate=destination,
    )
    stream.put(b"1")

    (key,) = stream.objects("elsewhere/")
    assert f"/{stream.name}-2-" in key


def _destination(stream: Stream) -> str:
    described = stream.aws("firehose").describe_delivery_stream(DeliveryStreamName=stream.name)
    return str(described["DeliveryStreamDescription"]["Destinations"][0]["DestinationId"])


def test_buffered_records_are_delivered_when_the_stream_is_deleted(stream: Stream) -> None:
    stream.create(seconds=900, **processing(DELIMITED))
    stream.put(b"1", b"2")
    stream.delete()

    assert lines(stream) == [1, 2]


def test_a_stream_deleted_while_data_flows_leaves_nothing(source: Stream) -> None:
    logs = source.aws("logs")
    group = f"/fh/{source.name}"
    logs.create_log_group(logGroupName=group)
    flows = threading.Event()
    flows.set()

    def flow() -> None:
        while flows.is_set():
            send(source, range(50))

    producer = threading.Thread(target=flow)
    producer.start()
    try:
        source.objects()
        source.delete()
        logs.delete_log_group(logGroupName=group)
        before = source.objects_now()
        send(source, range(100))
    finally:
        flows.clear()
        producer.join()
    source.aws("kinesis").delete_stream(StreamName=source.name)
    assert source.objects_now() == before
    held = {place: [key for key in keys if source.name in key] for place, keys in store_of(source.endpoint).items()}
    assert {place.partition("/")[0] for place, keys in held.items() if keys} == {"s3"}


def test_metrics_are_published(stream: Stream) -> None:
    stream.table()
    stream.create(DataFormatConversionConfiguration=stream.conversion)
    stream.put({"carrier": "UA"}, b"no JSON")
    stream.rows()
    named = [{"Name": "DeliveryStreamName", "Value": stream.name}]

    def published() -> dict[str, Any]:
        listed = stream.aws("cloudwatch").list_metrics(Namespace="AWS/Firehose", Dimensions=named)["Metrics"]
        return {metric["MetricName"]: metric for metric in listed}

    wanted = {
        *("IncomingRecords", "DeliveryToS3.Success", "DeliveryToS3.DataFreshness", "DeliveryToS3.Records"),
        *("SucceedConversion.Records", "FailedConversion.Records"),
    }
    assert until(lambda: wanted <= set(published()))


@pytest.fixture
def port_and_folder(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    yield free_port(), tmp_path / "aws"


def test_acknowledged_records_are_delivered_once_across_kills(
    port_and_folder: tuple[int, Path],
) -> None:
    port, folder = port_and_folder
    process = started(port, folder)
    endpoint = f"http://127.0.0.1:{port}"
    direct, source = Stream(endpoint, "direct"), Stream(endpoint, "source")
    client("s3", endpoint).create_bucket(Bucket="direct")
    client("s3", endpoint).create_bucket(Bucket="source")
    client("kinesis", endpoint).create_stream(StreamName="source", ShardCount=2)
    direct.create(**processing(DELIMITED))
    source.create(source="source", **processing(DELIMITED))
    for life in range(3):
        numbers = range(1000 * life, 1000 * life + 400)
        direct.put(*(str(number).encode() for number in numbers))
        send(source, numbers)
        if life == 1:
            until(lambda: lines(source))
        process.kill()
        process.wait()
        process = started(port, folder)
    expected = [number for life in range(3) for number in range(1000 * life, 1000 * life + 400)]
    try:
        assert until(lambda: found if len(found := lines(direct)) >= 1200 else None) == expected
        assert until(lambda: found if len(found := lines(source)) >= 1200 else None) == expected
    finally:
        stopped(process)


def test_an_unexpected_error_of_a_delivery_is_in_the_streams_log(tmp_path: Path) -> None:
    lines, bodies = list[dict[str, Any]](), list[bytes]()

    class Aws:
        def put_log_events(self, **given: Any) -> None:
            lines.extend(json.loads(event["message"]) for event in given["logEvents"])

        def put_object(self, **given: Any) -> None:
            if not lines:
                raise RuntimeError("of a library")
            bodies.append(given["Body"])

        def put_metric_data(self, **_: Any) -> None: ...

    place = {"BucketARN": "arn:aws:s3:::b", "BufferingHints": {"IntervalInSeconds": 0}}
    options = {"Enabled": True, "LogGroupName": "g", "LogStreamName": "s"}
    described = {
        **{"DeliveryStreamName": "f", "DeliveryStreamARN": "arn:f", "VersionId": "1"},
        "Destinations": [{"ExtendedS3DestinationDescription": {**place, "CloudWatchLoggingOptions": options}}],
    }
    settings = Settings.of(described)
    assert settings is not None
    context: Any = SimpleNamespace(client=lambda service, region: Aws())
    made = DeliveryStream(context, "us-east-1", settings, tmp_path / "f", 60)
    made.start()
    made.put([b"1"])

    assert until(lambda: bodies) == [b"1"]
    [error] = lines
    assert error["errorCode"] == "InternalFailure"
    assert "an unexpected error (RuntimeError)" in error["message"]
    assert "of a library" not in error["message"]
    made.delete()

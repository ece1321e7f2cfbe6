"""The output of a delivery stream: buffered files in a format, under a prefix or the error prefix."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import zipfile
from datetime import UTC, datetime

import cramjam
import pytest
from botocore.exceptions import ClientError

from tests.local_aws.streams.firehose.conftest import DELIMITED, Stream, processing

GOOD = [{"carrier": "UA", "delay": 2.5, "at": "2013-01-01T05:00:00Z"}, {"carrier": "AA", "delay": -1}]


def test_records_are_buffered_by_time_and_written_as_one_object(stream: Stream) -> None:
    stream.create(**processing(DELIMITED))
    for number in range(30):
        stream.put({"n": number})

    (body,) = stream.objects().values()
    assert [json.loads(line)["n"] for line in body.splitlines()] == list(range(30))


def test_a_full_buffer_does_not_wait_for_its_time(stream: Stream) -> None:
    stream.create(size=1, seconds=900)
    for _ in range(3):
        stream.put(b"x" * 900_000)

    assert max(len(body) for body in stream.objects().values()) >= 1024 * 1024


def test_records_without_a_delimiter_are_concatenated_in_order(stream: Stream) -> None:
    stream.create()
    stream.put(b'{"a": 1}', b'{"a": 2}\n')

    assert list(stream.objects().values()) == [b'{"a": 1}{"a": 2}\n']


def test_an_object_is_named_as_by_aws(stream: Stream) -> None:
    stream.create(Prefix="events/day=!{timestamp:yyyy-MM-dd}/")
    stream.put({"a": 1})

    (key,) = stream.objects()
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    assert re.fullmatch(rf"events/day={day}/{stream.name}-1-{day}-\d\d-\d\d-\d\d-[0-9a-f-]{{36}}", key)


def test_a_prefix_without_a_time_gets_the_hour_of_arrival(stream: Stream) -> None:
    stream.create()
    stream.put({"a": 1})

    (key,) = stream.objects()
    assert re.match(r"events/\d{4}/\d\d/\d\d/\d\d/", key)


def test_a_streams_time_zone_applies_to_prefix_and_object_names(stream: Stream) -> None:
    stream.create(Prefix="events/!{timestamp:HH}/", CustomTimeZone="Asia/Kolkata", FileExtension=".txt")
    stream.put({"a": 1})

    (key,) = stream.objects()
    hour, minute = re.search(r"events/(\d\d)/.*-\1-(\d\d)-\d\d-[0-9a-f-]{36}\.txt$", key).groups()  # type: ignore[union-attr]
    now = datetime.now(UTC)
    half_past = (int(hour) * 60 + int(minute) - now.hour * 60 - now.minute) % 1440
    assert half_past in (328, 329, 330)


@pytest.mark.parametrize(
    ("compression", "extension", "read"),
    [
        ("GZIP", ".gz", gzip.decompress),
        ("Snappy", ".snappy", lambda body: bytes(cramjam.snappy.decompress(body))),
        ("HADOOP_SNAPPY", ".hsnappy", lambda body: bytes(cramjam.snappy.decompress_raw(body[8:]))),
        ("ZIP", ".zip", lambda body: (found := zipfile.ZipFile(io.BytesIO(body))).read(found.namelist()[0])),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_objects_are_compressed_as_configured(stream: Stream, compression: str, extension: str, read: object) -> None:
    stream.create(CompressionFormat=compression, **processing(DELIMITED))
    stream.put({"a": 1}, {"a": 2})

    ((key, body),) = stream.objects().items()
    assert key.endswith(extension)
    assert read(body) == b'{"a": 1}\n{"a": 2}\n'  # type: ignore[operator]


@pytest.mark.parametrize(
    ("serializer", "extension"),
    [
        ({"ParquetSerDe": {}}, ".parquet"),
        ({"ParquetSerDe": {"Compression": "GZIP"}}, ".parquet"),
        ({"ParquetSerDe": {"Compression": "UNCOMPRESSED"}}, ".parquet"),
        ({"OrcSerDe": {}}, ".orc"),
        ({"OrcSerDe": {"Compression": "ZLIB"}}, ".orc"),
        ({"OrcSerDe": {"Compression": "NONE"}}, ".orc"),
    ],
    ids=str,
)
def test_rows_have_the_tables_columns(stream: Stream, serializer: dict[str, object], extension: str) -> None:
    stream.table()
    conversion = {**stream.conversion, "OutputFormatConfiguration": {"Serializer": serializer}}
    stream.create(DataFormatConversionConfiguration=conversion)
    stream.put(*GOOD)

    rows = stream.rows()
    assert rows == [
        {"carrier": "UA", "delay": 2.5, "at": datetime(2013, 1, 1, 5)},
        {"carrier": "AA", "delay": -1.0, "at": None},
    ]
    assert all(key.endswith(extension) for key in stream.objects())


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (b"no JSON", "DataFormatConversion.ParseError"),
        (b"", "DataFormatConversion.MalformedData"),
        (b"[1]", "DataFormatConversion.MalformedData"),
        (b'{"delay": "late"}', "DataFormatConversion.MalformedData"),
        (b"\xff\xfe", "DataFormatConversion.ParseError"),
    ],
)
def test_only_a_record_that_cannot_be_converted_goes_to_the_error_prefix(
    stream: Stream, record: bytes, code: str
) -> None:
    stream.table()
    stream.create(DataFormatConversionConfiguration=stream.conversion)
    stream.put(GOOD[0], record, GOOD[1])

    (error,) = stream.errors("format-conversion-failed")
    assert len(stream.rows()) == 2
    assert set(error) == {
        *("attemptsMade", "arrivalTimestamp", "lastErrorCode", "lastErrorMessage", "attemptEndingTimestamp"),
        *("rawData", "sequenceNumber", "subSequenceNumber", "dataCatalogTable"),
    }
    assert (base64.b64decode(error["rawData"]), error["lastErrorCode"]) == (record, code)
    assert error["dataCatalogTable"]["tableName"] == "events"


def test_a_missing_table_sends_every_record_to_the_error_prefix(stream: Stream) -> None:
    stream.create(DataFormatConversionConfiguration=stream.conversion)
    stream.put(*GOOD)

    errors = stream.errors("format-conversion-failed", 2)
    assert {error["lastErrorCode"] for error in errors} == {"DataFormatConversion.EntityNotFound"}
    assert [json.loads(base64.b64decode(error["rawData"])) for error in errors] == GOOD


def test_the_source_records_are_backed_up(stream: Stream) -> None:
    stream.table()
    place = {"RoleARN": "arn:aws:iam::000000000000:role/r", "BucketARN": f"arn:aws:s3:::{stream.name}"}
    stream.create(
        DataFormatConversionConfiguration=stream.conversion,
        S3BackupMode="Enabled",
        S3BackupConfiguration={**place, "Prefix": "backup/", "CompressionFormat": "GZIP"},
    )
    stream.put(b"no JSON\n", GOOD[0])

    ((key, body),) = stream.objects("backup/").items()
    assert key.endswith(".gz")
    assert gzip.decompress(body) == b"no JSON\n" + json.dumps(GOOD[0]).encode()
    described = stream.aws("firehose").describe_delivery_stream(DeliveryStreamName=stream.name)
    (destination,) = described["DeliveryStreamDescription"]["Destinations"]
    assert destination["ExtendedS3DestinationDescription"]["S3BackupDescription"]["Prefix"] == "backup/"


def test_a_record_that_is_too_large_is_refused(stream: Stream) -> None:
    stream.create()
    with pytest.raises(ClientError, match="less than or equal to 1024000"):
        stream.put(b"x" * 1_024_001)


def test_a_batch_that_is_too_large_is_refused(stream: Stream) -> None:
    stream.create()
    with pytest.raises(ClientError, match="exceeds 4 MB"):
        stream.put(*[b"x" * 1_000_000] * 5)


def test_a_stream_with_a_kinesis_source_refuses_puts(stream: Stream) -> None:
    stream.aws("kinesis").create_stream(StreamName=stream.name, ShardCount=1)
    stream.create(source=stream.name)
    with pytest.raises(ClientError, match="not permitted on KinesisStreamAsSource"):
        stream.put({"a": 1})

"""`lake watch` and `lake stream check`: what is there, what is not, and what nobody says."""

from __future__ import annotations

import io
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from lake.commands.events import _line
from lake.configuration.model import Stream
from lake.data import row_counts, stream_check, watching
from lake.data.records import Key
from lake.data.sending import Ledger, Run
from local_aws.streams.firehose.files import compressed

NAMES = SimpleNamespace(stream=lambda name: f"p-{name}", bucket=lambda purpose: f"p-{purpose}")


class CloudWatch:
    """Answers with the values of metrics by name; those of no name have none. `rejected` is of the stream beside."""

    def __init__(self, rejected: float | None = None, **values: float) -> None:
        self.values = {("p-s", name.replace("_", ".")): value for name, value in values.items()}
        if rejected is not None:
            self.values["p-s_rejected", "IncomingRecords"] = rejected

    def get_metric_data(self, MetricDataQueries: list[Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        metrics = {query["Id"]: query["MetricStat"]["Metric"] for query in MetricDataQueries}
        named = {id_: (metric["Dimensions"][0]["Value"], metric["MetricName"]) for id_, metric in metrics.items()}
        found = {id_: self.values.get(name) for id_, name in named.items()}
        return {
            "MetricDataResults": [
                {"Id": id_, "Values": [] if value is None else [value]} for id_, value in found.items()
            ]
        }


def aws(cloudwatch: CloudWatch, *files: tuple[str, int]) -> Any:
    now = datetime.now(UTC)
    contents = [{"Key": key, "LastModified": now - timedelta(seconds=ago)} for key, ago in files]
    pages = SimpleNamespace(paginate=lambda **_: [{"Contents": contents}])
    summary = {"StreamDescriptionSummary": {"OpenShardCount": 2}}
    return SimpleNamespace(
        names=NAMES,
        cloudwatch=cloudwatch,
        s3=SimpleNamespace(get_paginator=lambda _: pages),
        kinesis=SimpleNamespace(describe_stream_summary=lambda StreamName: summary),  # noqa: N803
    )


def test_a_reading_has_rates_and_the_newest_file() -> None:
    cloudwatch = CloudWatch(
        rejected=7,
        IncomingRecords=600,
        GetRecords_IteratorAgeMilliseconds=250,
        currentOutputWatermark=1_356_998_400_000.0,
    )
    found = watching.reading(aws(cloudwatch, ("s/old", 900), ("s/new", 5)), "s", 60)
    assert (found["shards"], found["events_in_a_second"], found["iterator_age_ms"]) == (2, 10, 250)
    assert found["rejected_events"] == 7
    assert found["watermark"] == "2013-01-01T00:00:00Z"
    assert found["newest_file"] == "s/new, 5 s ago"


def test_unpublished_values_are_hyphens_and_no_events_are_zero() -> None:
    found = watching.reading(aws(CloudWatch()), "s", 60)
    assert found["events_in_a_second"] == 0
    assert {
        found[name] for name in ("iterator_age_ms", "watermark", "rejected_events", "bad_events", "newest_file")
    } == {None}
    assert "rejected_events -" in _line(found)
    assert "events_in_a_second 0" in _line(found)


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (set(range(1, 11)), ""),
        (set(range(2, 11)), "Kinesis: 1 events of f.jsonl are not in the stream: lines 1"),
        ({1, 2, 6, 7, 8, 10}, "Kinesis: 4 events of f.jsonl are not in the stream: lines 3 to 5, 9"),
    ],
)
def test_missing_lines_are_listed(there: set[int], says: str) -> None:
    assert stream_check._missing_lines(Run("f.jsonl", [1, 1], done=10), there) == says


class S3:
    """Objects by key, each with the second in which it was written, and its body."""

    def __init__(self, objects: dict[str, tuple[int, bytes]]) -> None:
        self._objects = objects
        self.fetched = 0

    def get_paginator(self, operation: str) -> S3:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[Any]:  # noqa: N803
        found = [
            {"Key": key, "Size": len(body), "LastModified": datetime.fromtimestamp(written, UTC)}
            for key, (written, body) in self._objects.items()
            if key.startswith(Prefix)
        ]
        return [{"Contents": found}]

    def get_object(self, Bucket: str, Key: str, Range: str = "bytes=0-999999999") -> Any:  # noqa: N803
        first, last = map(int, Range.removeprefix("bytes=").split("-"))
        body = self._objects[Key][1][first : last + 1]
        self.fetched += len(body)
        return {"Body": io.BytesIO(body)}


def events_file(format_: str, compression: str, count: int) -> bytes:
    """A file as the embedded AWS's Firehose writes it."""
    if format_ == "json":
        return compressed(b'{"a": 1}\n' * count, compression, "events")
    sink, table = io.BytesIO(), pa.table({"a": [random.random() for _ in range(count)]})
    pq.write_table(table, sink) if format_ == "parquet" else orc.write_table(table, sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("format_", "compression", "written"),
    [
        ("parquet", "snappy", ""),
        ("orc", "snappy", ""),
        ("json", "none", "UNCOMPRESSED"),
        ("json", "gzip", "GZIP"),
        ("json", "zip", "ZIP"),
        ("json", "snappy", "Snappy"),
        ("json", "hadoop_snappy", "HADOOP_SNAPPY"),
    ],
)
def test_the_rows_of_a_streams_files_are_counted_in_every_format(format_: str, compression: str, written: str) -> None:
    stream = Stream.model_validate(
        {"columns": {"a": "int"}, "delivery": {"format": format_, "compression": compression}}
    )
    body = events_file(format_, written, 100_000)
    s3 = S3({"s/date=2026-01-01/k=a/f": (5, body), "s/date=2026-01-01/k=b/f": (5, body), "other/f": (5, b"x")})
    lake = SimpleNamespace(config=SimpleNamespace(streams={"s": stream}))
    fake: Any = SimpleNamespace(lake=lake, names=NAMES, s3=s3)

    assert row_counts.in_files(fake, "s", None) == (200_000, 0)
    assert format_ == "json" or s3.fetched < len(body)  # only the footers


@pytest.mark.parametrize(("rows", "errors", "is_exact"), [(6, 1, True), (5, 1, False), (7, 1, True)])
def test_a_check_counts_every_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, errors: int, is_exact: bool
) -> None:
    stream = Stream.model_validate({"columns": {"a": "int"}, "delivery": {"format": "json", "compression": "none"}})
    monkeypatch.setattr(stream_check, "began", lambda aws, name: None)
    lake = SimpleNamespace(root=tmp_path, deployment="local", config=SimpleNamespace(streams={"s": stream}))
    fake: Any = SimpleNamespace(lake=lake, names=NAMES)
    file = tmp_path / "e.jsonl"
    file.write_text("{}\n")
    ledger = Ledger(fake, "s")
    run = ledger.begin(file)
    run.done, run.is_over = 4, True
    ledger.save()
    keys = [*(str(Key(run.id, line)) for line in (1, 2, 3, 4, 4)), "another", "other"]
    arrived = {"ApproximateArrivalTimestamp": datetime.fromtimestamp(1_000, UTC)}
    kept = [("shard", {"PartitionKey": key, **arrived}) for key in keys]
    monkeypatch.setattr(stream_check, "records", lambda aws, name: kept)
    body, lost = b"{}\n" * rows, b'{"arrivalTimestamp": 1000000}\n' * errors
    # Of a day whose events Kinesis no longer keeps.
    old = b"{}\n" * 3
    fake.s3 = S3(
        {"s/new": (1_060, body), "_errors/s/new": (1_060, lost), "s/old": (900, old), "_errors/s/old": (900, old)}
    )
    found = stream_check.check(fake, "s")
    assert (found.sent, found.in_stream, found.twice, found.foreign) == (4, 4, 1, 2)
    assert (found.in_files, found.with_errors) == (rows, errors)
    assert found.note.startswith("Not compared: the 1 files from before 1970-01-01 00:16:40 UTC")
    assert found.is_exact is is_exact
    assert is_exact or "1 events are neither in a file nor under the error prefix" in found.missing[0]

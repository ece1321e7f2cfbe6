"""What was acknowledged before a kill -9 exists after it: each service that a lake uses, through its own API."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.conftest import stopped, until
from tests.local_aws.crawlers.conftest import Lake
from tests.local_aws.crawlers.test_events import Queues, crawl_by_events
from tests.local_aws.journal.life import CHANGES, DESCRIPTIONS, Life


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    life = Life(tmp_path_factory.mktemp("killed") / "aws")
    yield life
    stopped(life.process)


@pytest.fixture(scope="module")
def unsaved(life: Life) -> list[str]:
    """Make every change. Returns those that were in no file when they were acknowledged."""
    missing = []
    for service, action, payload in CHANGES:
        before = life.on_disk()
        life.call(service, action, payload)
        if life.on_disk() == before:
            missing.append(f"{service} {action}")
    return missing


@pytest.fixture(scope="module")
def sent(life: Life, unsaved: list[str]) -> dict[str, Any]:
    """Send objects, records, log lines and a ciphertext; returns the last answer for each."""
    s3, kinesis, firehose, logs = (life.aws(service) for service in ("s3", "kinesis", "firehose", "logs"))
    for text in (b"first", b"second"):
        s3.put_object(Bucket="kept", Key="twice.txt", Body=text)
    s3.put_object_tagging(Bucket="kept", Key="twice.txt", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    s3.put_object(Bucket="kept", Key="gone.txt", Body=b"gone")
    s3.delete_object(Bucket="kept", Key="gone.txt")
    events = [{"timestamp": int(time.time() * 1000) + n, "message": f"line {n}"} for n in range(3)]
    logs.put_log_events(logGroupName="kept", logStreamName="s_kept", logEvents=events)
    one = [kinesis.put_record(StreamName="kept", PartitionKey=str(n), Data=b"%d" % n) for n in range(4)]
    batch = kinesis.put_records(
        StreamARN="arn:aws:kinesis:us-east-1:000000000000:stream/kept",
        Records=[{"PartitionKey": str(n), "Data": b"%d" % n} for n in range(4, 40)],
    )
    firehose.put_record(DeliveryStreamName="kept", Record={"Data": b"direct"})
    secret = life.aws("kms").encrypt(KeyId="alias/kept", Plaintext=b"plain")["CiphertextBlob"]
    return {"records": one + batch["Records"], "secret": secret, "events": events}


@pytest.fixture(scope="module")
def before_and_after(life: Life, sent: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return each description before the kill and after the next start."""
    before = [life.call(*description) for description in DESCRIPTIONS]
    life.killed()
    life.again()
    after = [life.call(*description) for description in DESCRIPTIONS]
    names = [f"{service} {action} {list(payload.values())}" for service, action, payload in DESCRIPTIONS]
    return dict(zip(names, zip(before, after, strict=True), strict=True))


def test_every_acknowledged_change_is_in_a_file(unsaved: list[str]) -> None:
    assert unsaved == []


def test_after_a_kill_every_service_returns_the_same_descriptions(
    before_and_after: dict[str, tuple[Any, Any]],
) -> None:
    differ = {name: (before, after) for name, (before, after) in before_and_after.items() if before != after}
    assert differ == {}


def test_after_a_kill_records_have_their_sequence_numbers_and_shards(
    life: Life, before_and_after: object, sent: dict[str, Any]
) -> None:
    there = {(record["ShardId"], record["SequenceNumber"]) for record in sent["records"]}
    assert {(shard, record["SequenceNumber"]) for shard, record in _records(life)} == there
    assert {int(record["Data"]) for _, record in _records(life)} == set(range(40))


def test_after_a_kill_a_consumer_continues_after_its_last_record(
    life: Life, before_and_after: object, sent: dict[str, Any]
) -> None:
    last = sent["records"][-1]
    record = {"PartitionKey": "39", "Data": b"40"}
    new = life.aws("kinesis").put_record(StreamName="kept", **record)
    assert new["ShardId"] == last["ShardId"]
    assert new["SequenceNumber"] > last["SequenceNumber"]
    found = _read(
        life, last["ShardId"], ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=last["SequenceNumber"]
    )
    assert [record["Data"] for record in found] == [b"40"]


def test_after_a_kill_log_streams_have_their_lines(life: Life, before_and_after: object, sent: dict[str, Any]) -> None:
    (stream,) = life.aws("logs").describe_log_streams(logGroupName="kept")["logStreams"]
    first, last = (sent["events"][place]["timestamp"] for place in (0, -1))
    assert (stream["firstEventTimestamp"], stream["lastEventTimestamp"]) == (first, last)
    assert _messages(life) == [event["message"] for event in sent["events"]]
    # The clients never saw these two times, so they may differ slightly.
    assert first - 5_000 < stream["creationTime"] <= stream["lastIngestionTime"] < last + 5_000


def test_after_a_kill_a_secret_has_its_value_and_a_key_decrypts_what_it_encrypted_before(
    life: Life, before_and_after: object, sent: dict[str, Any]
) -> None:
    assert life.aws("secretsmanager").get_secret_value(SecretId="kept")["SecretString"] == "s_kept"
    assert life.aws("kms").decrypt(CiphertextBlob=sent["secret"])["Plaintext"] == b"plain"


def test_firehose_records_are_delivered_once_across_a_kill(life: Life, before_and_after: object) -> None:
    until(lambda: len(_delivered(life, "from-kinesis/")) >= 40 and _delivered(life, "direct/"))
    assert _delivered(life, "direct/") == ["direct"]
    assert sorted(map(int, _delivered(life, "from-kinesis/"))) in (list(range(40)), list(range(41)))


def _delivered(life: Life, prefix: str) -> list[str]:
    """Return the records under a prefix."""
    s3 = life.aws("s3")
    listed = s3.list_objects_v2(Bucket="delivered", Prefix=prefix).get("Contents", [])
    bodies = [s3.get_object(Bucket="delivered", Key=entry["Key"])["Body"].read() for entry in listed]
    return b"".join(bodies).decode().splitlines()


def test_a_second_kill_before_a_state_is_written_loses_and_duplicates_nothing(
    life: Life, before_and_after: object
) -> None:
    before = (_records(life), _messages(life))
    assert len(before[0]) >= 40
    life.killed()
    life.again()
    life.aws("kinesis").put_record(StreamName="kept", PartitionKey="1", Data=b"41")
    _made_and_deleted(life)
    life.killed()
    life.again()
    records = _records(life)
    assert [_identity(*found) for found in records if found[1]["Data"] != b"41"] == [_identity(*b) for b in before[0]]
    assert len(records) == len(before[0]) + 1
    times = {record["SequenceNumber"]: record["ApproximateArrivalTimestamp"] for _, record in before[0] + records}
    drift = [abs(record["ApproximateArrivalTimestamp"] - times[record["SequenceNumber"]]) for _, record in before[0]]
    assert max(drift).total_seconds() <= 0.001
    assert _messages(life) == before[1] == ["line 0", "line 1", "line 2"]
    with pytest.raises(ClientError):
        life.aws("glue").get_database(Name="short")
    assert "short" not in life.aws("kinesis").list_streams()["StreamNames"]


def test_an_overwrite_that_a_kill_cut_off_leaves_one_whole_version(life: Life, before_and_after: object) -> None:
    """The emulator writes an object's bytes, then its description, which here is still the old one."""
    s3 = life.aws("s3")
    s3.create_bucket(Bucket="plain")
    s3.put_object(Bucket="plain", Key="a/once.txt", Body=b"before")
    s3.put_object(Bucket="kept", Key="a/thrice.txt", Body=b"one")
    s3.put_object(Bucket="kept", Key="a/thrice.txt", Body=b"two")
    life.killed()
    for bucket in ("plain", "kept"):
        folder = life.folder / "s3" / "000000000000" / bucket / "a"
        (data,) = (path for path in folder.iterdir() if not path.name.endswith(".meta.json"))
        said = json.loads((folder / f"{data.name}.meta.json").read_text())
        if bucket == "kept":
            # In a versioned bucket, the emulator first copies the previous version to its own place.
            kept = life.folder / "s3" / ".versions" / "000000000000" / bucket / said["version_id"] / "a" / data.name
            kept.parent.mkdir(parents=True)
            shutil.copy(data, kept)
        time.sleep(0.01)
        data.write_bytes(b"cut off")
        (folder / f"{data.name}.tmp").write_bytes(b"half")
    life.again()
    plain, kept_object = (
        s3.get_object(Bucket=bucket, Key=key) for bucket, key in (("plain", "a/once.txt"), ("kept", "a/thrice.txt"))
    )
    assert (plain["Body"].read(), plain["ContentLength"]) == (b"cut off", 7)
    assert plain["ETag"] == s3.put_object(Bucket="plain", Key="same", Body=b"cut off")["ETag"]
    assert kept_object["Body"].read() == b"two"
    assert not list((life.folder / "s3").rglob("*.tmp"))


def _identity(shard: str, record: dict[str, Any]) -> tuple[str, ...]:
    return shard, record["SequenceNumber"], record["PartitionKey"], record["Data"]


def _made_and_deleted(life: Life) -> None:
    life.aws("glue").create_database(DatabaseInput={"Name": "short"})
    life.aws("glue").delete_database(Name="short")
    life.aws("kinesis").create_stream(StreamName="short", ShardCount=1)
    life.aws("kinesis").put_record(StreamName="short", PartitionKey="1", Data=b"1")
    life.aws("kinesis").delete_stream(StreamName="short")


def _records(life: Life) -> list[tuple[str, dict[str, Any]]]:
    shards = [shard["ShardId"] for shard in life.aws("kinesis").list_shards(StreamName="kept")["Shards"]]
    return [(shard, record) for shard in shards for record in _read(life, shard, ShardIteratorType="TRIM_HORIZON")]


def _read(life: Life, shard: str, **place: str) -> list[dict[str, Any]]:
    kinesis = life.aws("kinesis")
    iterator = kinesis.get_shard_iterator(StreamName="kept", ShardId=shard, **place)["ShardIterator"]
    records: list[dict[str, Any]] = kinesis.get_records(ShardIterator=iterator)["Records"]
    return records


def _messages(life: Life) -> list[str]:
    found = life.aws("logs").get_log_events(logGroupName="kept", logStreamName="s_kept")["events"]
    return [event["message"] for event in found]


def test_after_a_kill_a_crawler_in_event_mode_crawls_everything_once(life: Life, before_and_after: object) -> None:
    """Messages of S3 are saved a moment after its answer, so a kill may lose them: a purge simulates that."""
    lake = Lake(life.aws)
    queues = Queues(life.aws("sqs"), lake)
    lake.put({"t/d=1/a.json": '{"a": 1}\n'})
    crawl_by_events(lake, queues)
    lake.put({"t/d=2/a.json": '{"a": 1}\n'})
    queues.wait_for(2)
    queues.sqs.purge_queue(QueueUrl=queues.url)
    life.killed()
    life.again()
    lake.run()
    assert set(lake.partitions("t")) == {("1",), ("2",)}

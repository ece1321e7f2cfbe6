"""A disk that fills up: acknowledged data stays, what does not fit is refused with a sentence, deletes free space."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.protocol import AwsError
from local_aws.store import Store
from tests.local_aws.conftest import stopped, until
from tests.local_aws.journal.life import ROLE, TABLE, TRUST, Life
from tests.local_aws.sagemaker.conftest import BUCKET, need_framework, training

MEGABYTE = 1024 * 1024
OVER = ("SUCCEEDED", "FAILED", "CANCELLED")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 40 MB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounts a tmpfs, which needs root on Linux")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)]
    if (done := subprocess.run(command, capture_output=True, text=True)).returncode:
        pytest.skip(f"mounts a tmpfs, which this machine refuses: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def life(disk: Path, tmp_path: Path) -> Iterator[Life]:
    life = Life(disk / "aws", tmp_path / "aws.log")
    yield life
    stopped(life.process)


def until_refused(acts: Iterator[Callable[[], Any]]) -> tuple[int, ClientError]:
    """Act until the first refusal. Returns the number of successes, and the refusal."""
    for number, act in enumerate(acts):
        try:
            act()
        except ClientError as error:
            return number, error
    raise AssertionError("nothing was refused")


def is_refusal(error: ClientError, folder: Path) -> bool:
    told, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    sentence = f"no space left on the disk of {folder}: "
    return (told["Code"], status) == ("InsufficientStorage", 507) and told["Message"].startswith(sentence)


def body(number: int) -> bytes:
    return bytes([number % 251]) * MEGABYTE


def test_a_kill_on_a_full_disk_keeps_exactly_what_was_acknowledged(life: Life) -> None:
    s3, glue = life.aws("s3"), life.aws("glue")
    for bucket in ("plain", "kept"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    glue.create_database(DatabaseInput={"Name": "kept"})
    buckets = ("plain", "kept")
    puts = (lambda n=n, b=buckets[n % 2]: s3.put_object(Bucket=b, Key=f"a/{n % 10}", Body=body(n)) for n in range(100))
    stored, refused = until_refused(puts)
    assert is_refusal(refused, life.folder)
    wide = [{"Name": f"column_{n}", "Type": "string", "Comment": "x" * 200} for n in range(800)]
    storage = {"Columns": wide, "Location": "s3://kept/t/"}
    tables = (
        lambda n=n: glue.create_table(DatabaseName="kept", TableInput={"Name": f"t{n}", "StorageDescriptor": storage})
        for n in range(100)
    )
    made, refused = until_refused(tables)
    assert made > 0
    assert is_refusal(refused, life.folder)

    life.killed()
    life.again()

    newest = {(buckets[n % 2], f"a/{n % 10}"): n for n in range(stored)}
    there = {(b, entry["Key"]) for b in buckets for entry in s3.list_objects_v2(Bucket=b)["Contents"]}
    assert there == set(newest)
    for (bucket, key), number in newest.items():
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body(number)
    assert stored > len(newest)
    versions = s3.list_object_versions(Bucket="kept")["Versions"]
    assert len(versions) == len([n for n in range(stored) if n % 2])
    assert {table["Name"] for table in glue.get_tables(DatabaseName="kept")["TableList"]} == {
        f"t{n}" for n in range(made)
    }


def test_every_write_on_a_full_disk_is_refused_in_its_protocols_format(life: Life, disk: Path) -> None:
    s3 = life.aws("s3")
    life.call("kinesis", "create_stream", {"StreamName": "there", "ShardCount": 1})
    s3.create_bucket(Bucket="plain")
    s3.put_object(Bucket="plain", Key="big", Body=body(1) * 6)
    upload = s3.create_multipart_upload(Bucket="plain", Key="parts")["UploadId"]
    part = {"Bucket": "plain", "Key": "parts", "UploadId": upload}
    etag = s3.upload_part(**part, PartNumber=1, Body=body(2) * 6)["ETag"]
    (disk / "theirs").write_bytes(b"x" * (_free(disk) - 13 * MEGABYTE))
    finished = {"Parts": [{"ETag": etag, "PartNumber": 1}]}
    calls: list[Callable[[], Any]] = [
        lambda: s3.put_object(Bucket="plain", Key="new", Body=body(3) * 6),
        lambda: s3.copy_object(Bucket="plain", Key="copy", CopySource="plain/big"),
        lambda: s3.complete_multipart_upload(**part, MultipartUpload=finished),
    ]
    for call in calls:
        with pytest.raises(ClientError) as refused:
            call()
        assert is_refusal(refused.value, life.folder)
    (disk / "theirs").write_bytes(b"x" * (_free(disk) + (disk / "theirs").stat().st_size - 4 * MEGABYTE))
    begun = time.monotonic()
    for service, action, payload in (
        ("s3", "create_bucket", {"Bucket": "another"}),
        ("iam", "create_role", {"RoleName": "r", "AssumeRolePolicyDocument": TRUST}),
        ("glue", "create_database", {"DatabaseInput": {"Name": "d"}}),
        ("sqs", "create_queue", {"QueueName": "q"}),
        ("kinesis", "create_stream", {"StreamName": "s", "ShardCount": 1}),
        ("kinesis", "put_record", {"StreamName": "there", "PartitionKey": "k", "Data": b"1"}),
    ):
        with pytest.raises(ClientError) as refused:
            life.call(service, action, payload)
        assert is_refusal(refused.value, life.folder), (service, refused.value)
    assert time.monotonic() - begun < 5, "a refusal is not retried"
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="plain")["Contents"]] == ["big"]
    (disk / "theirs").unlink()
    s3.complete_multipart_upload(**part, MultipartUpload=finished)
    assert s3.get_object(Bucket="plain", Key="parts")["Body"].read() == body(2) * 6


def test_deletes_on_a_completely_full_disk_work_and_survive(life: Life, disk: Path) -> None:
    s3, glue = life.aws("s3"), life.aws("glue")
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    for key in ("stays", "goes"):
        s3.put_object(Bucket="kept", Key=key, Body=body(1))
    glue.create_database(DatabaseInput={"Name": "kept"})
    glue.create_table(DatabaseName="kept", TableInput=TABLE)
    _fill(disk)
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="kept", Key="small", Body=b"1")
    assert is_refusal(refused.value, life.folder)
    s3.delete_object(Bucket="kept", Key="goes")
    glue.delete_table(DatabaseName="kept", Name="kept")
    life.killed()
    life.again()
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="kept")["Contents"]] == ["stays"]
    assert glue.get_tables(DatabaseName="kept")["TableList"] == []
    (disk / "theirs").unlink()
    s3.put_object(Bucket="kept", Key="small", Body=b"1")


class Work:
    """A crawl, a query and a job, each with its API's final state and message."""

    def __init__(self, life: Life) -> None:
        self.glue, self.athena, s3 = life.aws("glue"), life.aws("athena"), life.aws("s3")
        for bucket in ("kept", "results"):
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket="kept", Key="t/rows.csv", Body=b"a,b\n" + b"1,some text\n" * 100_000)
        s3.put_object(Bucket="kept", Key="job.py", Body=b"print('done')\n")
        self.glue.create_database(DatabaseInput={"Name": "kept"})
        targets = {"S3Targets": [{"Path": "s3://kept/t/"}]}
        self.glue.create_crawler(Name="kept", Role=ROLE, DatabaseName="kept", Targets=targets)
        command = {"Name": "pythonshell", "ScriptLocation": "s3://kept/job.py"}
        self.glue.create_job(Name="kept", Role=ROLE, Command=command)

    def crawl(self) -> tuple[str, str]:
        self.glue.start_crawler(Name="kept")
        crawler = until(lambda: (now := self.glue.get_crawler(Name="kept")["Crawler"])["State"] == "READY" and now)
        return crawler["LastCrawl"]["Status"], crawler["LastCrawl"].get("ErrorMessage", "")

    def query(self) -> tuple[str, str]:
        place = {"OutputLocation": "s3://results/"}
        query = {"QueryString": "SELECT count(*) FROM kept.t", "ResultConfiguration": place}
        execution = self.athena.start_query_execution(**query)["QueryExecutionId"]

        def ended() -> Any:
            status = self.athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
            return status["State"] in OVER and status

        status = until(ended)
        return status["State"], status.get("StateChangeReason", "")

    def job(self) -> tuple[str, str]:
        run = {"JobName": "kept", "RunId": self.glue.start_job_run(JobName="kept")["JobRunId"]}
        ended = until(lambda: (now := self.glue.get_job_run(**run)["JobRun"])["JobRunState"] in OVER and now)
        return ended["JobRunState"], ended.get("ErrorMessage", "")


def test_work_fails_without_disk_space_and_works_again_with_it(life: Life, disk: Path) -> None:
    work = Work(life)
    for act in (work.crawl, work.query, work.job):
        (disk / "theirs").write_bytes(b"x" * (_free(disk) - 5 * MEGABYTE))
        state, reason = act()
        assert state == "FAILED"
        assert reason.startswith(f"no space left on the disk of {life.folder}: "), act
        (disk / "theirs").unlink()
        assert act() == ("SUCCEEDED", "")


def test_a_training_job_that_ends_on_a_full_disk_is_over_once_there_is_room(life: Life, disk: Path) -> None:
    need_framework()
    s3, sagemaker = life.aws("s3"), life.aws("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    sagemaker.create_training_job(**training(s3, "full", "import time; time.sleep(3)"))

    def state(field: str) -> str:
        return str(sagemaker.describe_training_job(TrainingJobName="full")[field])

    until(lambda: state("SecondaryStatus") == "Training")
    with _kept_full(disk):
        time.sleep(8)
    assert until(lambda: (now := state("TrainingJobStatus")) != "InProgress" and now) in ("Completed", "Failed")


def test_the_engines_store_refuses_what_does_not_fit_and_keeps_the_rest(disk: Path) -> None:
    store = Store(disk / "engines.sqlite")
    wide = {"text": "x" * 100_000}
    with pytest.raises(AwsError) as refused:
        for number in range(10_000):
            store.put("wide", str(number), {**wide, "number": number})
    assert refused.value.message.startswith(f"no space left on the disk of {disk}: 0 MB free")
    store.close()
    again = Store(disk / "engines.sqlite")
    kept = again.all("wide")
    assert [document["number"] for document in kept.values()] == list(range(number))
    again.close()


def _free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


@contextmanager
def _kept_full(disk: Path) -> Iterator[None]:
    """Use up every byte, and each one that is freed."""
    is_over = threading.Event()

    def fill() -> None:
        with (disk / "all").open("wb", buffering=0) as file:
            while not is_over.is_set():
                with suppress(OSError):
                    while True:
                        file.write(b"x" * 4096)
                time.sleep(0.001)

    filling = threading.Thread(target=fill)
    filling.start()
    try:
        yield
    finally:
        is_over.set()
        filling.join()
        (disk / "all").unlink()


def _fill(disk: Path) -> None:
    """Use up every byte."""
    with (disk / "theirs").open("wb", buffering=0) as file:
        for size in (MEGABYTE, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue

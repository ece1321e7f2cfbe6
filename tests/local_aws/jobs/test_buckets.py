"""Buckets as folders: filled before a run, and only changes uploaded after it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_aws.context import Context
from local_aws.jobs.buckets import BucketFolders
from tests.embedded import keys_of


@pytest.fixture
def bucket(aws: Callable[[str], Any]) -> str:
    name = f"folders-{uuid.uuid4().hex[:12]}"
    aws("s3").create_bucket(Bucket=name)
    for key in ("kept", "a/gone", "a/changed"):
        aws("s3").put_object(Bucket=name, Key=key, Body=key.encode())
    return name


@pytest.fixture
def context(endpoint: str, tmp_path: Path) -> Context:
    return Context.at(endpoint, tmp_path, keys_of(endpoint))


def _bodies(aws: Callable[[str], Any], bucket: str) -> dict[str, bytes]:
    listed = aws("s3").list_objects_v2(Bucket=bucket)["Contents"]
    return {o["Key"]: aws("s3").get_object(Bucket=bucket, Key=o["Key"])["Body"].read() for o in listed}


def _run(context: Context, bucket: str) -> tuple[BucketFolders, Path]:
    """Folders filled, and changed as a Spark job would."""
    folders = BucketFolders(context, context, context.folder / "run")
    folder = folders.fill()[bucket]
    (folder / "a/gone").unlink()
    (folder / "a/changed").write_text("anew")
    (folder / "b/_temporary/0").mkdir(parents=True)
    for name in ("part", ".part.crc", "_SUCCESS", "_temporary/0/half"):
        (folder / "b" / name).write_text(name)
    return folders, folder


def test_a_runs_changes_are_in_s3_and_the_rest_is_untouched(
    context: Context, aws: Callable[[str], Any], bucket: str
) -> None:
    kept = aws("s3").head_object(Bucket=bucket, Key="kept")["LastModified"]
    folders, _ = _run(context, bucket)
    folders.publish()
    assert _bodies(aws, bucket) == {
        "kept": b"kept",
        "a/changed": b"anew",
        "b/part": b"part",
        "b/_SUCCESS": b"_SUCCESS",
    }
    assert aws("s3").head_object(Bucket=bucket, Key="kept")["LastModified"] == kept


def test_an_uploaded_file_is_not_fetched_again(context: Context, bucket: str) -> None:
    folders, folder = _run(context, bucket)
    inode = (folder / "b/part").stat().st_ino
    folders.publish()
    (pulled,) = context.mirror.pull(bucket, "b/part")
    assert pulled.path.stat().st_ino == inode


def test_a_run_may_be_published_several_times_while_running(
    context: Context, aws: Callable[[str], Any], bucket: str
) -> None:
    folders, folder = _run(context, bucket)
    folders.publish({"another"})
    assert "b/part" not in _bodies(aws, bucket)
    folders.publish({bucket})
    (folder / "b/part").write_text("in place")
    (folder / "b/_SUCCESS").unlink()
    folders.publish()
    bodies = {"kept": b"kept", "a/changed": b"anew", "b/part": b"in place"}
    assert _bodies(aws, bucket) == bodies
    assert {file.key: file.path.read_bytes() for file in context.mirror.pull(bucket)} == bodies


def test_unpublished_changes_affect_neither_s3_nor_other_readers(
    context: Context, aws: Callable[[str], Any], bucket: str
) -> None:
    before = _bodies(aws, bucket)
    _run(context, bucket)
    assert _bodies(aws, bucket) == before
    assert {file.key: file.path.read_bytes() for file in context.mirror.pull(bucket)} == before


def test_a_copy_moved_into_place_before_a_crash_is_fetched_again(
    context: Context, aws: Callable[[str], Any], bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context.mirror.pull(bucket)
    aws("s3").put_object(Bucket=bucket, Key="kept", Body=b"new!")
    with monkeypatch.context() as crash:
        crash.setattr(context.store, "put_all", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            context.mirror.pull(bucket)
    aws("s3").put_object(Bucket=bucket, Key="kept", Body=b"kept")
    again = Context.at(context.endpoint, context.folder, context.keys)
    (kept,) = again.mirror.pull(bucket, "kept")
    assert kept.path.read_bytes() == b"kept"

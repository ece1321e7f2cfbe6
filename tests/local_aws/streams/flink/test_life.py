"""An application is started, stopped with a snapshot, changed and killed: nothing is lost or counted twice."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.conftest import until
from tests.local_aws.streams.flink.conftest import TUMBLING, App, needs_flink

pytestmark = needs_flink


def event(at: str, k: str = "a") -> dict[str, Any]:
    return {"k": k, "ts": f"2026-01-01 {at}"}


def processes(app: App) -> list[int]:
    """Return the processes of an application, by its folder's name in their command lines."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"/flink/us-east-1/{app.name}/".encode() in words and b"local_aws.flink.Application" in words:
                found.append(int(entry.name))
    return found


def listening(process: int) -> set[str]:
    """Return the addresses (in hexadecimal, as in /proc) on which a process listens."""
    sockets = {str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir() if link.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1].partition(":")[0])
    return found


def test_a_stopped_application_resumes_from_its_snapshot(make_app: Callable[..., App]) -> None:
    app = make_app()
    app.start()
    [java] = processes(app)
    assert listening(java) <= {"0100007F", "0000000000000000FFFF00000100007F"}  # only 127.0.0.1
    app.put(event("00:00:01"), event("00:00:02"))
    until(lambda: app.metric("numRecordsIn"), 90)

    app.stop()
    assert app.status == "READY"
    assert processes(app) == []
    [kept] = app.flink.list_application_snapshots(ApplicationName=app.name)["SnapshotSummaries"]
    assert kept["SnapshotStatus"] == "READY"
    app.put(event("00:00:03"))
    app.start()
    app.put(event("00:05:00"))

    assert [row["events"] for row in app.expect("counts", 1)] == [3]


def test_an_application_runs_on_without_loss_if_its_snapshot_fails_at_a_stop_or_an_update(
    make_app: Callable[..., App],
) -> None:
    app = make_app()
    app.start()
    [java] = processes(app)
    app.put(event("00:00:01"), event("00:00:02"))
    until(lambda: app.metric("numRecordsIn"), 90)
    folder = Path(f"/proc/{java}/cwd").readlink().parents[1] / "snapshots"
    folder.write_text("no room for a snapshot")

    for begin in (lambda: app.flink.stop_application(ApplicationName=app.name)["OperationId"], app.update):
        operation = begin()
        details = until(lambda begun=operation: app.over(begun), 120)
        assert details["OperationStatus"] == "FAILED"
        assert "could not be taken: " in details["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
        assert (app.status, processes(app)) == ("RUNNING", [java])
    folder.unlink()
    app.stop()
    app.start()
    app.put(event("00:00:03"), event("00:05:00"))

    assert [row["events"] for row in app.expect("counts", 1)] == [3]


def test_a_stop_waits_for_an_application_that_is_too_busy_to_answer(make_app: Callable[..., App]) -> None:
    app = make_app()
    app.start()
    [java] = processes(app)
    os.kill(java, signal.SIGSTOP)
    operation = app.flink.stop_application(ApplicationName=app.name)["OperationId"]
    sleep(15)
    assert app.status == "STOPPING"
    os.kill(java, signal.SIGCONT)

    app.ended(operation)
    assert app.status == "READY"
    [kept] = app.flink.list_application_snapshots(ApplicationName=app.name)["SnapshotSummaries"]
    assert kept["SnapshotStatus"] == "READY"


def test_a_start_without_state_that_is_killed_at_once_does_not_resume_an_earlier_run(
    make_app: Callable[..., App],
) -> None:
    app = make_app()
    app.start()
    app.put(event("00:00:01"))
    until(lambda: app.metric("numRecordsIn"), 90)
    sleep(3)  # some checkpoints
    app.stop(Force=True)
    app.update(checkpoint=3_600_000)

    app.start(ApplicationRestoreConfiguration={"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"})
    [java] = processes(app)
    os.kill(java, signal.SIGKILL)
    until(lambda: (found := processes(app)) and java not in found, 120)
    app.put(event("00:00:02"), event("00:05:00"))

    assert [row["events"] for row in app.expect("counts", 1)] == [1]


def test_a_killed_application_resumes_from_its_last_checkpoint(make_app: Callable[..., App]) -> None:
    app = make_app()
    app.start()
    for second in range(3):
        app.put(*(event(f"00:00:{10 * second + n:02}") for n in range(10)))
        [java] = processes(app)
        os.kill(java, signal.SIGKILL)
        until(lambda gone=java: (found := processes(app)) and gone not in found, 120)
    assert app.status == "RUNNING"
    app.put(event("00:05:00"))

    assert {row["events"] for row in app.expect("counts", 1)} == {30}


def test_a_snapshot_with_a_shard_that_is_gone_is_restored(make_app: Callable[..., App]) -> None:
    app = make_app()
    app.start()
    app.put(event("00:00:01"))  # to the second shard
    until(lambda: app.metric("numRecordsIn"), 90)
    app.stop()
    app.aws("kinesis").delete_stream(StreamName=app.name, EnforceConsumerDeletion=True)
    app.make_stream(app.name, 1)

    app.start()
    app.put(event("00:00:02"), event("00:05:00"))

    assert [row["events"] for row in app.expect("counts", 1)] == [2]


def test_a_changed_application_refuses_the_old_state_and_starts_without_it(make_app: Callable[..., App]) -> None:
    app = make_app()
    app.start()
    app.stop()
    app.windows["counts"] = {**TUMBLING, "seconds": "120"}
    version = app.flink.describe_application(ApplicationName=app.name)["ApplicationDetail"]["ApplicationVersionId"]
    changed = {"EnvironmentPropertyUpdates": {"PropertyGroups": app.groups()}}
    app.flink.update_application(
        ApplicationName=app.name, CurrentApplicationVersionId=version, ApplicationConfigurationUpdate=changed
    )

    operation = app.flink.start_application(ApplicationName=app.name)["OperationId"]
    details = until(lambda: app.over(operation), 400)
    assert details["OperationStatus"] == "FAILED"
    said = details["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
    assert "window.counts: seconds was 60 and is 120" in said
    assert "SKIP_RESTORE_FROM_SNAPSHOT" in said
    assert app.status == "READY"

    app.start(ApplicationRestoreConfiguration={"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"})
    app.put(event("00:00:01"), event("00:01:01"), event("00:05:00"))
    assert [row["events"] for row in app.expect("counts", 1)] == [2]


def test_a_checkpoint_that_fails_on_a_full_disk_is_counted(
    make_app: Callable[..., App],
) -> None:
    app = make_app()
    app.start()
    [java] = processes(app)
    folder = Path(f"/proc/{java}/cwd").readlink().parents[1] / "checkpoints"
    until(lambda: list(folder.glob("*/chk-*/_metadata")), 60)

    shutil.rmtree(folder)
    folder.write_text("no room for a checkpoint")
    until(lambda: app.metric("numberOfFailedCheckpoints"), 120)
    app.put(event("00:00:01"), event("00:05:00"))

    assert [row["events"] for row in app.expect("counts", 1)] == [1]
    assert processes(app) == [java]


def test_an_application_whose_stream_is_deleted_restarts_until_it_is_stopped(
    make_app: Callable[..., App],
) -> None:
    app = make_app()
    app.start()
    app.aws("kinesis").delete_stream(StreamName=app.name, EnforceConsumerDeletion=True)

    until(lambda: app.metric("fullRestarts"), 120)
    assert app.status == "RUNNING"
    assert any("ResourceNotFoundException" in line and app.name in line for line in app.log())
    app.stop(Force=True)
    assert app.status == "READY"


def test_an_application_that_cannot_be_started_says_why(make_app: Callable[..., App]) -> None:
    app = make_app()
    app.aws("s3").delete_object(Bucket=app.name, Key="code.zip")

    operation = app.flink.start_application(ApplicationName=app.name)["OperationId"]

    details = until(lambda: app.over(operation), 60)
    assert details["OperationFailureDetails"]["ErrorInfo"]["ErrorString"] == (
        f"s3://{app.name}/code.zip cannot be read (404)"
    )
    assert app.status == "READY"
    with pytest.raises(ClientError, match="is READY and cannot be stopped"):
        app.flink.stop_application(ApplicationName=app.name)

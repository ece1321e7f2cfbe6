"""The Flink application of a stream, through the API of Managed Service for Apache Flink."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws
from lake.configuration import flink
from lake.configuration.suggest import allowed
from lake.errors import BadInput, LakeError, StillRunning

Show = Callable[[str, str], None]
"""Called with the state and the progress."""
POLL_SECONDS = 1.0
_BUSY = ("STARTING", "STOPPING", "FORCE_STOPPING", "UPDATING", "AUTOSCALING", "MAINTENANCE", "ROLLING_BACK")
_MEASURED = {
    "uptime": "up, ms",
    "downtime": "down, ms",
    "fullRestarts": "restarts",
    "lastCheckpointDuration": "last checkpoint took, ms",
    "numberOfFailedCheckpoints": "failed checkpoints",
    "numRecordsIn": "records in",
    "numRecordsOut": "records out",
    "malformedEvents": "malformed events",
    "millisBehindLatest": "behind the stream, ms",
}


def start(aws: Aws, stream: str, show: Show, *, fresh: bool = False, savepoint: str | None = None) -> str:
    """Start an application and wait until it reads events. Returns its state.

    Args:
        fresh: start without state.
        savepoint: start from this savepoint instead of the newest.

    Raises:
        LakeError: it did not start, with the service's reason; or its savepoint has other windows.
        StillRunning: Ctrl-C.
    """
    if fresh and savepoint:
        raise BadInput("--fresh starts without state, and --savepoint names a state: give only one of the two")
    detail = _detail(aws, stream)
    if detail["ApplicationStatus"] == "RUNNING":
        return "RUNNING"
    if not fresh:
        _require_same_windows(aws, stream, detail, savepoint)
    restore = {"ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"}
    if fresh:
        restore = {"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"}
    elif savepoint:
        restore = {"ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT", "SnapshotName": savepoint}
    run: Any = {"ApplicationRestoreConfiguration": restore}
    answer = _asked(lambda: aws.flink.start_application(ApplicationName=aws.names.stream(stream), RunConfiguration=run))
    return _settled(aws, stream, show, answer.get("OperationId"), "RUNNING")


def stop(aws: Aws, stream: str, show: Show, *, force: bool) -> str:
    """Stop an application, with a savepoint unless `force`, and wait for its end. Returns its state.

    Raises:
        LakeError: it did not stop, with the service's reason: without its savepoint it runs on.
        StillRunning: Ctrl-C.
    """
    if _detail(aws, stream)["ApplicationStatus"] == "READY":
        return "READY"
    answer = _asked(lambda: aws.flink.stop_application(ApplicationName=aws.names.stream(stream), Force=force))
    way_out = "" if force else f". Stop it without a savepoint: `lake stream stop {stream} --force`"
    return _settled(aws, stream, show, answer.get("OperationId"), "READY", way_out)


def status(aws: Aws, stream: str) -> dict[str, Any]:
    """The state of an application, then its CloudWatch metrics by label."""
    detail = _detail(aws, stream)
    known = {"state": detail["ApplicationStatus"], "version": detail["ApplicationVersionId"]}
    measured = {what: value for name, what in _MEASURED.items() if (value := _measured(aws, stream, name)) is not None}
    return known | measured


def savepoints(aws: Aws, stream: str) -> list[dict[str, Any]]:
    """Name, state, time and version of every savepoint, newest first."""
    _detail(aws, stream)
    found = _snapshots(aws, stream)
    return [
        {
            "savepoint": kept["SnapshotName"],
            "state": kept["SnapshotStatus"],
            "taken": kept["SnapshotCreationTimestamp"].astimezone(UTC).isoformat(sep=" ", timespec="seconds"),
            "version": kept["ApplicationVersionId"],
        }
        for kept in reversed(found)
    ]


def take_savepoint(aws: Aws, stream: str) -> None:
    """Take a savepoint of a running application, and wait for it. Raises LakeError if that fails."""
    if (state := _detail(aws, stream)["ApplicationStatus"]) != "RUNNING":
        raise BadInput(f"{stream} is {state}. Only a running application can take a savepoint")
    name = f"lake-{datetime.now(tz=UTC):%Y%m%d-%H%M%S}"
    _asked(lambda: aws.flink.create_application_snapshot(ApplicationName=aws.names.stream(stream), SnapshotName=name))
    while (state := _state_of(_snapshots(aws, stream), name)) in ("CREATING", ""):
        time.sleep(POLL_SECONDS)
    if state != "READY":
        raise LakeError(f"the savepoint {name} is {state}: `lake logs {stream}` may say why")


def _state_of(found: list[Any], name: str) -> str:
    return next((kept["SnapshotStatus"] for kept in found if kept["SnapshotName"] == name), "")


def _snapshots(aws: Aws, stream: str) -> list[Any]:
    answer = aws.flink.list_application_snapshots(ApplicationName=aws.names.stream(stream))
    return sorted(answer["SnapshotSummaries"], key=lambda kept: kept["SnapshotCreationTimestamp"])


def _detail(aws: Aws, stream: str) -> Any:
    """The application's details. Raises BadInput if lake.yaml has no such stream, or it has no windows; LakeError if it
    is not deployed."""
    streams = aws.lake.config.streams
    if stream not in streams:
        raise BadInput(f"there is no stream {stream!r} in lake.yaml. {allowed(stream, streams)}")
    if not streams[stream].windows:
        raise BadInput(f"{stream} has no windows in lake.yaml, so it has no application")
    try:
        return aws.flink.describe_application(ApplicationName=aws.names.stream(stream))["ApplicationDetail"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        why = flink.missing(aws.lake) or "deploy it with `lake up streaming`"
        raise LakeError(f"{stream} has no application yet: {why}") from None


def _asked(ask: Callable[[], Any]) -> Any:
    """The answer to a call. Raises LakeError with the service's reason if it was refused."""
    try:
        return ask()
    except ClientError as error:
        raise LakeError(error.response["Error"]["Message"]) from None


def _settled(aws: Aws, stream: str, show: Show, operation: str | None, wanted: str, way_out: str = "") -> str:
    """Wait until the application has finished its transition.

    Raises:
        LakeError: the operation failed, or the state is not `wanted`; the message ends with the way out.
    """
    try:
        while (state := _detail(aws, stream)["ApplicationStatus"]) in _BUSY:
            show(state, _last_words(aws, stream) if state == "STARTING" else "")
            time.sleep(POLL_SECONDS)
        ended = _ended(aws, stream, operation) if operation else {}
    except KeyboardInterrupt:
        raise StillRunning(f"{stream} continues by itself. `lake stream status {stream}` shows its progress") from None
    show(state, "")
    if state != wanted or ended.get("OperationStatus") == "FAILED":
        why = ended.get("OperationFailureDetails", {}).get("ErrorInfo", {}).get("ErrorString")
        raise LakeError(f"{stream} is {state}: {why or f'`lake logs {stream}` may say why'}{way_out}")
    return str(state)


def _ended(aws: Aws, stream: str, operation: str) -> Any:
    """An operation once it has ended; empty if the service does not tell."""
    asked = {"ApplicationName": aws.names.stream(stream), "OperationId": operation}
    with suppress(ClientError):
        while True:
            found: Any = aws.flink.describe_application_operation(**asked)["ApplicationOperationInfoDetails"]
            if found["OperationStatus"] != "IN_PROGRESS":
                return found
            time.sleep(POLL_SECONDS)
    return {}


def _last_words(aws: Aws, stream: str) -> str:
    """The last line of the log while Flink is being installed, which takes minutes and logs its progress."""
    if flink.is_installed():
        return ""
    with suppress(ClientError, IndexError):
        group = aws.names.log_group("flink", stream)
        answer = aws.logs.get_log_events(logGroupName=group, logStreamName="application", limit=1)
        return str(answer["events"][-1]["message"])[:80]
    return ""


def _require_same_windows(aws: Aws, stream: str, detail: Any, savepoint: str | None) -> None:
    """Raise LakeError if the savepoint to start from has other windows. The message says what changed."""
    ready = [kept for kept in _snapshots(aws, stream) if kept["SnapshotStatus"] == "READY"]
    chosen = [kept for kept in ready if savepoint in (None, kept["SnapshotName"])]
    if not chosen or chosen[-1]["ApplicationVersionId"] == detail["ApplicationVersionId"]:
        return
    with suppress(ClientError):
        answer = aws.flink.describe_application_version(
            ApplicationName=aws.names.stream(stream), ApplicationVersionId=chosen[-1]["ApplicationVersionId"]
        )
        changes = _changes(_groups(answer["ApplicationVersionDetail"]), _groups(detail))
        if changes:
            raise LakeError(
                f"the savepoint {chosen[-1]['SnapshotName']} has other windows: {'; '.join(changes)}. "
                f"Start without it: `lake stream start {stream} --fresh`"
            )


def _groups(detail: Any) -> dict[str, dict[str, str]]:
    described = detail["ApplicationConfigurationDescription"]["EnvironmentPropertyDescriptions"]
    return {group["PropertyGroupId"]: group["PropertyMap"] for group in described["PropertyGroupDescriptions"]}


def _changes(before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]) -> list[str]:
    found = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, {}), now.get(name, {})
        keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        if not old or not new:
            found.append(f"{name} {'is new' if new else 'was removed'}")
        else:
            found += [f"{name}: {key} was {old.get(key, 'not set')} and is {new.get(key, 'not set')}" for key in keys]
    return found


def _measured(aws: Aws, stream: str, metric: str) -> float | None:
    """The newest value of a metric; None if there is none."""
    now = datetime.now(tz=UTC)
    answer = aws.cloudwatch.get_metric_statistics(
        Namespace="AWS/KinesisAnalytics",
        MetricName=metric,
        Dimensions=[{"Name": "Application", "Value": aws.names.stream(stream)}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )
    newest = max(answer["Datapoints"], key=lambda point: point["Timestamp"], default=None)
    return None if newest is None else newest["Maximum"]

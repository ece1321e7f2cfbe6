"""Managed Service for Apache Flink (signing name kinesisanalytics): applications run in this machine's Flink.

The emulator keeps an application's description; its status, snapshots and operations are kept here.
"""

from __future__ import annotations

from local_aws.context import Context
from local_aws.mends.kept import place_of
from local_aws.protocol import AwsError, Call, Document, Handler, Handlers, stacked
from local_aws.streams.flink.applications import Applications
from local_aws.streams.flink.state import READY, RESTORED_LATEST

_SERVICE = "kinesisanalytics"
_SHOWN = ("SnapshotName", "SnapshotStatus", "ApplicationVersionId", "SnapshotCreationTimestamp", "RuntimeEnvironment")


def handlers(context: Context) -> Handlers:
    applications = Applications(context)
    return stacked(_descriptions(applications), _runs(applications), _snapshots(applications))


def _place(call: Call) -> str:
    return place_of(call, call.required("ApplicationName"))


def _keeps_snapshots(detail: Document) -> bool:
    described = detail["ApplicationConfigurationDescription"].get("ApplicationSnapshotConfigurationDescription", {})
    return bool(described.get("SnapshotsEnabled"))


def _descriptions(applications: Applications) -> Handlers:
    remembered = applications.remembered

    def describe(call: Call) -> Document:
        answer = call.forward_unchanged()
        detail, known = answer["ApplicationDetail"], remembered.run(_place(call))
        detail["ApplicationStatus"] = known.get("status", READY)
        if "configuration" in known:
            run = known["configuration"]
            detail["ApplicationConfigurationDescription"]["RunConfigurationDescription"] = {
                "ApplicationRestoreConfigurationDescription": run.get("ApplicationRestoreConfiguration")
                or {"ApplicationRestoreType": RESTORED_LATEST},
                "FlinkRunConfigurationDescription": run.get("FlinkRunConfiguration")
                or {"AllowNonRestoredState": False},
            }
        return answer

    def list_(call: Call) -> Document:
        answer = call.forward_unchanged()
        for entry in answer["ApplicationSummaries"]:
            entry["ApplicationStatus"] = remembered.status(place_of(call, entry["ApplicationName"]))
        return answer

    def delete(call: Call) -> Document:
        status = remembered.status(_place(call))
        if status not in (READY, "RUNNING"):
            message = f"Application {call.payload['ApplicationName']} is {status} and cannot be deleted."
            raise AwsError("ResourceInUseException", message)
        answer = call.forward_unchanged()
        applications.delete(_place(call))
        return answer

    return {
        (_SERVICE, "DescribeApplication"): describe,
        (_SERVICE, "ListApplications"): list_,
        (_SERVICE, "DeleteApplication"): delete,
    }


def _runs(applications: Applications) -> Handlers:
    remembered = applications.remembered

    def start(call: Call) -> Document:
        _detail(applications, call)
        return {"OperationId": applications.start(_place(call), call.payload.get("RunConfiguration") or {})}

    def stop(call: Call) -> Document:
        keeping = _keeps_snapshots(_detail(applications, call))
        return {"OperationId": applications.stop(_place(call), force=bool(call.payload.get("Force")), keeping=keeping)}

    def update(call: Call) -> Document:
        if remembered.status(_place(call)) not in (READY, "RUNNING"):
            message = f"Application {call.payload['ApplicationName']} is busy; update it once it is RUNNING or READY."
            raise AwsError("ResourceInUseException", message)
        answer = call.forward_unchanged()
        given = call.payload.get("RunConfigurationUpdate") or {}
        if given:
            applications.reconfigure(_place(call), given)
        operation = applications.update(_place(call), keeping=_keeps_snapshots(answer["ApplicationDetail"]))
        answer["ApplicationDetail"]["ApplicationStatus"] = remembered.status(_place(call))
        return {**answer, "OperationId": operation}

    def operation(call: Call) -> Document:
        found = remembered.operation(_place(call), call.required("OperationId"))
        return {"ApplicationOperationInfoDetails": found}

    def operations(call: Call) -> Document:
        _detail(applications, call)
        wanted = {name: call.payload[name] for name in ("Operation", "OperationStatus") if name in call.payload}
        found = [each for each in remembered.operations(_place(call)) if wanted.items() <= each.items()]
        return {"ApplicationOperationInfoList": found[: call.payload.get("Limit", 50)]}

    def of_logging(call: Call) -> Document:
        answer = call.forward_unchanged()
        began = remembered.begin(_place(call), call.action)
        remembered.end(_place(call), began)
        return {**answer, "OperationId": began}

    table: dict[str, Handler] = {
        "StartApplication": start,
        "StopApplication": stop,
        "UpdateApplication": update,
        "DescribeApplicationOperation": operation,
        "ListApplicationOperations": operations,
        "AddApplicationCloudWatchLoggingOption": of_logging,
        "DeleteApplicationCloudWatchLoggingOption": of_logging,
    }
    return {(_SERVICE, action): handler for action, handler in table.items()}


def _detail(applications: Applications, call: Call) -> Document:
    """Return the application's description. Raises ClientError if there is no such application."""
    return applications.described(call.region, call.required("ApplicationName"))


def _snapshots(applications: Applications) -> Handlers:
    remembered = applications.remembered

    def create(call: Call) -> Document:
        _detail(applications, call)
        applications.snapshot(_place(call), call.required("SnapshotName"))
        return {}

    def list_(call: Call) -> Document:
        _detail(applications, call)
        return {"SnapshotSummaries": [_shown(kept) for kept in remembered.snapshots(_place(call))]}

    def describe(call: Call) -> Document:
        return {"SnapshotDetails": _shown(remembered.snapshot(_place(call), call.required("SnapshotName")))}

    def delete(call: Call) -> Document:
        remembered.snapshot(_place(call), call.required("SnapshotName"))
        applications.delete_snapshot(_place(call), call.payload["SnapshotName"])
        return {}

    table: dict[str, Handler] = {
        "CreateApplicationSnapshot": create,
        "ListApplicationSnapshots": list_,
        "DescribeApplicationSnapshot": describe,
        "DeleteApplicationSnapshot": delete,
    }
    return {(_SERVICE, action): handler for action, handler in table.items()}


def _shown(kept: Document) -> Document:
    return {name: kept[name] for name in _SHOWN if name in kept}

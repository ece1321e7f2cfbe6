"""Managed Service for Apache Flink, which signs as kinesisanalytics: operations and the list of applications."""

from __future__ import annotations

import time

from local_aws.context import Context
from local_aws.mends.kept import place_of
from local_aws.protocol import AwsError, Call, Document, Handlers, stacked


def handlers(context: Context) -> Handlers:
    return stacked(_application_operations(context), _application_list(context))


def _application_operations(context: Context) -> Handlers:
    """Terraform waits for the operation that starting, stopping or updating a Flink application is."""
    collection = "flink_operations"

    def begin(call: Call) -> Document:
        answer = call.forward_unchanged()
        if operation := answer.get("OperationId"):
            begun = {"Operation": call.action, "StartTime": time.time()}
            place = place_of(call, call.required("ApplicationName"))
            context.store.update(collection, place, **{operation: begun})
        return answer

    def describe(call: Call) -> Document:
        name, operation = call.required("ApplicationName"), call.required("OperationId")
        begun = (context.store.get(collection, place_of(call, name)) or {}).get(operation)
        if begun is None:
            raise AwsError("ResourceNotFoundException", f"Application {name} has no operation {operation}.")
        client = context.client("kinesisanalyticsv2", call.region)
        status = client.describe_application(ApplicationName=name)["ApplicationDetail"]["ApplicationStatus"]
        state = "IN_PROGRESS" if status.endswith("ING") and status != "RUNNING" else "SUCCESSFUL"
        details = {**begun, "EndTime": time.time(), "OperationStatus": state}
        return {"ApplicationOperationInfoDetails": details}

    def delete(call: Call) -> Document:
        answer = call.forward_unchanged()
        context.store.delete(collection, place_of(call, call.required("ApplicationName")))
        return answer

    beginning = (
        "AddApplicationCloudWatchLoggingOption",
        "DeleteApplicationCloudWatchLoggingOption",
        "StartApplication",
        "StopApplication",
        "UpdateApplication",
    )
    return {
        **{("kinesisanalytics", action): begin for action in beginning},
        ("kinesisanalytics", "DescribeApplicationOperation"): describe,
        ("kinesisanalytics", "DeleteApplication"): delete,
    }


def _application_list(context: Context) -> Handlers:
    """The emulator describes an application, and lists none."""
    collection = "flink_applications"

    def create(call: Call) -> Document:
        answer = call.forward_unchanged()
        name = call.required("ApplicationName")
        context.store.put(collection, place_of(call, name), {"ApplicationName": name})
        return answer

    def list_(call: Call) -> Document:
        client = context.client("kinesisanalyticsv2", call.region)
        kept = [entry for place, entry in context.store.all(collection).items() if place.startswith(place_of(call, ""))]
        details = [client.describe_application(**entry)["ApplicationDetail"] for entry in kept]
        fields = (
            "ApplicationName",
            "ApplicationARN",
            "ApplicationStatus",
            "ApplicationVersionId",
            "RuntimeEnvironment",
        )
        return {"ApplicationSummaries": [{name: detail[name] for name in fields} for detail in details]}

    def delete(call: Call) -> Document:
        answer = call.forward_unchanged()
        context.store.delete(collection, place_of(call, call.required("ApplicationName")))
        return answer

    return {
        ("kinesisanalytics", "CreateApplication"): create,
        ("kinesisanalytics", "ListApplications"): list_,
        ("kinesisanalytics", "DeleteApplication"): delete,
    }

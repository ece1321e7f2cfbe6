"""The list of applications of Managed Service for Apache Flink, whose signing name is kinesisanalytics."""

from __future__ import annotations

from local_aws.context import Context
from local_aws.mends.kept import place_of
from local_aws.protocol import Call, Document, Handlers


def handlers(context: Context) -> Handlers:
    """The emulator describes applications but lists none."""
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

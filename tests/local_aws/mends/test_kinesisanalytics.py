"""Contracts of the mends of Managed Service for Apache Flink."""

from __future__ import annotations

from tests.local_aws.mends.conftest import Aws


def test_the_operation_that_starts_an_application_can_be_followed(side: Aws, name: str) -> None:
    flink = side("kinesisanalyticsv2")
    role = "arn:aws:iam::000000000000:role/r"
    flink.create_application(ApplicationName=name, RuntimeEnvironment="FLINK-1_20", ServiceExecutionRole=role)
    operation = flink.start_application(ApplicationName=name)["OperationId"]
    details = flink.describe_application_operation(ApplicationName=name, OperationId=operation)
    assert details["ApplicationOperationInfoDetails"]["Operation"] == "StartApplication"
    assert details["ApplicationOperationInfoDetails"]["OperationStatus"] == "SUCCESSFUL"


def test_applications_are_listed_until_they_are_deleted(side: Aws, name: str) -> None:
    flink = side("kinesisanalyticsv2")
    role = "arn:aws:iam::000000000000:role/r"
    made = flink.create_application(ApplicationName=name, RuntimeEnvironment="FLINK-1_20", ServiceExecutionRole=role)
    listed = flink.list_applications()["ApplicationSummaries"]
    assert (name, "READY") in [(entry["ApplicationName"], entry["ApplicationStatus"]) for entry in listed]

    created = made["ApplicationDetail"]["CreateTimestamp"]
    flink.delete_application(ApplicationName=name, CreateTimestamp=created)
    assert name not in [entry["ApplicationName"] for entry in flink.list_applications()["ApplicationSummaries"]]

"""Contracts of the fixes of Managed Service for Apache Flink."""

from __future__ import annotations

from tests.local_aws.mends.conftest import Aws


def test_applications_are_listed_until_they_are_deleted(side: Aws, name: str) -> None:
    flink = side("kinesisanalyticsv2")
    role = "arn:aws:iam::000000000000:role/r"
    made = flink.create_application(ApplicationName=name, RuntimeEnvironment="FLINK-1_20", ServiceExecutionRole=role)
    listed = flink.list_applications()["ApplicationSummaries"]
    assert (name, "READY") in [(entry["ApplicationName"], entry["ApplicationStatus"]) for entry in listed]

    created = made["ApplicationDetail"]["CreateTimestamp"]
    flink.delete_application(ApplicationName=name, CreateTimestamp=created)
    assert name not in [entry["ApplicationName"] for entry in flink.list_applications()["ApplicationSummaries"]]

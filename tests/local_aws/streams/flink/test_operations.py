"""The operations of an application can be followed, also if there is nothing to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.conftest import until
from tests.local_aws.streams.flink.conftest import ROLE


@pytest.fixture
def flink(aws: Callable[[str], Any]) -> Any:
    client = aws("kinesisanalyticsv2")
    made = client.create_application(
        ApplicationName="empty", RuntimeEnvironment="FLINK-1_20", ServiceExecutionRole=ROLE
    )["ApplicationDetail"]
    yield client
    client.delete_application(ApplicationName="empty", CreateTimestamp=made["CreateTimestamp"])


def test_a_failed_start_says_why_and_leaves_the_application_unchanged(flink: Any) -> None:
    operation = {
        "ApplicationName": "empty",
        "OperationId": flink.start_application(ApplicationName="empty")["OperationId"],
    }

    def details() -> dict[str, Any]:
        found: dict[str, Any] = flink.describe_application_operation(**operation)["ApplicationOperationInfoDetails"]
        return found

    until(lambda: details()["OperationStatus"] != "IN_PROGRESS", 30)
    assert (details()["Operation"], details()["OperationStatus"]) == ("StartApplication", "FAILED")
    said = details()["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
    assert said == "the application names no code in S3: set CodeContent.S3ContentLocation"
    assert flink.describe_application(ApplicationName="empty")["ApplicationDetail"]["ApplicationStatus"] == "READY"


@pytest.mark.parametrize(
    ("action", "given", "code"),
    [
        ("stop_application", {}, "ResourceInUseException"),
        ("create_application_snapshot", {"SnapshotName": "s"}, "ResourceInUseException"),
        ("describe_application_snapshot", {"SnapshotName": "s"}, "ResourceNotFoundException"),
        ("describe_application_operation", {"OperationId": "o"}, "ResourceNotFoundException"),
    ],
)
def test_an_impossible_operation_is_refused(flink: Any, action: str, given: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(flink, action)(ApplicationName="empty", **given)
    assert refusal.value.response["Error"]["Code"] == code


def test_a_missing_application_cannot_be_started(flink: Any) -> None:
    with pytest.raises(ClientError) as refusal:
        flink.start_application(ApplicationName="none")
    assert refusal.value.response["Error"]["Code"] == "ResourceNotFoundException"

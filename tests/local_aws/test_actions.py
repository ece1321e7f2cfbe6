"""Errors for unknown actions and services name them, in AWS's format, in every protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Act = Callable[[Callable[[str], Any]], Any]

MISSING: dict[str, tuple[Act, str, str]] = {
    "an action, JSON": (lambda aws: aws("athena").list_capacity_reservations(), "UnknownOperationException",
                        "ListCapacityReservations: the embedded AWS has no such action of athena"),
    "a service, JSON": (lambda aws: aws("redshift-data").list_statements(), "UnknownOperationException",
                        "ListStatements: the embedded AWS has no service redshift-data"),
    "a service, REST": (lambda aws: aws("lakeformation").list_permissions(), "UnknownOperationException",
                        "POST /ListPermissions: the embedded AWS has no service lakeformation"),
    "a service, Query": (lambda aws: aws("redshift").describe_clusters(), "InvalidAction",
                         "DescribeClusters: the embedded AWS has no service redshift"),
    "an action, Query": (lambda aws: aws("iam").list_ssh_public_keys(), "InvalidAction", "ListSSHPublicKeys"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISSING)
def test_an_unknown_action_or_service_is_refused_and_named(aws: Callable[[str], Any], case: str) -> None:
    act, code, message = MISSING[case]
    with pytest.raises(ClientError) as refused:
        act(aws)
    assert refused.value.response["Error"]["Code"] == code
    assert message in refused.value.response["Error"]["Message"]


def test_an_error_of_a_supported_action_is_unchanged(aws: Callable[[str], Any]) -> None:
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        aws("glue").get_table(DatabaseName="nowhere", Name="none")

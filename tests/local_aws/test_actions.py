"""An action or a service that is not there is said by its name, in AWS's shape, whatever protocol it is of."""

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
def test_it_is_refused_by_its_name(aws: Callable[[str], Any], case: str) -> None:
    act, code, message = MISSING[case]
    with pytest.raises(ClientError) as refused:
        act(aws)
    assert refused.value.response["Error"]["Code"] == code
    assert message in refused.value.response["Error"]["Message"]


def test_an_error_of_an_action_that_is_there_stays_its_own(aws: Callable[[str], Any]) -> None:
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        aws("glue").get_table(DatabaseName="nowhere", Name="none")

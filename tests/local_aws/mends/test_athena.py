"""Contracts of the fixes of Athena."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.mends.conftest import Aws


def test_a_workgroup_made_without_settings_enforces_its_own_and_publishes_metrics(side: Aws, name: str) -> None:
    athena = side("athena")
    athena.create_work_group(Name=name)
    configuration = athena.get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["PublishCloudWatchMetricsEnabled"] is True


def test_a_missing_workgroup_has_the_message_that_terraform_expects(side: Aws, name: str) -> None:
    with pytest.raises(ClientError, match=r"InvalidRequestException.* is not found"):
        side("athena").get_work_group(WorkGroup=name)


def test_a_missing_named_query_has_the_message_that_terraform_expects(side: Aws) -> None:
    with pytest.raises(ClientError, match=r"InvalidRequestException.* does not exist"):
        side("athena").get_named_query(NamedQueryId=str(uuid.uuid4()))

"""Contracts of the fixes of Secrets Manager."""

from __future__ import annotations

import pytest

from tests.local_aws.mends.conftest import Aws


def test_a_secret_without_a_value_has_none(side: Aws, name: str) -> None:
    secrets = side("secretsmanager")
    secrets.create_secret(Name=name)
    with pytest.raises(secrets.exceptions.ResourceNotFoundException, match="staging label: AWSCURRENT"):
        secrets.get_secret_value(SecretId=name)
    assert "VersionIdsToStages" not in secrets.describe_secret(SecretId=name)
    version = secrets.put_secret_value(SecretId=name, SecretString="x")["VersionId"]
    assert secrets.describe_secret(SecretId=name)["VersionIdsToStages"][version] == ["AWSCURRENT"]
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "x"

"""A Glue connection, and the secret for its user and password, which is empty until the user sets it."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.glue_connection import GlueConnection, GlueConnectionPhysicalConnectionRequirements
from cdktf_cdktf_provider_aws.secretsmanager_secret import SecretsmanagerSecret
from constructs import Construct

from lake.configuration.connections import address, url
from lake.configuration.model import Connection, Network
from lake.configuration.names import Names

RECOVERY_DAYS = 30


def glue_connection(
    scope: Construct, name: str, connection: Connection, *, names: Names, destroyable: bool
) -> GlueConnection:
    """A connection of lake.yaml. Terraform creates the secret without a value, so its state has no password."""
    if connection.type == "network":
        kind, properties = "NETWORK", {}
    else:
        kind, properties = "JDBC", _properties(connection, _secret(scope, name, names, destroyable))
    return GlueConnection(
        scope,
        f"{name}_connection",
        name=names.connection(name),
        description=f"To {address(connection)}",
        connection_type=kind,
        connection_properties=properties,
        physical_connection_requirements=_requirements(connection.network),
    )


def _secret(scope: Construct, name: str, names: Names, destroyable: bool) -> SecretsmanagerSecret:
    return SecretsmanagerSecret(
        scope,
        f"{name}_secret",
        name=names.secret(name),
        description=f"User and password of the connection {name}: `lake secret {name}`",
        kms_key_id=names.key_alias_arn,
        recovery_window_in_days=0 if destroyable else RECOVERY_DAYS,
    )


def _properties(connection: Connection, secret: SecretsmanagerSecret) -> dict[str, str]:
    return {
        "JDBC_CONNECTION_URL": url(connection),
        "JDBC_ENFORCE_SSL": str(connection.ssl).lower(),
        "SECRET_ID": secret.name,
    }


def _requirements(network: Network | None) -> GlueConnectionPhysicalConnectionRequirements | None:
    if network is None:
        return None
    return GlueConnectionPhysicalConnectionRequirements(
        availability_zone=network.zone, security_group_id_list=network.security_groups, subnet_id=network.subnet
    )

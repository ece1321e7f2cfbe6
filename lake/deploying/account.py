"""What an account lacks for this lake, asked of it: services, grants of Lake Formation, and ways out of VPCs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from lake.aws import Aws
from lake.configuration.grants import Grant, grants

EVERYONE = "IAM_ALLOWED_PRINCIPALS"
FLINK = "kinesisanalyticsv2"
GATEWAY = "s3"
NEEDED = ("glue", "secretsmanager", "kms", "logs", "monitoring", "sts")
"""What a job calls from inside a VPC, beside S3."""


@dataclass(frozen=True)
class Missing:
    """What is not there, and the way out."""

    where: str
    what: str
    way_out: str


def missing(aws: Aws) -> list[Missing]:
    """What the account lacks. Raises ClientError where this login may not ask."""
    return [*_services(aws), *_lake_formation(aws), *_networks(aws)]


def _services(aws: Aws) -> Iterator[Missing]:
    """Those that the region has not, by the SDK's list of endpoints: a newer region may not be in it yet."""
    region, config = aws.lake.environment.region, aws.lake.config
    windows = any(stream.windows for stream in config.streams.values())
    used = {"glue": True, "athena": True, "kinesis": config.streams, "firehose": config.streams, FLINK: windows}
    known = boto3.session.Session()
    for service in (service for service, is_used in used.items() if is_used):
        if region not in known.get_available_regions(service, aws.names.partition):
            yield Missing(
                f"environments.{aws.lake.env}.region",
                f"the SDK's list has no {service} in {region}",
                "choose another region, or leave out what needs it; if AWS has it by now, a newer boto3 knows",
            )


def _lake_formation(aws: Aws) -> Iterator[Missing]:
    if not aws.lake.environment.lake_formation:
        settings = aws.lakeformation.get_data_lake_settings()["DataLakeSettings"]
        if not _open_to_iam(settings):
            yield Missing(
                f"environments.{aws.lake.env}.lake_formation",
                f"Lake Formation governs new tables of this account, and the lake's roles have no grants: "
                f"{len(list(grants(aws.lake, aws.names)))} are missing",
                "set lake_formation: true, which makes them; the login that deploys has to be an administrator there",
            )
        return
    for grant in grants(aws.lake, aws.names):
        lacking = sorted(set(grant.permissions) - _granted(aws, grant))
        if lacking:
            yield Missing(
                f"{grant.role} on {grant.database}{'' if grant.tables else ', the database'}",
                f"Lake Formation grants no {', '.join(lacking)}",
                f"`lake up {grant.stack}`, by a login that is an administrator of Lake Formation",
            )


def _open_to_iam(settings: Mapping[str, Any]) -> bool:
    """Whether IAM alone decides on new databases and tables, which is the default of an account."""
    return all(
        any(entry["Principal"]["DataLakePrincipalIdentifier"] == EVERYONE for entry in settings.get(field, []))
        for field in ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions")
    )


def _granted(aws: Aws, grant: Grant) -> set[str]:
    database = {"Database": {"Name": grant.database}}
    resource = {"Table": {"DatabaseName": grant.database, "TableWildcard": {}}} if grant.tables else database
    principal = {"DataLakePrincipalIdentifier": aws.names.role_arn(grant.role)}
    found = aws.lakeformation.list_permissions(Principal=principal, Resource=resource)
    entries = found["PrincipalResourcePermissions"]
    granted = {permission for entry in entries for permission in entry["Permissions"]}
    return set(grant.permissions) if "ALL" in granted else granted


def _networks(aws: Aws) -> Iterator[Missing]:
    for name, connection in aws.lake.config.connections.items():
        if connection.network:
            lacks = _ways_out(aws, connection.network.subnet)
            if lacks:
                yield Missing(
                    f"connections.{name}.network",
                    f"jobs in {connection.network.subnet} do not reach {', '.join(lacks)}, and would hang",
                    "add a NAT gateway to its route table, or an endpoint for each (private DNS on); packages from "
                    "PyPI need the NAT gateway",
                )


def _ways_out(aws: Aws, subnet: str) -> list[str]:
    """The services that are not reached from a subnet. Glue's interfaces have no public address: they need NAT."""
    vpc = aws.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    table = _route_table(aws, vpc, subnet)
    if any(route.get("DestinationCidrBlock") == "0.0.0.0/0" and _leads_out(route) for route in table.get("Routes", [])):
        return []
    found = aws.ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["VpcEndpoints"]
    there = {_service(endpoint) for endpoint in found if _serves(endpoint, table)}
    return [service for service in (GATEWAY, *NEEDED) if service not in there]


def _route_table(aws: Aws, vpc: str, subnet: str) -> Mapping[str, Any]:
    """Of the subnet; else the VPC's main one."""
    tables = aws.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    for is_ours in (lambda a: a.get("SubnetId") == subnet, lambda a: a.get("Main")):
        for table in tables:
            if any(map(is_ours, table.get("Associations", []))):
                found: Mapping[str, Any] = table
                return found
    return {}


def _leads_out(route: Mapping[str, Any]) -> bool:
    return bool(route.get("NatGatewayId") or route.get("TransitGatewayId") or route.get("NetworkInterfaceId"))


def _service(endpoint: Mapping[str, Any]) -> str:
    return str(endpoint["ServiceName"]).rpartition(".")[2]


def _serves(endpoint: Mapping[str, Any], table: Mapping[str, Any]) -> bool:
    if endpoint.get("VpcEndpointType") == "Gateway":
        return table.get("RouteTableId") in endpoint.get("RouteTableIds", [])
    return bool(endpoint.get("PrivateDnsEnabled"))

"""What an account has to have for a lake: grants under Lake Formation, ways out of VPCs, logs that end."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake.aws import Aws
from lake.configuration.grants import grants
from lake.configuration.reading import load
from lake.deploying.account import missing
from lake.deploying.lifecycle import bound_shared_logs
from lake.deploying.progress import Progress
from lake.errors import BadInput
from tests.embedded import lend_keys
from tests.stacks.conftest import resources, synthesised

LAKE = """
project: shop
environments:
  dev: {{region: {region}, lake_formation: {governed}}}
connections:
  way: {{type: network, network: {{subnet: subnet-0a, security_groups: [sg-0a], zone: eu-west-1a}}}}
datasets:
  orders: {{format: csv}}
jobs:
  sales: {{source: orders, sink: {{table: sales}}}}
streams:
  clicks: {{columns: {{a: int}}}}
"""
IAM_DECIDES = [{"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]}]
OPEN = {"CreateDatabaseDefaultPermissions": IAM_DECIDES, "CreateTableDefaultPermissions": IAM_DECIDES}
NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-0a"}
INTERNET = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-0a"}
INTERFACES = ("glue", "secretsmanager", "kms", "logs", "monitoring", "sts")


class Account:
    """An account's answers about Lake Formation and a VPC."""

    def __init__(self, folder: Path, *, governed: bool = False, region: str = "eu-west-1") -> None:
        (folder / "lake.yaml").write_text(LAKE.format(governed=str(governed).lower(), region=region))
        self.aws = Aws(load(folder / "lake.yaml"))
        self.settings: dict[str, Any] = OPEN
        self.granted: Callable[[Any], list[str]] = lambda request: ["ALL"]
        self.routes: list[dict[str, str]] = [NAT]
        self.endpoints: list[dict[str, Any]] = []
        names = self.aws.lake.names("123456789012")
        self.aws.__dict__ |= {"names": names, "lakeformation": self._lake_formation(), "ec2": self._ec2()}

    def _lake_formation(self) -> Any:
        def list_permissions(**request: Any) -> Any:
            return {"PrincipalResourcePermissions": [{"Permissions": self.granted(request)}]}

        def get_data_lake_settings() -> Any:
            return {"DataLakeSettings": self.settings}

        return SimpleNamespace(get_data_lake_settings=get_data_lake_settings, list_permissions=list_permissions)

    def _ec2(self) -> Any:
        def describe_route_tables(**_: Any) -> Any:
            main = {"RouteTableId": "rtb-main", "Associations": [{"Main": True}], "Routes": []}
            own = {"RouteTableId": "rtb-own", "Associations": [{"SubnetId": "subnet-0a"}], "Routes": self.routes}
            return {"RouteTables": [main, own]}

        return SimpleNamespace(
            describe_subnets=lambda **_: {"Subnets": [{"VpcId": "vpc-0a"}]},
            describe_route_tables=describe_route_tables,
            describe_vpc_endpoints=lambda **_: {"VpcEndpoints": self.endpoints},
        )


def endpoints(*services: str, private: bool = True, table: str = "rtb-own") -> list[dict[str, Any]]:
    gateway = {"ServiceName": "com.amazonaws.eu-west-1.s3", "VpcEndpointType": "Gateway", "RouteTableIds": [table]}
    return [gateway] + [
        {
            "ServiceName": f"com.amazonaws.eu-west-1.{service}",
            "VpcEndpointType": "Interface",
            "PrivateDnsEnabled": private,
        }
        for service in services
    ]


def test_an_account_as_aws_makes_it_with_a_way_out_lacks_nothing(tmp_path: Path) -> None:
    assert missing(Account(tmp_path).aws) == []


def test_a_service_that_the_region_has_not_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def regions(_: Any, service: str, __: str) -> list[str]:
        return [] if service == "firehose" else ["eu-west-1"]

    monkeypatch.setattr("boto3.session.Session.get_available_regions", regions)
    (found,) = missing(Account(tmp_path).aws)
    assert (found.where, found.what) == ("environments.dev.region", "the SDK's list has no firehose in eu-west-1")
    assert "choose another region" in found.way_out


def test_a_region_that_there_is_not_has_no_service(tmp_path: Path) -> None:
    found = missing(Account(tmp_path, region="xx-north-9").aws)
    assert "the SDK's list has no glue in xx-north-9" in [each.what for each in found]


def test_an_account_under_lake_formation_is_told_of_the_setting(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.settings = OPEN | {"CreateTableDefaultPermissions": []}
    (found,) = missing(account.aws)
    assert found.where == "environments.dev.lake_formation"
    assert "8 are missing" in found.what
    assert "set lake_formation: true" in found.way_out


def test_each_grant_that_is_missing_is_named_with_the_stack_that_makes_it(tmp_path: Path) -> None:
    account = Account(tmp_path, governed=True)
    assert missing(account.aws) == []

    def granted(request: Any) -> list[str]:
        is_job = request["Principal"]["DataLakePrincipalIdentifier"].endswith("role/shop-dev-job")
        is_tables_of_curated = request["Resource"].get("Table", {}).get("DatabaseName") == "shop_dev_curated"
        return ["DESCRIBE", "SELECT"] if is_job and is_tables_of_curated else ["ALL"]

    account.granted = granted
    (found,) = missing(account.aws)
    assert (found.where, found.what) == (
        "job on shop_dev_curated",
        "Lake Formation grants no ALTER, DELETE, INSERT",
    )
    assert found.way_out.startswith("`lake up etl`")


@pytest.mark.parametrize(
    ("routes", "there", "lacks"),
    [
        ([NAT], [], []),
        ([INTERNET], [], ["s3", *INTERFACES]),
        ([], endpoints(*INTERFACES), []),
        ([], endpoints("glue", "kms", "logs", "monitoring", "sts"), ["secretsmanager"]),
        ([], endpoints(*INTERFACES, private=False), list(INTERFACES)),
        ([], endpoints(*INTERFACES, table="rtb-main"), ["s3"]),
    ],
    ids=["nat", "internet gateway", "endpoints", "one is missing", "no private dns", "another route table"],
)
def test_a_subnet_without_a_way_out_is_named_with_what_it_does_not_reach(
    tmp_path: Path, routes: list[dict[str, str]], there: list[dict[str, Any]], lacks: list[str]
) -> None:
    account = Account(tmp_path)
    account.routes, account.endpoints = routes, there
    told = [found.what for found in missing(account.aws)]
    expected = f"jobs in subnet-0a do not reach {', '.join(lacks)}, and would hang"
    assert told == ([expected] if lacks else [])


def test_the_stacks_make_the_grants_that_the_check_compares(tmp_path: Path) -> None:
    account = Account(tmp_path, governed=True)
    stacks = synthesised(tmp_path / "lake.yaml", "dev", tmp_path / "out")
    names = account.aws.lake.names("${data.aws_caller_identity.account.account_id}")
    made = {
        (stack, grant["principal"], tuple(grant["permissions"]), "table" in grant)
        for stack in stacks
        for grant in resources(stacks[stack], "aws_lakeformation_permissions").values()
    }
    wanted = {
        (grant.stack, names.role_arn(grant.role), grant.permissions, grant.tables)
        for grant in grants(account.aws.lake, names)
    }
    assert made == wanted
    roles = {role["name"] for stack in stacks.values() for role in resources(stack, "aws_iam_role").values()}
    assert {names.role(grant.role) for grant in grants(account.aws.lake, names)} <= roles


def lake_in(folder: Path, endpoint: str, more: str = "") -> Aws:
    lend_keys(endpoint, folder)
    environment = f"{{local: {{endpoint: '{endpoint}', region: us-east-1}}}}"
    project = f"lab{uuid.uuid4().hex[:6]}"
    (folder / "tidy.py").touch()
    (folder / "lake.yaml").write_text(
        f"project: {project}\nenvironments: {environment}\nretention: {{log_days: 14}}\n{more}"
    )
    return Aws(load(folder / "lake.yaml"))


def test_log_groups_that_glue_makes_for_all_get_a_retention_and_keep_one_that_they_have(
    tmp_path: Path, endpoint: str
) -> None:
    used = "datasets: {trips: {format: csv}}\njobs: {tidy: {script: tidy.py, type: shell}}\n"
    aws = lake_in(tmp_path, endpoint, used)
    aws.logs.create_log_group(logGroupName="/aws-glue/python-jobs/error")
    aws.logs.put_retention_policy(logGroupName="/aws-glue/python-jobs/error", retentionInDays=3)
    told: list[Progress] = []

    bound_shared_logs(aws, ["storage", "catalog", "etl"], told.append)

    groups = aws.logs.describe_log_groups(logGroupNamePrefix="/aws-glue/")["logGroups"]
    days = {group["logGroupName"]: group.get("retentionInDays") for group in groups}
    assert days["/aws-glue/python-jobs/output"] == 14
    assert days["/aws-glue/python-jobs/error"] == 3
    assert days["/aws-glue/crawlers"] == 14
    assert [note.partition(",")[0] for progress in told for note in progress.notes] == [
        *("/aws-glue/crawlers", "/aws-glue/python-jobs/output"),
    ]


def test_a_lake_without_crawlers_and_shell_jobs_asks_for_none_of_their_log_groups(
    tmp_path: Path, endpoint: str
) -> None:
    declared = "datasets: {trips: {format: csv, catalog: declared, columns: {id: int}}}\n"
    told: list[Progress] = []

    bound_shared_logs(lake_in(tmp_path, endpoint, declared), ["storage", "catalog", "etl"], told.append)

    assert told == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ThrottlingException", "AWS says: ThrottlingException: no. Run the command again"),
        ("InternalFailure", "AWS says: InternalFailure: no. Run the command again"),
        ("ExpiredTokenException", "AWS says: ExpiredTokenException: no. Log in"),
        ("404", "gives no answer of an AWS. Stop what runs there"),
    ],
)
def test_an_embedded_aws_that_refuses_the_first_call_says_why(tmp_path: Path, code: str, message: str) -> None:
    (tmp_path / "lake.yaml").write_text(
        "project: shop\nenvironments: {local: {endpoint: 'http://127.0.0.1:4566', region: us-east-1}}\n"
    )
    aws = Aws(load(tmp_path / "lake.yaml"))

    def refuse() -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "")

    aws.__dict__["_first_client"] = lambda: SimpleNamespace(get_caller_identity=refuse)
    with pytest.raises(BadInput, match=message):
        _ = aws.names


def test_an_embedded_aws_whose_first_answers_are_faults_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "lake.yaml").write_text(
        "project: shop\nenvironments: {local: {endpoint: 'http://127.0.0.1:4566', region: us-east-1}}\n"
    )
    aws, faults = Aws(load(tmp_path / "lake.yaml")), ["Throttling", "InternalFailure", "ServiceUnavailable"]

    def identity() -> dict[str, str]:
        if faults:
            raise ClientError({"Error": {"Code": faults.pop(), "Message": "no"}}, "")
        return {"Account": "000000000000"}

    aws.__dict__["_first_client"] = lambda: SimpleNamespace(get_caller_identity=identity)

    assert aws.names.bucket("raw") == "shop-local-raw-000000000000"

"""Connections in the stacks: no password anywhere, and permissions only for those that need them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lake.test_connections import LAKE
from tests.stacks.conftest import ROOT, Stacks, resources, synthesised


def synth(folder: Path, env: str = "local", text: str = LAKE) -> Stacks:
    (folder / "lake.yaml").write_text(text)
    for name in ("glue_scripts", "flink_app", "queries"):
        (folder / name).symlink_to(ROOT / name)
    return synthesised(folder / "lake.yaml", env, folder / "out")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    return synth(tmp_path_factory.mktemp("shop"))


def actions(stack: dict[str, Any]) -> dict[str, Any]:
    """What the stack's one role policy allows: action -> resources."""
    [policy] = resources(stack, "aws_iam_role_policy").values()
    statements = json.loads(policy["policy"])["Statement"]
    return {action: statement["Resource"] for statement in statements for action in statement["Action"]}


def test_a_connection_names_its_secret_and_no_secret_has_a_value(shop: Stacks) -> None:
    connections = {found["name"]: found for found in resources(shop["catalog"], "aws_glue_connection").values()}
    assert connections["shop-local-shop"]["connection_properties"] == {
        "JDBC_CONNECTION_URL": "jdbc:postgresql://db.example.org:5432/shop",
        "JDBC_ENFORCE_SSL": "true",
        "SECRET_ID": "${aws_secretsmanager_secret.shop_secret.name}",
    }
    inside = connections["shop-local-inside"]
    assert inside["connection_type"] == "NETWORK"
    assert inside["physical_connection_requirements"] == {
        "availability_zone": "us-east-1a",
        "security_group_id_list": ["sg-0a"],
        "subnet_id": "subnet-0a",
    }
    assert set(resources(shop["catalog"], "aws_secretsmanager_secret")) == {"shop_secret"}
    assert "aws_secretsmanager_secret_version" not in shop["catalog"]["resource"]


def test_a_secret_is_deleted_at_once_only_in_a_destroyable_environment(shop: Stacks, tmp_path: Path) -> None:
    def days(stacks: Stacks) -> int:
        return int(resources(stacks["catalog"], "aws_secretsmanager_secret")["shop_secret"]["recovery_window_in_days"])

    assert (days(shop), days(synth(tmp_path, "prod"))) == (0, 30)


def test_the_crawler_of_a_database_has_its_table_as_target(shop: Stacks) -> None:
    crawler = resources(shop["catalog"], "aws_glue_crawler")["customers_crawler"]
    name = "${aws_glue_connection.shop_connection.name}"
    assert crawler["jdbc_target"] == [{"connection_name": name, "path": "shop/public/Customers"}]
    assert "s3_target" not in crawler and "configuration" not in crawler


def test_roles_can_read_only_the_secrets_of_their_connections(shop: Stacks, local: Stacks) -> None:
    for stack in ("catalog", "etl"):
        [secret] = actions(shop[stack])["secretsmanager:GetSecretValue"]
        assert secret.endswith(":secret:shop-local/shop-??????")
        assert "secretsmanager:GetSecretValue" not in actions(local[stack])
    assert "ec2:CreateNetworkInterface" in actions(shop["etl"])
    assert "ec2:CreateNetworkInterface" not in actions(shop["catalog"])


def test_a_job_runs_in_the_network_of_its_connections(shop: Stacks) -> None:
    jobs = resources(shop["etl"], "aws_glue_job")
    assert jobs["load_job"]["connections"] == ["shop-local-inside"]
    assert "connections" not in jobs["totals_job"]


def test_the_spec_of_a_job_names_connections_as_glue_knows_them(shop: Stacks) -> None:
    specs = {
        found["key"].rpartition("/")[2]: json.loads(found["content"])
        for found in resources(shop["etl"], "aws_s3_object").values()
        if found["key"].endswith(".json")
    }
    assert specs["totals.json"]["databases"] == {
        "customers": {"connection": "shop-local-shop", "table": "public.Customers"}
    }
    assert specs["totals.json"]["tables"] == {"orders": "orders"}
    assert "connection" not in specs["totals.json"]["sink"]
    assert specs["load.json"]["sink"] == {
        "table": "public.orders",
        "connection": "shop-local-shop",
        "mode": "upsert",
        "keys": ["id"],
        "batch_size": 1000,
    }

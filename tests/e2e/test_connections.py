"""A lake with a database: deployed, crawled, read and written, changed, and taken down with nothing left."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lake.aws import Aws
from lake.configuration.reading import load
from tests.e2e.conftest import Checkout, environment
from tests.postgres import PASSWORD, USER, Database

pytestmark = pytest.mark.e2e

LAKE = """\
project: shop
environments:
  local: {{endpoint: "{endpoint}", region: us-east-1, destroyable: true}}
connections:
  shop: {{type: postgresql, host: 127.0.0.1, port: {port}, database: {database}, ssl: false}}
  inside: {{type: network, network: {{subnet: subnet-0a, security_groups: [sg-0a], zone: us-east-1a}}}}
datasets:
  customers: {{format: jdbc, connection: shop, table: public.customers}}
jobs:
  totals:
    source: customers
    steps:
      - filter: "orders > 0"
      - map: {{add: {{loyal: "orders > 9"}}}}
    sink: {{connection: shop, table: public.totals, mode: upsert, keys: [id]}}
  best:
    language: scala
    source: customers
    steps: [filter: "orders > 9"]
    sink: {{connection: shop, table: public.best, mode: truncate}}
"""
WRONG = "not the one that the server knows"


@pytest.fixture
def shop(fresh: Checkout, database: Database) -> Checkout:
    file = fresh.root / "lake.yaml"
    endpoint = file.read_text().partition('endpoint: "')[2].partition('"')[0]
    file.write_text(LAKE.format(endpoint=endpoint, port=database.server.port, database=database.name))
    database.run(
        "CREATE TABLE customers (id int PRIMARY KEY, orders int); INSERT INTO customers VALUES (1, 1), (2, 10), (3, 0);"
        "CREATE TABLE totals (id int PRIMARY KEY, orders int, loyal boolean); INSERT INTO totals VALUES (1, 0, true);"
        "CREATE TABLE best (id int PRIMARY KEY, orders int); INSERT INTO best VALUES (7, 70)"
    )
    return fresh


def put_secret(checkout: Checkout, password: str) -> str:
    command = [sys.executable, "-m", "lake", "secret", "shop", "--username", USER]
    done = subprocess.run(
        command, cwd=checkout.root, env=environment(checkout.root), input=password, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def detail(checkout: Checkout, part: str) -> str:
    return next(str(line["detail"]) for line in checkout.lake_json("status") if line["part"] == part)


def test_a_lake_with_a_database(shop: Checkout, database: Database) -> None:
    shop.lake("up", "storage", "catalog", "etl")
    assert detail(shop, "connection shop").endswith("no password yet: `lake secret shop`")
    [crawled] = shop.lake_json("crawl", code=1)
    assert (crawled["status"], "secret value" in crawled["message"]) == ("FAILED", True)

    assert WRONG not in put_secret(shop, WRONG)
    failed = shop.lake("run", "totals", code=1)
    assert "connection shop-local-shop" in failed.stderr and "refuses the login of the secret" in failed.stderr
    assert WRONG not in failed.stderr + failed.stdout
    assert database.run("SELECT * FROM totals") == [(1, 0, True)]

    put_secret(shop, PASSWORD)
    assert "password" not in detail(shop, "connection shop")
    [crawled] = shop.lake_json("crawl")
    assert (crawled["status"], crawled["columns"]) == ("SUCCEEDED", 2)
    report = shop.lake_json("run", "totals")
    assert (report["rows_in"], report["filtered"], report["rows_out"]) == (3, 1, 2)
    assert database.run("SELECT * FROM totals ORDER BY id") == [(1, 1, False), (2, 10, True)]
    assert shop.lake_json("run", "best")["rows_out"] == 1
    assert database.run("SELECT * FROM best") == [(2, 10)]
    assert_kept_secret(shop)
    assert not {line for line in logged(shop) for password in (PASSWORD, WRONG) if password in line}

    file = shop.root / "lake.yaml"
    file.write_text(file.read_text().replace("host: 127.0.0.1", "host: localhost"))
    shop.lake("up", "catalog")
    for stack in ("catalog", "etl"):
        assert "No changes" in shop.planned(stack)
    assert [line["part"] for line in shop.lake_json("status") if line["detail"].startswith("localhost:")]

    shop.lake("down", "--delete-data")
    left = shop.lake_json("leftovers")
    assert (left["leftovers"], left["pending_secrets"]) == ([], [])


def assert_kept_secret(checkout: Checkout) -> None:
    """The passwords are in no file of the lake, but for what stands for Secrets Manager itself."""
    kept = checkout.root / ".local/local/aws/state/secretsmanager.json"
    for folder in (".state", "cdktf.out", ".local"):
        for file in (checkout.root / folder).rglob("*"):
            if file.is_file() and not file.is_symlink() and file != kept:
                content = file.read_bytes()
                assert PASSWORD.encode() not in content and WRONG.encode() not in content, file


def logged(checkout: Checkout) -> list[str]:
    """What crawlers and jobs wrote to CloudWatch Logs."""
    logs = Aws(load(checkout.root / "lake.yaml", "local")).logs
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    events = [logs.filter_log_events(logGroupName=group)["events"] for group in groups]
    lines = [event["message"] for found in events for event in found]
    assert any("refuses the login" in line for line in lines)
    return lines

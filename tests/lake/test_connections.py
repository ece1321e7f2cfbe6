"""Connections in lake.yaml: what is valid, the message for each mistake, and who gets the password."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.configuration.connections import connections_of, crawled_table, databases_of
from lake.configuration.reading import ConfigError, Lake, load

LAKE = """\
project: shop
environments:
  local: {endpoint: "http://127.0.0.1:4566", region: us-east-1, destroyable: true}
  prod: {region: us-east-1}
connections:
  shop: {type: postgresql, host: db.example.org, database: shop}
  inside: {type: network, network: {subnet: subnet-0a, security_groups: [sg-0a], zone: us-east-1a}}
datasets:
  customers: {format: jdbc, connection: shop, table: public.Customers}
  orders: {format: csv}
jobs:
  totals:
    source: orders
    steps:
      - sql: "SELECT * FROM input JOIN customers USING (customer)"
    sink: {table: totals}
  load:
    source: orders
    connections: [inside]
    sink: {connection: shop, table: public.orders, mode: upsert, keys: [id]}
"""


def written(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in LAKE
    file = folder / "lake.yaml"
    file.write_text(LAKE.replace(old, new, 1))
    return file


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return load(written(tmp_path), "local")


def test_a_job_has_the_connections_of_its_datasets_its_sink_and_its_setting(lake: Lake) -> None:
    jobs = lake.config.jobs
    assert databases_of(lake.config, jobs["totals"]) == ["shop"]
    assert databases_of(lake.config, jobs["load"]) == ["shop"]
    assert connections_of(lake.config, jobs["load"]) == ["shop", "inside"]


def test_a_job_in_scala_reads_and_writes_databases_too(tmp_path: Path) -> None:
    scala = load(written(tmp_path, "sink: {connection", "language: scala\n    sink: {connection"), "local")
    assert databases_of(scala.config, scala.config.jobs["load"]) == ["shop"]


def test_a_database_table_has_the_name_that_a_glue_crawler_gives_it(lake: Lake) -> None:
    assert crawled_table(lake.config, "customers") == "shop_public_customers"
    assert crawled_table(lake.config, "orders") == "orders"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("host: db.example.org", "host: db/x", ["connections.shop.host", "db.example.org", "Given: 'db/x'"]),
        (
            "host: db.example.org, ",
            "",
            ["connections.shop.host", "is missing. A connection of type postgresql requires it"],
        ),
        ("host: db.example.org", "host: a.b, password: x", ["connections.shop.password: is not a valid field"]),
        ("type: network, ", "type: network, port: 1, ", ["connections.inside.port", "a network has no database"]),
        (
            "connection: shop, table: public.C",
            "connection: shp, table: public.C",
            ["datasets.customers.connection: there is no connection to a database named 'shp'. Allowed: shop"],
        ),
        ("public.Customers", "customers", ["datasets.customers.table", "schema.table, such as public.customers"]),
        (", table: public.Customers", "", ["datasets.customers.table: is missing. A jdbc dataset requires it"]),
        (
            "table: public.Customers",
            "table: public.Customers, partitions: [year]",
            ["datasets.customers.partitions: is not allowed here: its rows are in a database"],
        ),
        (
            "table: public.Customers",
            "table: public.Customers, crawl: {recrawl: everything}",
            ["datasets.customers.crawl.recrawl: is not allowed here", "Allowed: on_delete, on_update, schedule"],
        ),
        ("format: csv", "format: csv, connection: shop", ["datasets.orders.connection: is only for jdbc datasets"]),
        ("connections: [inside]", "connections: [inide]", ["jobs.load.connections.0", "Allowed: shop, inside"]),
        ("mode: upsert, keys: [id]", "mode: upsert", ["sink.keys: is required for an upsert"]),
        ("mode: upsert, keys", "mode: insert, keys", ["sink.keys: is only allowed with mode: upsert"]),
        ("mode: upsert, keys: [id]", "mode: replace", ["sink.mode", "'insert', 'truncate' or 'upsert'"]),
        ("keys: [id]", "keys: [id], format: json", ["sink.format: is not allowed here: a database has no files"]),
        ("table: public.orders", "table: orders", ["sink.table", "such as public.orders"]),
        ("table: totals}", "table: totals, mode: insert}", ["sink.mode: is only allowed with a connection"]),
        ("table: totals}", "table: public.totals}", ["sink.table: without a connection, it is a catalog table"]),
        ("{connection: shop, table: public.o", "{connection: inside, table: public.o", ["sink.connection", "shop"]),
        (
            "host: db.example.org",
            "host: a.b, network: {subnet: subnet-0b, security_groups: [sg-0a], zone: us-east-1a}",
            ["jobs.load: its connections are in several subnets (subnet-0a, subnet-0b)"],
        ),
        (
            "connections: [inside]",
            "steps:\n      - convert: {compression: zstd}",
            ["jobs.load.steps.0.convert: applies to files, but the sink is a database"],
        ),
    ],
)
def test_a_mistake_is_reported_with_line_and_field(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load(written(tmp_path, old, new), "local")
    for part in expected:
        assert part in str(error.value)
    assert str(error.value).count("\n") == 0

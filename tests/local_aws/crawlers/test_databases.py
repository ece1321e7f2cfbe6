"""Crawls of a real PostgreSQL through a Glue connection with its password in Secrets Manager."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws.crawlers.jdbc import glue_type
from tests.local_aws.crawlers.conftest import ROLE
from tests.postgres import PASSWORD, USER, Database


class Shop:
    """A database, a connection to it, and a crawler for it; all but the database are named `name`."""

    def __init__(self, lake: Any, aws: Any, database: Database) -> None:
        self.lake, self.database, self.secrets, self.name = lake, database, aws("secretsmanager"), lake.name
        self.secrets.create_secret(Name=self.name)
        properties = {"JDBC_CONNECTION_URL": database.url, "JDBC_ENFORCE_SSL": "false", "SECRET_ID": self.name}
        connection = {"Name": self.name, "ConnectionType": "JDBC", "ConnectionProperties": properties}
        lake.glue.create_connection(ConnectionInput=connection)

    def login(self, password: str) -> None:
        value = json.dumps({"username": USER, "password": password})
        self.secrets.put_secret_value(SecretId=self.name, SecretString=value)

    def define(self, path: str, **settings: Any) -> None:
        targets = {"JdbcTargets": [{"ConnectionName": self.name, "Path": f"{self.database.name}/{path}"}]}
        self.lake.glue.create_crawler(Name=self.name, Role=ROLE, DatabaseName=self.name, Targets=targets, **settings)

    def table(self, name: str) -> str:
        return f"{self.database.name}_public_{name}"


@pytest.fixture
def shop(lake: Any, aws: Any, database: Database) -> Shop:
    database.run(
        "CREATE TABLE customers (id int PRIMARY KEY, name text); CREATE VIEW named AS SELECT name FROM customers"
    )
    shop = Shop(lake, aws, database)
    shop.login(PASSWORD)
    return shop


def test_a_table_is_found_with_its_columns_and_the_name_that_glue_gives_it(shop: Shop) -> None:
    shop.define("public/customers")
    shop.lake.run()
    [(name, table)] = shop.lake.tables().items()
    assert name == shop.table("customers")
    assert shop.lake.columns(name) == {"id": "int", "name": "string"}
    assert table["StorageDescriptor"]["Location"] == f"{shop.database.name}.public.customers"
    said = {key: table["Parameters"][key] for key in ("classification", "connectionName", "typeOfData")}
    assert said == {"classification": "postgresql", "connectionName": shop.name, "typeOfData": "table"}


def test_a_path_may_cover_all_tables_and_views_of_a_schema(shop: Shop) -> None:
    shop.define("public/%")
    shop.lake.run()
    assert set(shop.lake.tables()) == {shop.table("customers"), shop.table("named")}
    assert shop.lake.tables()[shop.table("named")]["Parameters"]["typeOfData"] == "view"


def test_a_changed_table_is_updated_and_a_dropped_one_is_deprecated(shop: Shop) -> None:
    shop.define("public/customers")
    shop.lake.run()
    shop.database.run("ALTER TABLE customers ADD seats smallint")
    shop.lake.run()
    assert shop.lake.columns(shop.table("customers"))["seats"] == "smallint"
    shop.database.run("DROP TABLE customers CASCADE")
    shop.lake.run()
    assert "DEPRECATED_BY_CRAWLER" in shop.lake.tables()[shop.table("customers")]["Parameters"]
    assert "No tables in" in shop.lake.warnings()[-1]


def test_an_update_with_policy_log_leaves_the_table(shop: Shop) -> None:
    shop.define("public/customers", SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"})
    shop.lake.run()
    shop.database.run("ALTER TABLE customers ADD seats smallint")
    shop.lake.run()
    assert "seats" not in shop.lake.columns(shop.table("customers"))


def test_a_wrong_password_fails_the_crawl_and_is_not_shown(shop: Shop) -> None:
    shop.define("public/customers")
    shop.login("not the one")
    shop.lake.start()
    last = shop.lake.wait()
    assert last["Status"] == "FAILED"
    assert f"connection {shop.name}: " in last["ErrorMessage"]
    assert "password authentication failed" in last["ErrorMessage"]
    assert "not the one" not in json.dumps(last, default=str) + "".join(shop.lake.log())
    shop.login(PASSWORD)
    shop.lake.run()


def test_a_secret_without_a_value_fails_the_crawl(lake: Any, aws: Any, database: Database) -> None:
    shop = Shop(lake, aws, database)
    shop.define("public/customers")
    lake.start()
    last = lake.wait()
    assert (last["Status"], "secret value" in last["ErrorMessage"]) == ("FAILED", True)


@pytest.mark.parametrize(
    ("postgresql", "glue"),
    [
        ("bigint", "bigint"),
        ("real", "float"),
        ("numeric", "decimal(38,18)"),
        ("numeric(9,2)", "decimal(9,2)"),
        ("character varying(20)", "string"),
        ("timestamp(3) with time zone", "timestamp"),
        ("jsonb", "string"),
        ("double precision[]", "array<double>"),
        ("bytea", "binary"),
    ],
)
def test_postgresql_types_map_to_catalog_types(postgresql: str, glue: str) -> None:
    assert glue_type(postgresql) == glue

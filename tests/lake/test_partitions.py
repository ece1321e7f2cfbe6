"""Partitions of declared tables, and the hint for tables with many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lake.aws import Aws
from lake.configuration.reading import load
from lake.data import partitions
from lake.data.zones import Upload
from lake.errors import LakeError
from tests.embedded import lend_keys

STORAGE: dict[str, Any] = {"Columns": [{"Name": "rate", "Type": "double"}], "Location": "s3://raw/rates/"}
DATABASE = "shop_local_raw"


@pytest.fixture
def shop(tmp_path: Path, endpoint: str, aws: Callable[[str], Any]) -> Aws:
    """A lake with a declared table that is deployed, and one that is not."""
    table = "{format: csv, catalog: declared, columns: {rate: double}, partitions: [month, day]}"
    (tmp_path / "lake.yaml").write_text(
        f"project: shop\nenvironments: {{local: {{endpoint: '{endpoint}', region: us-east-1}}}}\n"
        f"datasets: {{rates: {table}, prices: {table}}}\n"
    )
    lend_keys(endpoint, tmp_path)
    glue = aws("glue")
    if DATABASE in [found["Name"] for found in glue.get_databases()["DatabaseList"]]:
        glue.delete_database(Name=DATABASE)
    glue.create_database(DatabaseInput={"Name": DATABASE})
    keys = [{"Name": key, "Type": "string"} for key in ("month", "day")]
    table_input = {"Name": "rates", "StorageDescriptor": STORAGE, "PartitionKeys": keys}
    glue.create_table(DatabaseName=DATABASE, TableInput=table_input)
    return Aws(load(tmp_path / "lake.yaml"))


def uploads(*folders: str) -> list[Upload]:
    return [Upload(Path("a.csv"), f"rates/{folder}/{file}") for folder in folders for file in ("a.csv", "b.csv")]


def registered(shop: Aws) -> dict[tuple[str, ...], str]:
    found = shop.glue.get_partitions(DatabaseName=DATABASE, TableName="rates")["Partitions"]
    return {tuple(part["Values"]): part["StorageDescriptor"]["Location"] for part in found}


def test_each_folder_is_registered_once_with_the_tables_storage_descriptor(shop: Aws) -> None:
    like = partitions.storage(shop, "rates")
    assert like is not None
    first = partitions.register(shop, "rates", like, uploads("month=1/day=a%20b", "month=1/day=2"))
    again = partitions.register(shop, "rates", like, uploads("month=1/day=2", "month=2/day=1"))

    assert (first, again) == (2, 1)
    bucket = "s3://shop-local-raw-000000000000/rates"
    assert registered(shop) == {
        ("1", "a b"): f"{bucket}/month=1/day=a%20b/",
        ("1", "2"): f"{bucket}/month=1/day=2/",
        ("2", "1"): f"{bucket}/month=2/day=1/",
    }


def test_a_missing_table_is_reported_before_any_upload(shop: Aws) -> None:
    with pytest.raises(LakeError, match=r"the table of prices does not exist\. Deploy it first: `lake up catalog`"):
        partitions.storage(shop, "prices")


def test_many_partitions_without_an_index_give_a_hint(shop: Aws) -> None:
    assert partitions.unindexed(shop, "rates", partitions.MANY - 1) == ""
    shown = partitions.unindexed(shop, "rates", partitions.MANY)
    index: Any = {"IndexName": "by_month", "Keys": ["month"]}
    shop.glue.create_partition_index(DatabaseName=DATABASE, TableName="rates", PartitionIndex=index)

    assert shown == "1000 partitions without an index: set partition_index: true in lake.yaml"
    assert partitions.unindexed(shop, "rates", partitions.MANY) == ""

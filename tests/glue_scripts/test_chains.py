"""Random chains of steps on random files give the same rows as plain Python, in both languages.

`LAKE_CHAINS=1000 python -m pytest -k chain_of_steps tests/glue_scripts` runs that many chains.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import boto3
import pytest
from pyspark.sql import DataFrame, SparkSession

from lake_etl.catalog import find_table
from lake_etl.job import SETTINGS
from lake_etl.source import read_source
from lake_etl.steps import apply_steps
from tests.chains import reference
from tests.chains.made import Chain, chain
from tests.glue_scripts.small_lake import Lake
from tests.glue_scripts.test_reading import as_json, in_order

pytestmark = pytest.mark.spark
CHAINS = range(int(os.environ.get("LAKE_CHAINS", "10")))


def put(lake: Lake, made: Chain, number: int) -> dict[str, str]:
    """Put the chain's tables into the lake. Returns their names by the names in the steps."""
    names = {dataset: f"{dataset}_{number}" for dataset in made.tables}
    for dataset, table in made.tables.items():
        for file, body in table.files.items():
            lake.put("raw", f"{lake.database}/{names[dataset]}/{file}", body)
        lake.table(names[dataset], table.format, table.columns, table.keys, table.parameters)
    return names


def expected_rows(made: Chain) -> list[str]:
    rows = [{name: "NaN" if reference.is_nan(each) else each for name, each in row.items()} for row in made.due.rows]
    return in_order(rows)


@pytest.fixture(scope="module")
def own_lake(new_lake: Callable[[str], Lake]) -> Lake:
    return new_lake("chains")


@pytest.mark.parametrize("number", CHAINS)
def test_a_chain_of_steps(spark: SparkSession, own_lake: Lake, number: int) -> None:
    for name, value in SETTINGS.items():
        spark.conf.set(name, value)
    made = chain(number)
    names = put(own_lake, made, number)

    def dataset(name: str) -> DataFrame:
        table = find_table(boto3.client("glue"), own_lake.database, names[name], name)
        return read_source(spark, boto3.client("s3"), table).rows

    frame, _ = apply_steps(dataset("source"), made.steps, dataset)
    assert [name for name, _ in frame.dtypes] == list(made.due.columns)
    assert in_order(as_json(frame)) == expected_rows(made), json.dumps(made.steps)

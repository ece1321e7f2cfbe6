"""dbt-athena: seed, view, table, incremental models of both kinds, tests, docs, and a full refresh."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from .conftest import Place

pytest.importorskip("dbt.adapters.athena")

FILES = {
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\nseeds: {shop: {+quote_columns: false}}\n",
    "seeds/orders.csv": "id,price,day\n1,1.5,2024-01-01\n2,2.5,2024-01-02\n3,,2024-01-02\n",
    "models/priced.sql": "{{ config(materialized='view') }} select * from {{ ref('orders') }} where price is not null",
    "models/days.sql": "{{ config(materialized='table') }} select day, count(*) as orders, sum(price) as turnover "
    "from {{ ref('orders') }} group by day",
    "models/partitioned.sql": "{{ config(materialized='table', partitioned_by=['day'], format='parquet') }} "
    "select id, price, cast(day as varchar) as day from {{ ref('orders') }}",
    "models/appended.sql": "{{ config(materialized='incremental', incremental_strategy='append') }} "
    "select id, price from {{ ref('orders') }}",
    "models/overwritten.sql": "{{ config(materialized='incremental', incremental_strategy='insert_overwrite', "
    "partitioned_by=['day']) }} select id, price, cast(day as varchar) as day from {{ ref('orders') }}",
    "models/schema.yml": "models:\n  - name: days\n    description: Turnover of each day\n    columns:\n"
    "      - {name: day, description: The day, tests: [unique, not_null]}\n",
}
PROFILE = """
shop:
  target: here
  outputs:
    here:
      type: athena
      s3_staging_dir: {results}
      s3_data_dir: {data}
      region_name: us-east-1
      schema: {database}
      database: awsdatacatalog
      threads: 2
"""


def dbt(folder: Path, *words: str) -> str:
    command = [str(Path(sys.executable).parent / "dbt"), "--no-send-anonymous-usage-stats", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def count(place: Place, table: str) -> str:
    athena = boto3.client("athena")
    started = athena.start_query_execution(
        QueryString=f"SELECT count(*) FROM {place.database}.{table}",
        ResultConfiguration={"OutputLocation": place.results},
    )["QueryExecutionId"]
    while athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]["State"] in (
        "QUEUED",
        "RUNNING",
    ):
        pass
    return str(athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"][1]["Data"][0]["VarCharValue"])


def test_a_project_is_built_rerun_tested_and_documented(place: Place, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    profile = PROFILE.format(results=place.results, data=place.folder("data"), database=place.database)
    (tmp_path / "profiles.yml").write_text(profile)

    dbt(tmp_path, "build")
    tables = ("orders", "priced", "days", "partitioned", "appended", "overwritten")
    assert [count(place, table) for table in tables] == ["3", "2", "2", "3", "3", "3"]

    dbt(tmp_path, "run")
    assert [count(place, table) for table in tables] == ["3", "2", "2", "3", "6", "3"]

    dbt(tmp_path, "run", "--full-refresh", "--select", "appended")
    assert count(place, "appended") == "3"

    dbt(tmp_path, "docs", "generate")
    assert '"turnover"' in (tmp_path / "target/catalog.json").read_text()

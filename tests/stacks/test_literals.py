"""Terraform has templates, `${...}` and `%{...}`; what a person writes into lake.yaml or a query is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lake.configuration.reading import load
from stacks.app import build_app

LAKE = """\
project: shop
environments: {dev: {region: eu-west-1}}
datasets: {orders: {format: csv}}
jobs:
  sales:
    source: orders
    steps: [{filter: "a <> '${x1}' AND a <> '%{x2}'"}]
    sink: {table: sales}
    spark_conf: {spark.app.name: "${x3}"}
    arguments: {"--mine": "%{x4}"}
training_sets:
  late:
    from: "SELECT * FROM sales WHERE a <> '${x5}'"
    entity: [a]
    time: at
    label: late
    split: {by: time, train_until: 2013-09-01, validate_until: 2013-11-01}
    drift: {on: sales, where: "a <> '${x6}'", schedule: "cron(0 5 * * ? *)"}
"""


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Terraform of all stacks."""
    folder: Path = tmp_path_factory.mktemp("shop")
    (folder / "lake.yaml").write_text(LAKE)
    (folder / "queries").mkdir()
    (folder / "queries/odd.sql").write_text("SELECT * FROM ${curated}.sales WHERE a = '${x7}' OR a LIKE '%{x8}%'")
    build_app(load(folder / "lake.yaml", "dev"), str(folder / "out")).synth()
    return "\n".join(file.read_text() for file in (folder / "out/stacks").rglob("cdk.tf.json"))


@pytest.mark.parametrize("number", range(1, 9))
def test_what_looks_like_a_template_is_text(stacks: str, number: int) -> None:
    written = set(re.findall(rf"[$%]+{{x{number}}}", stacks))
    assert written in ({f"$${{x{number}}}"}, {f"%%{{x{number}}}"})

"""SQLMesh: a plan over a seed, a full and an incremental model, and a second plan after a change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Place

sqlmesh = pytest.importorskip("sqlmesh")

MODELS = {
    "orders.sql": "MODEL (name {database}.orders, kind SEED (path '../seeds/orders.csv'), "
    "columns (id int, day varchar, price double), grain id);",
    "days.sql": "MODEL (name {database}.days, kind FULL, grain day);\n"
    "SELECT day, sum(price) AS turnover FROM {database}.orders GROUP BY day;",
    "priced.sql": "MODEL (name {database}.priced, kind VIEW);\n"
    "SELECT id, price FROM {database}.orders WHERE price IS NOT NULL;",
}
CONFIG = """
gateways:
  here:
    connection:
      type: athena
      s3_staging_dir: {results}
      s3_warehouse_location: {data}
      region_name: us-east-1
    state_connection:
      type: duckdb
      database: state.db
default_gateway: here
model_defaults:
  dialect: athena
  start: 2024-01-01
"""


@pytest.fixture
def project(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SQLMESH__DISABLE_ANONYMIZED_ANALYTICS", "true")
    for folder in ("models", "seeds"):
        (tmp_path / folder).mkdir()
    for name, text in MODELS.items():
        (tmp_path / "models" / name).write_text(text.format(database=place.database))
    (tmp_path / "seeds/orders.csv").write_text("id,day,price\n1,2024-01-01,1.5\n2,2024-01-02,2.5\n")
    (tmp_path / "config.yaml").write_text(CONFIG.format(results=place.results, data=place.folder("data")))
    return lambda: sqlmesh.Context(paths=[str(tmp_path)])


def test_a_plan_is_applied_and_again_after_a_change(project: Any, place: Place, tmp_path: Path) -> None:
    context = project()
    context.plan(auto_apply=True, no_prompts=True)
    days = context.fetchdf(f"SELECT day, turnover FROM {place.database}.days ORDER BY day")
    assert days.values.tolist() == [["2024-01-01", 1.5], ["2024-01-02", 2.5]]

    (tmp_path / "models/days.sql").write_text(MODELS["days.sql"].format(database=place.database) + "-- changed\n")
    text = MODELS["priced.sql"].replace("id, price", "id, price * 2 AS price")
    (tmp_path / "models/priced.sql").write_text(text.format(database=place.database))
    context = project()
    context.plan(auto_apply=True, no_prompts=True)
    assert context.fetchdf(f"SELECT price FROM {place.database}.priced ORDER BY 1").values.tolist() == [[3.0], [5.0]]

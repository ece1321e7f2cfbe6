"""From files to predictions in a small lake: the ml stack is planned, used, and destroyed on its own."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lake.configuration.names import ML
from lake.deploying.leftovers import leftovers
from tests.e2e.conftest import Checkout, own_lake
from tests.local_aws.sagemaker.conftest import need_framework

pytestmark = pytest.mark.e2e
LAKE_YAML = """
project: parcels
environments:
  local: {endpoint: "http://127.0.0.1:PORT", region: us-east-1, destroyable: true}
datasets:
  orders: {format: parquet}
  prices: {format: parquet}
training_sets:
  returns:
    from: "SELECT id, at, returned, refund, weight, shop FROM orders"
    entity: id
    time: at
    label: returned
    exclude: [refund]
    features: {prices: {as_of: seen, on: shop, within_hours: 48, take: [price]}}
    split: {by: time, train_until: 2024-02-01, validate_until: 2024-02-15}
models:
  returns: {training_set: returns, script: train.py, hyperparameters: {strength: 2.0}, at_least: 0.6}
"""
TRAIN = """
import argparse, io, os, pathlib, shutil
import joblib, pandas as pd
from sklearn.linear_model import LogisticRegression

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--strength", type=float)
    rows = pd.read_parquet(os.environ["SM_CHANNEL_TRAIN"])
    features = rows[["weight", "price"]].to_numpy()
    model = LogisticRegression(C=parser.parse_args().strength).fit(features, rows["returned"])
    folder = pathlib.Path(os.environ["SM_MODEL_DIR"])
    joblib.dump(model, folder / "model.joblib")
    (folder / "code").mkdir()
    shutil.copy(__file__, folder / "code")

def model_fn(folder):
    return joblib.load(pathlib.Path(folder) / "model.joblib")

def input_fn(body, content_type):
    return pd.read_csv(io.StringIO(body), header=None)[[0, 2]].to_numpy()

def predict_fn(rows, model):
    return model.predict_proba(rows)[:, 1]

if __name__ == "__main__":
    main()
"""
ORDERS = 1_200
BEGIN = datetime(2024, 1, 1)


def tables() -> dict[str, pd.DataFrame]:
    """Orders of two months, of which the heavy and dear ones come back, and what each shop asked each day."""
    rng = random.Random(14)
    prices = {(shop, day): rng.uniform(1, 9) for shop in "ab" for day in range(60)}
    orders = []
    for number in range(ORDERS):
        shop, hours = rng.choice("ab"), number * 59 * 24 / ORDERS
        weight, price = rng.gauss(5, 2), prices[shop, int(hours // 24)]
        returned = weight + price + rng.gauss(0, 3) > 11
        at, refund = BEGIN + timedelta(hours=hours), price if returned else 0.0
        orders.append({"id": number, "at": at, "returned": returned, "refund": refund, "weight": weight, "shop": shop})
    seen = [
        {"shop": shop, "seen": BEGIN + timedelta(days=day), "price": price} for (shop, day), price in prices.items()
    ]
    found = {"orders": pd.DataFrame(orders), "prices": pd.DataFrame(seen)}
    return {name: frame.astype({column: "datetime64[us]" for column in ("at", "seen") if column in frame})
            for name, frame in found.items()}  # fmt: skip


@pytest.fixture
def parcels(tmp_path: Path) -> Iterator[Checkout]:
    need_framework()
    with own_lake(tmp_path, LAKE_YAML, {"train.py": TRAIN}) as parcels:
        yield parcels


def test_a_lake_carries_its_files_to_predictions_and_takes_the_stack_down_alone(parcels: Checkout) -> None:
    parcels.lake("up", "storage", "catalog", "athena")
    for name, frame in tables().items():
        body = io.BytesIO()
        frame.to_parquet(body, index=False)
        (parcels.root / f"{name}.parquet").write_bytes(body.getvalue())
        parcels.lake("put", name, f"{name}.parquet")
    parcels.lake("crawl")
    assert "0 to change, 0 to destroy" in parcels.run("cdktf", "plan", ML).stdout
    parcels.lake("up", ML)
    assert "No changes." in parcels.planned(ML)

    built = parcels.lake_json("dataset", "build", "returns")
    trained = parcels.lake_json("train", "returns")
    evaluated = parcels.lake_json("evaluate", "returns")
    predicted = parcels.lake_json("predict", "returns", "--on", "orders", "--where", "at >= '2024-02-15'")

    tested = built["parts"]["test"]["rows"]
    assert {finding["check"] for finding in built["findings"]} <= {"drift"}
    assert sum(part["rows"] for part in built["parts"].values()) == ORDERS
    assert trained["training_set"] == f"returns {built['version']}"
    assert evaluated["rows"] == predicted["rows"] == tested
    assert evaluated["metrics"]["auc"]["value"] == trained["auc"] > evaluated["baselines"]["one_feature"]["auc"]
    assert scored(parcels) == (tested, pytest.approx(trained["auc"], abs=1e-9))
    assert "No changes." in parcels.planned(ML)

    parcels.lake("down", ML)
    assert parcels.state(ML) == []
    assert [one for one in leftovers(parcels.aws()) if ML in one.name.split("-") or "sagemaker" in one.name] == []
    assert parcels.state("storage")
    assert parcels.lake_json("query", "--database", "raw", "SELECT count(*) AS orders FROM orders")["rows"] == [
        {"orders": ORDERS}
    ]
    parcels.lake("down", "--delete-data")
    assert parcels.lake_json("leftovers")["leftovers"] == []


def scored(parcels: Checkout) -> tuple[int, float]:
    """The rows of the predictions that have an order, and the AUC of their scores."""
    names = parcels.aws().names
    sql = (
        f"SELECT p.score, o.returned FROM {names.database('ml')}.returns_predictions AS p "
        f"JOIN {names.database('raw')}.orders AS o ON o.id = p.id AND o.at = p.at"
    )
    rows: list[dict[str, Any]] = parcels.lake_json("query", sql)["rows"]
    ones = [row["score"] for row in rows if row["returned"]]
    zeros = [row["score"] for row in rows if not row["returned"]]
    right = sum((one > zero) + (one == zero) / 2 for one in ones for zero in zeros)
    return len(rows), right / (len(ones) * len(zeros))

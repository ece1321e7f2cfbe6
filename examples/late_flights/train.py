"""Trains a model of late flights: plain SageMaker script mode, on a laptop as on SageMaker.

It serves the model too: `model_fn` loads it, `input_fn` reads CSV with the columns in the order of the training set,
and `predict_fn` gives the probability that a flight is late.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

LABEL, TEXTS = "late", ["airline", "origin", "dest"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--max-iter", type=int, default=100)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    given = parser.parse_args()
    train = pd.read_parquet(os.environ["SM_CHANNEL_TRAIN"])
    model = trained(prepared(train.drop(columns=LABEL)), train[LABEL], given.max_iter, given.learning_rate)
    save(model, Path(os.environ["SM_MODEL_DIR"]))


def trained(rows: pd.DataFrame, labels: pd.Series, max_iter: int, learning_rate: float) -> Pipeline:
    """Boosted trees over all columns, the texts by number. It keeps the columns' order."""
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer((encoder, TEXTS), remainder="passthrough")
    trees = HistGradientBoostingClassifier(max_iter=max_iter, learning_rate=learning_rate, random_state=0)
    return make_pipeline(columns, trees).fit(rows, labels)


def save(model: Pipeline, folder: Path) -> None:
    """The model, and this script: a container without network serves with what its archive holds."""
    joblib.dump(model, folder / "model.joblib")
    (folder / "code").mkdir(exist_ok=True)
    shutil.copy(__file__, folder / "code")


def model_fn(folder: str) -> Pipeline:
    return joblib.load(Path(folder) / "model.joblib")


def input_fn(body: str | bytes, content_type: str) -> pd.DataFrame:
    if content_type != "text/csv":
        raise ValueError(f"{content_type} is not text/csv")
    text = body.decode() if isinstance(body, bytes) else body
    return pd.read_csv(io.StringIO(text), header=None)


def predict_fn(rows: pd.DataFrame, model: Pipeline):  # type: ignore[no-untyped-def]
    rows.columns = model.feature_names_in_
    return model.predict_proba(prepared(rows))[:, 1]


def prepared(rows: pd.DataFrame) -> pd.DataFrame:
    """A text that is missing is None in Parquet and NaN in CSV, so it gets a value of its own."""
    return rows.assign(**rows[TEXTS].fillna("none"))


if __name__ == "__main__":
    main()

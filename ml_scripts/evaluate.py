"""Evaluates a model on the test part of its training set: a step of its pipeline, in the scikit-learn container.

The model answers through its own script, as in a batch transform, so that the figures are those of its predictions.
Each metric has an interval: the middle 95 % of what resampled test rows give. The baselines are the share of the label
in train for every row, and the one feature that orders train best.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

RESAMPLES, SEED, POINTS, BINS = 200, 0, 200, 10
THRESHOLD = 0.5
WHOLE = ("tinyint", "smallint", "int", "bigint", "boolean")
"""Types of Spark whose values are numbers without a fraction in CSV."""
Metric = Callable[[Any, Any], float]
METRICS: dict[str, Metric] = {
    "auc": metrics.roc_auc_score,
    "average_precision": metrics.average_precision_score,
    "accuracy": lambda truth, scores: metrics.accuracy_score(truth, scores >= THRESHOLD),
    "f1": lambda truth, scores: metrics.f1_score(truth, scores >= THRESHOLD),
    "brier": metrics.brier_score_loss,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("model", "set", "train", "test", "script", "output"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    manifest = json.loads((Path(given.set) / "manifest.json").read_text())
    train, test = (part(Path(folder), manifest) for folder in (given.train, given.test))
    folder = unpacked(Path(given.model))
    scores = predictions(folder, given.script, as_csv(test[manifest["features"]], manifest["columns"]), len(test))
    found = evaluation(manifest, train, test, scores)
    (Path(given.output) / "evaluation.json").write_text(json.dumps(found, indent=1, sort_keys=True))
    print(json.dumps({name: value["value"] for name, value in found["metrics"].items()}))


def part(folder: Path, manifest: dict[str, Any]) -> pd.DataFrame:
    """The rows of a part, under the names of its columns; the texts of CSV as they are."""
    [file] = [path for path in folder.iterdir() if path.suffix in (".csv", ".parquet")]
    if file.suffix == ".parquet":
        return pd.read_parquet(file, dtype_backend="numpy_nullable")
    names, types = [manifest["label"], *manifest["features"]], manifest["columns"]
    rows = pd.read_csv(file, header=None, names=names, dtype=str, keep_default_na=False)
    return rows.assign(**{name: numbers(rows[name]) for name in names if is_number(types[name])})


def is_number(type_: str) -> bool:
    return type_ in (*WHOLE, "float", "double") or type_.startswith("decimal")


def numbers(texts: pd.Series) -> pd.Series:
    return pd.to_numeric(texts.mask(texts == ""), dtype_backend="numpy_nullable")


def unpacked(folder: Path) -> Path:
    """The folder of the model. Exits where the training script left none."""
    target = folder / "unpacked"
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(target, filter="data")
    if not [path for path in target.rglob("*") if path.is_file() and "code" not in path.relative_to(target).parts[:1]]:
        sys.exit("the training script wrote no model: it saves it in the folder that SM_MODEL_DIR names")
    return target


def predictions(folder: Path, script: str, rows: str, count: int) -> Any:
    """The scores of so many rows of CSV, from 0 to 1, as the model's own script gives them."""
    file = folder / "code" / script
    if not file.is_file():
        sys.exit(f"the model has no code/{script}: the training script copies itself to code/ in SM_MODEL_DIR")
    module = loaded(file)
    for name in ("model_fn", "input_fn"):
        if not hasattr(module, name):
            sys.exit(f"{script} has no {name}")
    predict = getattr(module, "predict_fn", lambda table, model: model.predict(table))
    answer = predict(module.input_fn(rows, "text/csv"), module.model_fn(str(folder)))
    scores = np.asarray(answer, dtype=float)
    if scores.shape != (count,) or not ((scores >= 0) & (scores <= 1)).all():
        sys.exit(f"{script} answers {scores.shape} numbers, and not one from 0 to 1 for each of {count} rows")
    return scores


def as_csv(rows: pd.DataFrame, types: Mapping[str, str]) -> str:
    """The rows as a batch transform gets them: no header, true and false as 1 and 0, times in UTC.

    Args:
        types: the types of the columns, as Spark names them.
    """
    return str(rows.assign(**{name: cells(rows[name], types[name]) for name in rows}).to_csv(header=False, index=False))


def cells(values: pd.Series, type_: str) -> pd.Series:
    if type_ in WHOLE:
        return values.astype("Int64")
    if type_.startswith("timestamp"):
        return pd.to_datetime(values, utc=True).dt.strftime("%Y-%m-%d %H:%M:%S.%f")
    return values


def loaded(file: Path) -> Any:
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def evaluation(manifest: dict[str, Any], train: pd.DataFrame, test: pd.DataFrame, scores: Any) -> dict[str, Any]:
    truth = test[manifest["label"]].to_numpy(dtype=int)
    return {
        "training_set": manifest["name"],
        "version": manifest["version"],
        "rows": len(truth),
        "share": float(truth.mean()),
        "metrics": {name: interval(metric, truth, scores) for name, metric in METRICS.items()},
        "baselines": baselines(manifest, train, test, truth),
        "roc": curve(truth, scores),
        "calibration": calibration(truth, scores),
        "confusion": metrics.confusion_matrix(truth, scores >= THRESHOLD).tolist(),
    }


def interval(metric: Metric, truth: Any, scores: Any) -> dict[str, float]:
    """The metric, and the middle 95 % of it over resampled rows; each resample has both classes."""
    random = np.random.default_rng(SEED)
    found: list[float] = []
    while len(found) < RESAMPLES:
        chosen = random.integers(0, len(truth), len(truth))
        if 0 < truth[chosen].sum() < len(truth):
            found.append(metric(truth[chosen], scores[chosen]))
    low, high = np.percentile(found, (2.5, 97.5))
    return {"value": float(metric(truth, scores)), "low": float(low), "high": float(high)}


def baselines(manifest: dict[str, Any], train: pd.DataFrame, test: pd.DataFrame, truth: Any) -> dict[str, Any]:
    share = float(train[manifest["label"]].mean())
    constant = np.full(len(truth), share)
    found = {"constant": {"says": share, **{name: float(metric(truth, constant)) for name, metric in METRICS.items()}}}
    features = [name for name in manifest["features"] if pd.api.types.is_numeric_dtype(train[name])]
    powers = {name: power(train, name, manifest["label"]) for name in features}
    if powers:
        best = max(powers, key=lambda name: abs(powers[name] - 0.5))
        sign = 1 if powers[best] >= 0.5 else -1
        auc = metrics.roc_auc_score(truth, sign * placed(test[best]))
        found["one_feature"] = {"says": best, "auc": float(auc)}
    return found


def power(train: pd.DataFrame, name: str, label: str) -> float:
    return float(metrics.roc_auc_score(train[label], placed(train[name])))


def placed(values: pd.Series) -> Any:
    """The order of the values, which is all that an area under a curve needs: null is the least."""
    return values.astype(float).rank(na_option="top").to_numpy()


def curve(truth: Any, scores: Any) -> list[list[float]]:
    """Points of the ROC curve: false and true positive rate."""
    false, true, _ = metrics.roc_curve(truth, scores)
    at = np.unique(np.linspace(0, len(false) - 1, POINTS).astype(int))
    return [[float(false[place]), float(true[place])] for place in at]


def calibration(truth: Any, scores: Any) -> list[list[float]]:
    """By tenth of the scores: their mean, the share of the label, and the rows. Equal scores are in one."""
    limits = np.unique(np.quantile(scores, np.linspace(0, 1, BINS + 1)[1:-1]))
    places = np.searchsorted(limits, scores)
    parts = [np.flatnonzero(places == place) for place in np.unique(places)]
    return [[float(scores[part].mean()), float(truth[part].mean()), len(part)] for part in parts]


if __name__ == "__main__":
    main()

"""find_matches with its defaults on labelled records. The only settings are the kinds of the columns.

FEBRL is synthetic; F1 should be at least 0.99 without the social security number, 0.995 with it. The others are real.
The defaults were tuned with FEBRL and the restaurants. The papers, inventors and affiliations were held out: wrong
matches in them were never examined, so they show what to expect of other data.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "glue_scripts"))

from benchmarks.febrl import FILES, KINDS, SECRET, people
from benchmarks.labelled import SETS, request
from lake_etl.evaluation import evaluate

TARGETS = {False: 0.99, True: 0.995}


def main() -> int:
    table = Table("data", "records", "true pairs", "precision", "recall", "F1", "target", "seconds")
    missed = False
    for name, target, measured in _runs():
        begun = time.monotonic()
        found = measured()
        seconds = time.monotonic() - begun
        rates = [f"{found[rate]:.4f}" for rate in ("precision", "recall", "f1")]
        counts = [str(found["records"]), str(found["true_pairs"])]
        table.add_row(name, *counts, *rates, f"{target}" if target else "held out", f"{seconds:.1f}")
        missed |= found["f1"] < (target or 0)
    Console().print(table)
    return int(missed)


def _runs() -> Iterator[tuple[str, float | None, Callable[[], dict[str, Any]]]]:
    for dataset in FILES:
        for secret, target in TARGETS.items():
            name = f"FEBRL {dataset} {'with' if secret else 'without'} {SECRET}"
            yield name, target, partial(measure, dataset, secret)
    for name, labelled in SETS.items():
        yield name, labelled.target, partial(measure_labelled, name)


def measure_labelled(name: str) -> dict[str, Any]:
    """The result of `lake evaluate-matches` for a set of real records."""
    with tempfile.TemporaryDirectory() as folder:
        return evaluate(**request(SETS[name], Path(folder)))


def measure(dataset: str, secret: bool) -> dict[str, Any]:
    """The result of `lake evaluate-matches` for a data set, with or without the social security number."""
    columns = {name: kind for name, kind in KINDS.items() if secret or name != SECRET}
    with tempfile.TemporaryDirectory() as folder:
        rows = f"{folder}/people.parquet"
        pq.write_table(people(dataset), rows)
        return evaluate(rows=rows, step={"columns": columns, "id": "record"}, truth="person")


if __name__ == "__main__":
    sys.exit(main())

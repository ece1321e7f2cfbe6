"""`lake preview`, compared with the loop it replaces: `lake up etl` and `lake run` after a change of a step.

Both run on the sample lake, in turns, each after its own change. Target: at most a quarter of the loop's time.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from examples import sample
from tests.e2e.conftest import Checkout, checkout_in

TARGET, ROUNDS = 0.25, 3
DATASETS = ("flights", "weather", "airlines", "airports", "planes")
JOB = "flights_enriched"


@dataclass(frozen=True)
class Round:
    """Seconds."""

    preview: float
    up: float
    run: float

    @property
    def ratio(self) -> float:
        return self.preview / (self.up + self.run)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        for checkout in checkout_in(Path(folder) / "lake"):
            _deployed(checkout, Path(folder))
            rounds = [_measured(checkout, number) for number in range(ROUNDS)]
    return _shown(rounds)


def _deployed(checkout: Checkout, folder: Path) -> None:
    files = sample.write(folder / "sample")
    checkout.lake("local", "start")
    checkout.lake("up", "storage", "catalog", "etl")
    for dataset in DATASETS:
        checkout.lake("put", dataset, str(files / dataset))
    checkout.lake("crawl", *DATASETS)


def _measured(checkout: Checkout, number: int) -> Round:
    config = checkout.root / "lake.yaml"
    config.write_text(config.read_text().replace(f"distance > {number}", f"distance > {number + 1}"))
    return Round(
        _seconds(lambda: checkout.lake("preview", JOB)),
        _seconds(lambda: checkout.lake("up", "etl")),
        _seconds(lambda: checkout.lake("run", JOB)),
    )


def _seconds(command: Callable[[], object]) -> float:
    begun = time.monotonic()
    command()
    return time.monotonic() - begun


def _shown(rounds: list[Round]) -> int:
    table = Table("lake preview, s", "lake up etl, s", "lake run, s", "ratio", "target")
    for each in rounds:
        seconds = (f"{value:.1f}" for value in (each.preview, each.up, each.run))
        table.add_row(*seconds, f"{each.ratio:.2f}", f"{TARGET}")
    ratio = median(each.ratio for each in rounds)
    Console(width=100).print(table, f"Median of the ratios: {ratio:.2f}. Target: {TARGET}.", sep="\n")
    return int(ratio > TARGET)


if __name__ == "__main__":
    sys.exit(main())

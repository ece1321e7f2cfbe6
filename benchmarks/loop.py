"""`lake up` after a small change or none, compared with an earlier commit: `python -m benchmarks.loop`.

Both sides deploy the sample lake once. Then each deploys it again, in turns.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.worktrees import run, two_checkouts


def _a_query(checkout: Path) -> None:
    query = checkout / "queries/flights_total.sql"
    query.write_text(query.read_text().rstrip().rstrip(";") + " -- changed\n")


def _a_job(checkout: Path) -> None:
    config = checkout / "lake.yaml"
    config.write_text(config.read_text().replace("distance > 0", "distance > 1"))


LOOPS: dict[str, tuple[Callable[[Path], None], float]] = {
    "nothing": (lambda checkout: None, 0.12),
    "a query": (_a_query, 0.35),
    "a job": (_a_job, 0.35),
}
"""The change, how to make it, and the target ratio."""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="loop-") as folder, two_checkouts(Path(folder)) as sides:
        try:
            for checkout in sides.values():
                run(checkout, "lake", "local", "start")
                run(checkout, "lake", "up")
            seconds = {
                what: [_up(sides[side], change) for side in ("before", "now")] for what, (change, _) in LOOPS.items()
            }
        finally:
            for checkout in sides.values():
                run(checkout, "lake", "local", "stop")
    return _report(seconds)


def _up(checkout: Path, change: Callable[[Path], None]) -> float:
    change(checkout)
    begun = time.monotonic()
    run(checkout, "lake", "up")
    return time.monotonic() - begun


def _report(seconds: dict[str, list[float]]) -> int:
    table = Table("lake up after a change of", "before, s", "now, s", "ratio", "target")
    missed = False
    for what, (before, now) in seconds.items():
        missed |= now / before > LOOPS[what][1]
        table.add_row(what, f"{before:.1f}", f"{now:.1f}", f"{now / before:.2f}", f"{LOOPS[what][1]}")
    Console().print(table)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

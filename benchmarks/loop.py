"""What a person waits for most, compared with an earlier commit: `python -m benchmarks.loop`.

Both sides deploy the sample lake once. Then each deploys it again, in turns, after a small change or none. Before that
come the commands that need no AWS, medians of several runs in turns.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

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

AT_ONCE, ROUNDS = ("--help", "check"), 9
SAME = 1.0
"""The target ratio of commands that need no AWS."""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="loop-") as folder, two_checkouts(Path(folder)) as sides:
        try:
            rows = [(f"lake {command}", *_medians(sides, command), SAME) for command in AT_ONCE]
            for checkout in sides.values():
                run(checkout, "lake", "local", "start")
                run(checkout, "lake", "up")
            for what, (change, target) in LOOPS.items():
                before, now = (_up(checkout, change) for checkout in sides.values())
                rows.append((f"lake up after a change of {what}", before, now, target))
        finally:
            for checkout in sides.values():
                run(checkout, "lake", "local", "stop")
    return _report(rows)


def _up(checkout: Path, change: Callable[[Path], None]) -> float:
    change(checkout)
    return _seconds(checkout, "up")


def _medians(sides: dict[str, Path], command: str) -> tuple[float, float]:
    rounds = [[_seconds(checkout, command) for checkout in sides.values()] for _ in range(ROUNDS)]
    before, now = (median(side) for side in zip(*rounds, strict=True))
    return before, now


def _seconds(checkout: Path, command: str) -> float:
    begun = time.monotonic()
    run(checkout, "lake", command)
    return time.monotonic() - begun


def _report(rows: list[tuple[str, float, float, float]]) -> int:
    table = Table("what", "before, s", "now, s", "ratio", "target")
    missed = False
    for what, before, now, target in rows:
        missed |= now / before > target
        table.add_row(what, f"{before:.2f}", f"{now:.2f}", f"{now / before:.2f}", f"{target}")
    Console().print(table)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

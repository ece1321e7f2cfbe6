"""The demo, compared with an earlier commit, in turns, on one machine: `python -m benchmarks.demo`.

Each side is a checkout of its commit, with the tools of this checkout. Target: at most 0.75.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.worktrees import run, two_checkouts

TARGET = 0.75


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="demo-") as folder, two_checkouts(Path(folder)) as sides:
        taken = {name: _seconds(checkout) for name, checkout in sides.items()}
    return _report(taken["before"], taken["now"])


def _seconds(checkout: Path) -> float:
    """The demo's time, from scratch. Its lake is removed with its embedded AWS."""
    begun = time.monotonic()
    try:
        run(checkout, "examples.demo")
        return time.monotonic() - begun
    finally:
        run(checkout, "lake", "local", "stop")
        for left in (".local", ".state", "cdktf.out"):
            shutil.rmtree(checkout / left, ignore_errors=True)


def _report(before: float, now: float) -> int:
    table = Table("demo before, s", "now, s", "ratio", "target")
    table.add_row(f"{before:.0f}", f"{now:.0f}", f"{now / before:.2f}", f"{TARGET}")
    Console().print(table)
    return int(now / before > TARGET)


if __name__ == "__main__":
    sys.exit(main())

"""The demo, compared with an earlier commit, in turns, on one machine: `python -m benchmarks.demo`.

Each side is a checkout of its commit, with the tools of this checkout. Target: at most 0.75. With `--enforced`, both
are of the last commit, and the second enforces IAM. Target: at most 1.15.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.worktrees import BEFORE, run, two_checkouts

TARGET, ENFORCED_TARGET = 0.75, 1.15


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.demo")
    parser.add_argument("--enforced", action="store_true", help="compare enforced IAM with none")
    is_enforced = parser.parse_args(arguments).enforced
    before, options = ("HEAD", ["--enforce-iam"]) if is_enforced else (BEFORE, [])
    with (
        tempfile.TemporaryDirectory(prefix="demo-") as folder,
        two_checkouts(Path(folder), before) as sides,
    ):
        first = _seconds(sides["before"])
        second = _seconds(sides["now"], *options)
    names = ("without enforcement", "enforced") if is_enforced else ("before", "now")
    return _report(names, first, second, ENFORCED_TARGET if is_enforced else TARGET)


def _seconds(checkout: Path, *options: str) -> float:
    """The demo's time with these options of a start, from scratch. Its lake is removed with its embedded AWS."""
    begun = time.monotonic()
    try:
        run(checkout, "lake", "local", "start", *options)
        run(checkout, "examples.demo")
        return time.monotonic() - begun
    finally:
        run(checkout, "lake", "local", "stop")
        for left in (".local", ".state", "cdktf.out"):
            shutil.rmtree(checkout / left, ignore_errors=True)


def _report(names: tuple[str, str], first: float, second: float, target: float) -> int:
    table = Table(*(f"demo {name}, s" for name in names), "ratio", "target")
    table.add_row(f"{first:.0f}", f"{second:.0f}", f"{second / first:.2f}", f"{target}")
    Console().print(table)
    return int(second / first > target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

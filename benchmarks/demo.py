"""The whole demo against itself at an earlier commit, in turns, on one machine: `python -m benchmarks.demo`.

Each side is a checkout of its commit (of this one, what is committed) with the tools of this. Target: at most 1.2.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.worktrees import BEFORE, ROOT, worktree
from tests.local_aws.conftest import free_port

TARGET, ROUNDS = 1.2, 1
TOOLS = (".tools", ".venv", "node_modules")


def main() -> int:
    taken: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="demo-") as folder, ExitStack() as stack:
        commits = {"before": BEFORE, "now": "HEAD"}
        sides = {name: stack.enter_context(worktree(Path(folder, name), commit)) for name, commit in commits.items()}
        for checkout in sides.values():
            _prepare(checkout)
        for _ in range(ROUNDS):
            for name, checkout in sides.items():
                taken[name].append(_seconds(checkout))
                print(f"{name}: {taken[name][-1]:.0f} s", file=sys.stderr)
    return _report(median(taken["before"]), median(taken["now"]))


def _prepare(checkout: Path) -> None:
    for name in TOOLS:
        (checkout / name).symlink_to(ROOT / name)
    config = checkout / "lake.yaml"
    config.write_text(config.read_text().replace("127.0.0.1:4566", f"127.0.0.1:{free_port()}"))


def _seconds(checkout: Path) -> float:
    """The demo's, from nothing. Its lake goes with its embedded AWS."""
    begun = time.monotonic()
    try:
        _python(checkout, "examples.demo")
        return time.monotonic() - begun
    finally:
        _python(checkout, "lake", "local", "stop")
        for left in (".local", ".state", "cdktf.out"):
            shutil.rmtree(checkout / left, ignore_errors=True)


def _python(checkout: Path, module: str, *arguments: str) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAKE_"))}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=checkout, env=own, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{checkout.name}: {' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _report(before: float, now: float) -> int:
    table = Table("demo before, s", "now, s", "ratio", "target")
    table.add_row(f"{before:.0f}", f"{now:.0f}", f"{now / before:.2f}", f"{TARGET}")
    Console().print(table)
    return int(now / before > TARGET)


if __name__ == "__main__":
    sys.exit(main())

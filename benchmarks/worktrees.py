"""Checkouts of other commits of this project."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.local_aws.conftest import free_port

TOOLS = (".tools", ".venv", "node_modules")
ROOT = Path(__file__).parents[1]
BEFORE = "af108ce"
"""The commit that ratios refer to."""


@contextmanager
def worktree(folder: Path, commit: str) -> Iterator[Path]:
    """A temporary checkout of a commit in this folder."""
    subprocess.run(["git", "worktree", "add", "--detach", folder, commit], cwd=ROOT, check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, check=True, capture_output=True)


@contextmanager
def two_checkouts(folder: Path, before: str = BEFORE) -> Iterator[dict[str, Path]]:
    """`before` and `now` (the last commit), each with the tools of this checkout, its own port, and bytecode."""
    with ExitStack() as stack:
        commits = {"before": before, "now": "HEAD"}
        sides = {name: stack.enter_context(worktree(folder / name, commit)) for name, commit in commits.items()}
        for checkout in sides.values():
            for name in TOOLS:
                (checkout / name).symlink_to(ROOT / name)
            config = checkout / "lake.yaml"
            config.write_text(config.read_text().replace("127.0.0.1:4566", f"127.0.0.1:{free_port()}"))
            subprocess.run([sys.executable, "-m", "compileall", "-q", "lake", "stacks", "local_aws"], cwd=checkout)
        yield sides


def run(checkout: Path, module: str, *arguments: str) -> None:
    """Run a module in a checkout. Raises RuntimeError with the end of its output if it fails."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAKE_", "PYTHONPATH"))}
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=checkout, env=own, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{checkout.name}: {' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")

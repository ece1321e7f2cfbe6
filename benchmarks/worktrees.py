"""Sources of this project at some commit, beside the one that is worked on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
BEFORE = "af108ce"
"""The commit that ratios are against."""


@contextmanager
def worktree(folder: Path, commit: str) -> Iterator[Path]:
    """A checkout of a commit in this folder, which is made and goes again."""
    subprocess.run(["git", "worktree", "add", "--detach", folder, commit], cwd=ROOT, check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, check=True, capture_output=True)

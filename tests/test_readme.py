"""The commands in the pages exist, and the generated tables are up to date."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from docs.tables import pages
from lake.configuration.names import STACKS

ROOT = Path(__file__).parents[1]
PAGES = {page: page.read_text() for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))}
TEXT = "\n".join(PAGES.values())
COMMANDS = [
    line.removeprefix("$ ").partition(" #")[0].strip()
    for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
]
LAKE = re.findall(r"`(lake [^`]+)`", TEXT) + [
    part.strip() for line in COMMANDS for part in line.split("&&") if part.strip().startswith("lake ")
]


def test_the_generated_tables_are_up_to_date() -> None:
    """If not: `python -m docs.tables`."""
    for page, text in pages().items():
        assert page.read_text() == text, page.name


@pytest.mark.parametrize("target", sorted({line.split()[1] for line in COMMANDS if line.startswith("make ")}))
def test_make_targets_in_the_pages_exist(target: str) -> None:
    assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_stacks_in_the_pages_exist() -> None:
    stacks = [line.split()[2] for line in COMMANDS if line.startswith("cdktf ")]

    assert stacks
    assert set(stacks) <= set(STACKS)


@pytest.mark.parametrize("command", sorted({" ".join(shlex.split(line)[1:3]) for line in LAKE}))
def test_lake_commands_in_the_pages_exist(command: str) -> None:
    words = command.split()
    words = words if words[0] == "local" else words[:1]
    done = subprocess.run([sys.executable, "-m", "lake", *words, "--help"], cwd=ROOT, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr

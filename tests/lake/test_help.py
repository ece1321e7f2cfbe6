"""The help of the command line."""

from __future__ import annotations

import re

from typer.testing import CliRunner

from lake.cli import app


def test_the_help_lists_commands_in_the_order_of_use() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    listed = re.findall(r"(?m)^│ ([a-z-]+) ", shown)
    assert [name for name in listed if name in ("init", "check", "up", "put", "run", "query", "quality")] == [
        *("init", "check", "up", "put", "run", "quality", "query"),
    ]

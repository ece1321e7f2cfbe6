"""Make a new lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lake.commands.base import app
from lake.commands.output import err


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet, or is empty.")],
    files: Annotated[
        Path | None, typer.Option("--from", help="A folder of CSV, JSON or Parquet files: its folders become datasets.")
    ] = None,
) -> None:
    """Make a new lake in a folder: lake.yaml, main.py and cdktf.json, a query, a CI workflow."""
    from lake import init as new_lake

    for warning in new_lake.make(folder, files):
        err.print(warning, markup=False)
    err.print(f"{folder} is a lake. Next: cd {folder}; lake check; lake local start; lake up", markup=False)

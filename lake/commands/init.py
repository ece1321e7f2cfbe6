"""Make a new lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lake.commands.base import app
from lake.commands.output import err


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    files: Annotated[
        Path | None, typer.Option("--from", help="A folder of CSV, JSON or Parquet files. Its folders become datasets.")
    ] = None,
) -> None:
    """Create a lake in a folder: lake.yaml, main.py, cdktf.json, a query and a CI workflow."""
    from lake import init as new_lake

    for warning in new_lake.make(folder, files):
        err.print(warning, markup=False)
    err.print(f"{folder} is a lake. Next: cd {folder}; lake check; lake local start; lake up", markup=False)

"""Creates a new lake."""

from __future__ import annotations

import shlex
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
    example: Annotated[
        str | None, typer.Option("--example", help="An example lake with data: flights, cars, shop or stream.")
    ] = None,
) -> None:
    """Create a lake in a folder: lake.yaml, main.py, cdktf.json, a query and a CI workflow."""
    from lake import examples
    from lake import init as new_lake

    for warning in new_lake.make(folder, files, example):
        err.print(warning, markup=False)
    into = f"cd {shlex.quote(str(folder))}"
    if example:
        steps = [into, *examples.steps((folder / "lake.yaml").read_text())]
        err.print(f"Created a lake in {folder}. Next:", *(f"  {step}" for step in steps), sep="\n", markup=False)
    else:
        err.print(f"Created a lake in {folder}. Next: {into}; lake check; lake local start; lake up", markup=False)

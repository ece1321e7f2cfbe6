"""Shows what a job would write, or would read of a dataset, before anything is deployed or run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from lake.commands.base import AsJson, app
from lake.commands.output import err, out, progress_bar, rows, table


@app.command()
def preview(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="JOB|DATASET", help="A job or a dataset of lake.yaml.")],
    step: Annotated[
        int | None, typer.Option(min=0, help="For a job: show the rows after this step. 0 for the source.")
    ] = None,
    limit: Annotated[int, typer.Option("--rows", min=1, max=1000, help="How many rows to show.")] = 20,
    file: Annotated[
        Path | None, typer.Option(help="For a dataset: read this file or folder instead of the raw zone.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a job's steps on a sample of its input, on this machine, or show how jobs would read a dataset.

    Nothing is deployed or written. It fails with the same errors as a run.
    """
    lake, aws = context.obj.lake(), context.obj.aws
    from lake.running import preview as previews

    with progress_bar() as progress:
        progress.add_task(f"{name}: previewing", total=None)
        found = previews.preview(lake, aws, name, step=step, rows=limit, file=file)
    if as_json:
        out.print_json(json.dumps(found))
        return
    _show(found)


def _show(found: dict[str, Any]) -> None:
    for read in found["read"]:
        err.print(f"{read['dataset']}: {read['rows']:,} rows from {read['which']}", markup=False)
    for note in found["notes"]:
        err.print(note, markup=False)
    if found["steps"]:
        table(found["steps"], False)
    table(found["columns"], False)
    rows(found["rows"])
    bad = found["quarantined"]
    if bad["rows"] or bad["files"]:
        first = f", the first {len(bad['first'])}" if bad["rows"] + bad["files"] > len(bad["first"]) else ""
        err.print(f"{bad['rows']:,} rows and {bad['files']:,} files would be quarantined{first}:", markup=False)
        rows(bad["first"])
    for line in found["expectations"]:
        err.print(f"on the sample, {line['outcome'].lower()} ({line['otherwise']}): {line['said']}", markup=False)

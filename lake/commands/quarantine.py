"""Shows the rows that jobs rejected, and sends corrected rows again."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from lake.commands.base import AsJson, app
from lake.commands.output import err, out, show, table
from lake.errors import BadInput

if TYPE_CHECKING:
    from lake.aws import Aws
    from lake.running.quarantine import Rejected

SUFFIXES = (".csv", ".jsonl", ".parquet")
SHOWN = ("dataset", "source_file", "line", "reason", "raw", "found_by")


class _ShowsByDefault(TyperGroup):
    """`lake quarantine JOB` means `lake quarantine show JOB`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


group = typer.Typer(
    cls=_ShowsByDefault,
    no_args_is_help=True,
    help="Show the rows that a job rejected (`lake quarantine JOB`), or send them again (`... retry JOB`).",
)
app.add_typer(group, name="quarantine")


@group.command("show")
def show_rows(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="A job of lake.yaml.")],
    run: Annotated[str | None, typer.Option(help="A run id, or its beginning. Default: the last run.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="How many rows. Default: 20, and all with --export.")] = None,
    export: Annotated[Path | None, typer.Option(help="Write them to FILE.csv, FILE.jsonl or FILE.parquet.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the rows that a run rejected: file, line if known, reason, raw text. Short: `lake quarantine JOB`."""
    if export and export.suffix not in SUFFIXES:
        raise BadInput(
            f"--export {export}: {export.suffix or 'no suffix'} is not a supported format. Allowed: {_allowed()}"
        )
    from lake.running import quarantine

    aws: Aws = context.obj.aws()
    run_id, found, count = quarantine.read(aws, job, run, rows if export else rows or 20)
    if export:
        with export.open("wb") as file:
            quarantine.write(found, export.suffix, file)
        done = {"job": job, "run_id": run_id, "rows": len(found), "file": str(export)}
        show(done, as_json, f"{job}: {len(found)} of {count} rows of the run {run_id} are in {export}")
    elif as_json:
        out.print_json(json.dumps([asdict(row) for row in found]))
    else:
        table([_shown(row) for row in found], False)
    _explain(aws, job, run_id, found, count)


@group.command("retry")
def retry(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="The job that rejected the rows.")],
    file: Annotated[Path, typer.Option(help="The file of --export FILE.jsonl, with `raw` corrected in each row.")],
    as_json: AsJson = False,
) -> None:
    """Upload corrected rows to the raw zone, as new files of their datasets. The job's next run reads them."""
    aws: Aws = context.obj.aws()
    from lake.data import partitions, zones
    from lake.running import corrections

    new = 0
    with tempfile.TemporaryDirectory(prefix="lake-corrections-") as folder:
        rows = corrections.write(aws, job, file, Path(folder))
        for dataset in (name for name in rows if (Path(folder) / name).exists()):
            files = zones.uploads(aws, dataset, [Path(folder) / dataset])
            storage = partitions.storage(aws, dataset)
            new += len([*zones.put(aws, files)])
            if storage:
                partitions.register(aws, dataset, storage, files)
    total = ", ".join(f"{count} rows of {dataset}" for dataset, count in rows.items())
    message = (
        f"{total} are in the raw zone. `lake run {job}` reads them"
        if new
        else f"{total} were sent before: nothing to do"
    )
    show({"job": job, "rows": rows, "new_files": new}, as_json, message)


def _allowed() -> str:
    return ", ".join(SUFFIXES)


def _shown(row: Rejected) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if name in SHOWN}


def _explain(aws: Aws, job: str, run_id: str, found: list[Rejected], count: int) -> None:
    from lake.running import quarantine

    if not count:
        more = quarantine.others(aws, job, run_id)
        hint = f". The run before it that did: `lake quarantine {job} --run {more[0]}`" if more else ""
        err.print(f"the run {run_id} of {job} rejected no rows{hint}", markup=False)
    elif len(found) < count:
        err.print(f"{len(found)} of {count} rows. `--rows N` shows more, `--export FILE` has all", markup=False)
    if any(row.raw is not None and row.line is None for row in found):
        err.print(
            "The line is unknown if a step rejected the row, or if its file has changed since, is over 200 MB, or "
            "does not have one record per line",
            markup=False,
        )

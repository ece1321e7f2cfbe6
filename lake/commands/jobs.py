"""Run jobs and workflows, and see what came of them."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands.base import AsJson, app
from lake.commands.output import err, on_no_terminal, out, progress_bar, table
from lake.errors import BadInput, LakeError
from lake.model import WorkflowStep

if TYPE_CHECKING:
    from lake.aws import Aws


@app.command()
def run(
    context: typer.Context,
    job: Annotated[str | None, typer.Argument(help="A job of lake.yaml.")] = None,
    workflow: Annotated[str | None, typer.Option(help="A workflow of lake.yaml, in place of a job.")] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Of an incremental job: make its table anew, from all files.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a Glue job to its end and show its report, or a workflow and show how its crawlers and jobs went."""
    if (job is None) == (workflow is None):
        raise BadInput("name a job, or a workflow with --workflow")
    if workflow and full_refresh:
        raise BadInput("--full-refresh is for a job. Run it alone, before the workflow")
    aws: Aws = context.obj.aws()
    if workflow:
        _run_workflow(aws, workflow, as_json)
    elif job:
        _run_job(aws, job, full_refresh, as_json)


def _run_workflow(aws: Aws, workflow: str, as_json: bool) -> None:
    from lake import workflows

    total = sum(len(step.crawl) + len(step.run) for step in _steps(aws, workflow))
    with progress_bar() as progress:
        task = progress.add_task(workflow, total=total)

        def show(action: workflows.Action) -> None:
            underway = action.state in ("STARTING", "RUNNING")
            progress.update(task, advance=0 if underway else 1, description=f"{action.part}: {action.state.lower()}")
            on_no_terminal(f"{action.part}: {action.state.lower()}")

        actions = workflows.run(aws, workflow, show)
    table([asdict(action) for action in actions], as_json)
    if told := workflows.failure(workflow, actions):
        raise LakeError(told)


def _steps(aws: Aws, workflow: str) -> list[WorkflowStep]:
    found = aws.lake.config.workflows.get(workflow)
    return found.steps if found else []


def _run_job(aws: Aws, job: str, full_refresh: bool, as_json: bool) -> None:
    from lake import jobs

    with progress_bar() as progress:
        task = progress.add_task(f"{job}: starting", total=None)
        show = lambda state: progress.update(task, description=f"{job}: {state.lower()}")  # noqa: E731
        report = jobs.run(aws, job, show, full_refresh=full_refresh)
    if as_json:
        out.print_json(json.dumps(report))
        return
    table(
        [{key: value for key, value in report.items() if not isinstance(value, list | dict)}],
        False,
        upright=True,
    )
    for line in report.get("expectations", []):
        if line["outcome"] == "Failed":
            said = "out of range" if line["failed"] is None else f"{line['failed']} of {line['judged']} rows fail"
            err.print(f"{line['otherwise']}: {line['rule']}: {said}", markup=False)


@app.command()
def quality(
    context: typer.Context,
    job: Annotated[str | None, typer.Argument(help="Of one job; all when none is named.")] = None,
    as_json: AsJson = False,
) -> None:
    """What came of each rule of `expect` in the last run. Exit code 1 if a rule that may fail a run did."""
    from lake import quality as results

    found = results.last_results(context.obj.aws(), job)
    table(found, as_json)
    if any((line["outcome"], line["otherwise"]) == ("Failed", "fail") for line in found):
        raise typer.Exit(1)


@app.command("evaluate-matches")
def evaluate_matches(
    context: typer.Context,
    job: str,
    labels: Annotated[Path | None, typer.Option(help="CSV as of FindMatches: labeling_set_id,label,COLUMNS.")] = None,
    truth: Annotated[str | None, typer.Option(help="In place of labels: the column that holds the truth.")] = None,
    rows: Annotated[
        Path | None, typer.Option(help="CSV, JSON or Parquet file of the records. Without it, Athena reads the source.")
    ] = None,
    plot: Annotated[Path, typer.Option(help="Where to draw the distribution of match weights.")] = Path("matches.png"),
    as_json: AsJson = False,
) -> None:
    """Precision, recall and F1 of a job's find_matches, computed on this machine."""
    from lake import matches

    with tempfile.TemporaryDirectory(prefix="lake-matches-") as folder:
        rows = rows or matches.fetch(context.obj.aws(), job, Path(folder))
        result = matches.evaluate(context.obj.lake(), job, rows=rows, truth=truth, labels=labels, plot=plot)
    if as_json:
        out.print_json(json.dumps(result))
        return
    by_threshold = result.pop("by_threshold")
    table([result], False, upright=True)
    table(by_threshold, False)
    out.print(f"Match weights: {plot}", markup=False)

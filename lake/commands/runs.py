"""Runs jobs and workflows, follows and stops their runs, and shows their logs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lake.commands.base import AsJson, app
from lake.commands.output import err, on_no_terminal, out, progress_bar, show, states, table
from lake.errors import BadInput, LakeError

if TYPE_CHECKING:
    from lake.aws import Aws

RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run id, or its beginning. See `lake runs`.")]


@app.command()
def run(
    context: typer.Context,
    job: Annotated[str | None, typer.Argument(help="A job of lake.yaml.")] = None,
    workflow: Annotated[str | None, typer.Option(help="A workflow of lake.yaml, instead of a job.")] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="For an incremental job: rebuild its table from all files.")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Print the run id and do not wait.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a job or a workflow, wait until it ends, and show its report."""
    if (job is None) == (workflow is None):
        raise BadInput("name a job, or a workflow with --workflow")
    if workflow and full_refresh:
        raise BadInput("--full-refresh is only for jobs. Run the job with it before the workflow")
    from lake.running import jobs, workflows

    aws: Aws = context.obj.aws()
    kind, name = ("workflow", workflow) if workflow else ("job", job or "")
    run_id = workflows.start(aws, name) if workflow else jobs.start(aws, name, full_refresh=full_refresh)
    if detach:
        show({kind: name, "run_id": run_id}, as_json, run_id)
    else:
        _to_its_end(aws, kind, name, run_id, as_json)


@app.command()
def runs(
    context: typer.Context,
    job: Annotated[str | None, typer.Argument(help="A job of lake.yaml. Default: all.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many runs.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the last runs of jobs, newest first, whoever started them."""
    from lake.running import runs as runs_

    aws: Aws = context.obj.aws()
    found = runs_.records(aws, runs_.newest(aws, job, limit))
    if as_json or found:
        table(found if as_json else _narrow(found, runs_.SHORT), as_json)
    else:
        err.print(f"{job or 'no job'} has {'never ' if job else ''}run yet", markup=False)


@app.command()
def attach(context: typer.Context, run: RunId, as_json: AsJson = False) -> None:
    """Follow a run until it ends, whoever started it, and show its report."""
    from lake.running import runs

    aws: Aws = context.obj.aws()
    found = runs.find(aws, run)
    _to_its_end(aws, found.kind, found.name, found.id, as_json)


@app.command()
def stop(context: typer.Context, run: RunId, as_json: AsJson = False) -> None:
    """Stop a run of a job or a workflow, and wait until it ends. It publishes nothing more."""
    from lake.running import jobs, runs, workflows

    aws: Aws = context.obj.aws()
    found = runs.find(aws, run)
    runs.stop(aws, found)
    with states() as tell:
        if found.kind == "job":
            state = jobs.wait(aws, found.name, found.id, lambda *at: tell(found.name, *at))["JobRunState"]
        else:
            workflows.follow(aws, found.name, found.id, lambda action: tell(action.part, action.state, ""))
            state = "STOPPED"
    done = {"run_id": found.id, found.kind: found.name, "state": state}
    show(done, as_json, f"the run {found.id} of {found.name} is {state}")


@app.command()
def logs(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A job, a dataset with a crawler, or a stream of lake.yaml.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Continue until the run or the crawl has ended.")
    ] = False,
    run: Annotated[str | None, typer.Option(help="For a job: a run id, or its beginning.")] = None,
    last: Annotated[int, typer.Option("-n", "--lines", min=1, help="How many lines to show, from the end.")] = 100,
    of: Annotated[
        Literal["job", "crawler", "stream"] | None,
        typer.Option(help="job, crawler or stream, if the name is ambiguous."),
    ] = None,
) -> None:
    """Show the log of a job's last run, a crawler's last crawl, or a stream's delivery and application."""
    from lake.running import logs

    aws: Aws = context.obj.aws()
    log = logs.find(aws, name, of, run)
    found = 0
    for line in logs.follow(aws, log, last) if follow else logs.lines(aws, log, last):
        found += 1
        out.print(f"{line.at:%H:%M:%S} {line.source:<7} {line.text}", markup=False)
    if not found:
        raise LakeError(log.nothing)


def _narrow(found: list[dict[str, Any]], characters: int) -> list[dict[str, Any]]:
    """The runs for a terminal: short ids, times without year and seconds, and errors only if there are any."""
    short = [line | {"run_id": line["run_id"][:characters], "started": line["started"][5:16]} for line in found]
    empty = {"error"} if not any(line["error"] for line in found) else set()
    return [{name: value for name, value in line.items() if name not in empty} for line in short]


def _to_its_end(aws: Aws, kind: str, name: str, run_id: str, as_json: bool) -> None:
    if kind == "workflow":
        _follow_workflow(aws, name, run_id, as_json)
    else:
        _follow_job(aws, name, run_id, as_json)


def _follow_workflow(aws: Aws, workflow: str, run_id: str, as_json: bool) -> None:
    from lake.running import workflows

    total = sum(len(step.crawl) + len(step.run) for step in aws.lake.config.workflows[workflow].steps)
    with progress_bar() as progress:
        task = progress.add_task(workflow, total=total)

        def tell(action: workflows.Action) -> None:
            underway = action.state in ("STARTING", "RUNNING")
            progress.update(task, advance=0 if underway else 1, description=f"{action.part}: {action.state.lower()}")
            on_no_terminal(f"{action.part}: {action.state.lower()}")

        actions = workflows.follow(aws, workflow, run_id, tell)
    table([asdict(action) for action in actions], as_json)
    if reasons := workflows.failure(workflow, actions):
        raise LakeError(reasons)


def _follow_job(aws: Aws, job: str, run_id: str, as_json: bool) -> None:
    from lake.running import jobs

    with states() as tell:
        report = jobs.follow(aws, job, run_id, lambda *at: tell(job, *at))
    if as_json:
        out.print_json(json.dumps(report))
    else:
        table([_shown(report)], False, upright=True)
    _warn(report)


def _shown(report: dict[str, Any]) -> dict[str, Any]:
    """A report's figures for a table: without its lists, except the number of null casts per column."""
    nulls = [line for line in report.get("cast_nulls", []) if line["nulls"]]
    nulls_made = ", ".join(f"{line['column']} {line['nulls']} of {line['values']}" for line in nulls)
    figures = {name: value for name, value in report.items() if not isinstance(value, list | dict)}
    return figures | ({"cast_nulls": nulls_made} if nulls_made else {})


def _warn(report: dict[str, Any]) -> None:
    """Print the warnings of a report."""
    for line in report.get("expectations", []):
        if line["outcome"] == "Failed":
            verdict = "out of range" if line["failed"] is None else f"{line['failed']} of {line['judged']} rows fail"
            err.print(f"{line['otherwise']}: {line['rule']}: {verdict}", markup=False)
    for warning in report.get("warnings", []):
        err.print(warning, markup=False, style="yellow")

"""The `lake` command."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from lake.config import ConfigError, Lake, load
from lake.errors import BadInput, LakeError
from lake.model import WorkflowStep
from lake.names import STACKS

if TYPE_CHECKING:
    from lake.aws import Aws
    from lake.terraform import OnProgress
    from lake.terraform import Progress as StackProgress

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Deploy, fill, query and take down the data lake that lake.yaml describes. LAKE_ENV chooses the environment.",
)
local = typer.Typer(no_args_is_help=True, help="The embedded AWS on this machine.")
app.add_typer(local, name="local")
connect = typer.Typer(no_args_is_help=True, help="What other tools need to read the lake. Only prints.")
app.add_typer(connect, name="connect")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Stacks = Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(STACKS)}; all when none is named.")]


@dataclass(frozen=True)
class Settings:
    """The options before the command."""

    file: Path | None
    env: str | None

    def lake(self) -> Lake:
        return load(self.file, self.env)

    def aws(self) -> Aws:
        """The environment's AWS; its login is checked at once."""
        from lake.aws import Aws  # boto3 takes half a second, which `lake check` does not need

        aws = Aws(self.lake())
        _ = aws.names
        return aws


@app.callback()
def settings(
    context: typer.Context,
    file: Annotated[Path | None, typer.Option(help="Another lake.yaml.")] = None,
    env: Annotated[str | None, typer.Option(help="An environment of lake.yaml, in place of LAKE_ENV.")] = None,
) -> None:
    context.obj = Settings(file, env)


@app.command()
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """Validate lake.yaml alone. Exit code 2 when it cannot be used."""
    from lake.rules import warnings

    lake = context.obj.lake()
    for warning in warnings(lake.config):
        err.print(f"warning: {warning}", markup=False, style="yellow")
    config = lake.config
    parts = ("environments", "connections", "datasets", "workflows", "streams")
    counts = {part: len(getattr(config, part)) for part in parts} | {"jobs": len(config.every_job)}
    _show(
        {"project": config.project, "environment": lake.env, **counts},
        as_json,
        f"{lake.file.name} is good: project {config.project}, environment {lake.env}, "
        + ", ".join(f"{count} {part}" for part, count in counts.items()),
    )


@app.command()
def up(context: typer.Context, stacks: Stacks = None) -> None:
    """Deploy stacks, in a sensible order. Interrupted, it goes on when run again."""
    aws: Aws = context.obj.aws()
    from lake import lifecycle

    with _stack_progress("Deploying") as on_progress:
        lifecycle.up(aws, stacks or [], on_progress)
    out.print(f"{aws.names.prefix} is up")


@app.command()
def down(
    context: typer.Context,
    stacks: Stacks = None,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Yes, also the data: empty the zones and destroy storage.")
    ] = False,
) -> None:
    """Destroy stacks, in a sensible order. Data needs two keys: `destroyable: true` and --delete-data (or a yes)."""
    aws: Aws = context.obj.aws()
    from lake import lifecycle

    if "storage" in lifecycle.check_stacks(stacks or []) and aws.lake.environment.destroyable:
        _need_second_key(aws, delete_data)
    with _stack_progress("Destroying") as on_progress:
        lifecycle.down(aws, stacks or [], on_progress)
    out.print(f"{aws.names.prefix} is down: {', '.join(stacks or STACKS)}")


def _need_second_key(aws: Aws, delete_data: bool) -> None:
    if delete_data:
        return
    if not sys.stdin.isatty():
        raise BadInput(
            f"this deletes all data of {aws.names.prefix}. Say so with --delete-data, "
            f"or keep the data: `lake down catalog etl athena streaming`"
        )
    typer.confirm(f"This deletes all data of {aws.names.prefix}. Go on?", abort=True)


@app.command()
def put(
    context: typer.Context,
    dataset: str,
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders that hold the partition folders.")],
    as_json: AsJson = False,
) -> None:
    """Upload files of a dataset into the raw zone, and register the partitions of a declared table."""
    aws: Aws = context.obj.aws()
    from lake import partitions, zones

    files = zones.uploads(aws, dataset, paths)
    storage = partitions.storage(aws, dataset)
    size = sum(upload.file.stat().st_size for upload in files)
    with _progress() as progress:
        task = progress.add_task(f"Uploading {dataset}", total=len(files))
        for _ in zones.put(aws, files):
            progress.advance(task)
    done: dict[str, Any] = {"dataset": dataset, "files": len(files), "bytes": size}
    sentence = f"{dataset}: {len(files)} files, {_bytes(size)}"
    if storage:
        done["new_partitions"] = partitions.register(aws, dataset, storage, files)
        sentence += f", {done['new_partitions']} new partitions"
    _show(done, as_json, sentence)


@app.command()
def crawl(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="Datasets; all that have a crawler when none is named. With --dry-run also s3:// or folders."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what a first crawl would find; deploy nothing.")
    ] = False,
    like: Annotated[str | None, typer.Option("--like", help="With --dry-run: crawl as this dataset's crawler.")] = None,
    sample: Annotated[int, typer.Option(min=0, help="With --dry-run: files a folder; 0 for all.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Run crawlers and wait: tables, columns and partitions as they are found."""
    if dry_run:
        _dry_run(context.obj, targets or [], like, sample, as_json)
        return
    if like or sample:
        raise BadInput("--like and --sample are only for --dry-run")
    aws: Aws = context.obj.aws()
    from lake import catalog

    chosen = targets or catalog.crawled_datasets(aws)
    with _progress() as progress:
        task = progress.add_task("Crawling", total=len(chosen))
        crawled = catalog.crawl(aws, chosen, lambda _: progress.advance(task))
    _table([asdict(outcome) for outcome in crawled], as_json)
    if any(outcome.status != "SUCCEEDED" for outcome in crawled):
        raise typer.Exit(1)


def _dry_run(settings: Settings, targets: list[str], like: str | None, sample: int, as_json: bool) -> None:
    from lake import dry_run

    found = [dry_run.crawl(settings.lake, settings.aws, target, like, sample) for target in targets]
    if not found:
        raise BadInput("--dry-run needs a dataset, an s3:// prefix or a folder")
    tables = [table for crawled in found for table in crawled["tables"]]
    for warning in [warning for crawled in found for warning in crawled["warnings"]]:
        err.print(warning, markup=False, style="yellow")
    if as_json:
        out.print_json(
            json.dumps({"tables": tables, "warnings": [w for crawled in found for w in crawled["warnings"]]})
        )
        return
    for table in tables:
        _table([dry_run.summary(table)], False, upright=True)
        _table(dry_run.lines(table), False)


@app.command()
def secret(
    context: typer.Context,
    connection: str,
    username: Annotated[str | None, typer.Option(help="The database user; asked for when it is not given.")] = None,
) -> None:
    """Give a connection its user and password: asked for, or the password as one line of stdin."""
    aws: Aws = context.obj.aws()
    from lake import connections

    if sys.stdin.isatty():
        username = username or typer.prompt("User")
        password = typer.prompt("Password", hide_input=True)
    elif username:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        raise BadInput("without a terminal, give --username, and the password as one line of stdin")
    name = connections.put_secret(aws, connection, username or "", password)
    out.print(f"{connection}: user {username} and a password are in the secret {name}", markup=False)


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
    with _progress() as progress:
        task = progress.add_task(workflow, total=total)

        def show(action: workflows.Action) -> None:
            underway = action.state in ("STARTING", "RUNNING")
            progress.update(task, advance=0 if underway else 1, description=f"{action.part}: {action.state.lower()}")
            _on_no_terminal(f"{action.part}: {action.state.lower()}")

        actions = workflows.run(aws, workflow, show)
    _table([asdict(action) for action in actions], as_json)
    if told := workflows.failure(workflow, actions):
        raise LakeError(told)


def _steps(aws: Aws, workflow: str) -> list[WorkflowStep]:
    found = aws.lake.config.workflows.get(workflow)
    return found.steps if found else []


def _run_job(aws: Aws, job: str, full_refresh: bool, as_json: bool) -> None:
    from lake import jobs

    with _progress() as progress:
        task = progress.add_task(f"{job}: starting", total=None)
        show = lambda state: progress.update(task, description=f"{job}: {state.lower()}")  # noqa: E731
        report = jobs.run(aws, job, show, full_refresh=full_refresh)
    if as_json:
        out.print_json(json.dumps(report))
        return
    _table(
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
    _table(found, as_json)
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
    _table([result], False, upright=True)
    _table(by_threshold, False)
    out.print(f"Match weights: {plot}", markup=False)


@app.command()
def query(
    context: typer.Context,
    statement: Annotated[str, typer.Argument(help="SQL, or with --name the name of a named query.")],
    name: Annotated[bool, typer.Option("--name", help="Run a named query of the workgroup.")] = False,
    database: Annotated[str, typer.Option(help="raw, curated or streams: where unqualified tables are.")] = "curated",
    as_json: AsJson = False,
) -> None:
    """Ask Athena. Prints the rows, and how many bytes were scanned."""
    aws: Aws = context.obj.aws()
    from lake import sql

    answer = sql.query(aws, sql.named(aws, statement) if name else statement, database)
    if as_json:
        out.print_json(
            json.dumps({"rows": answer.records(), "bytes_scanned": answer.scanned, "seconds": answer.seconds})
        )
        return
    _table(answer.records(), False)
    rows = f"{len(answer.rows)} row{'' if len(answer.rows) == 1 else 's'}"
    err.print(f"[dim]{rows}, {_bytes(answer.scanned)} scanned, {answer.seconds:.1f} s, {answer.output}[/dim]")


@app.command()
def send(
    context: typer.Context,
    stream: str,
    file: Annotated[Path, typer.Argument(help="JSON lines, an event each.")],
    rate: Annotated[float, typer.Option(min=0.1, help="Events a second.")] = 100.0,
    limit: Annotated[int | None, typer.Option(min=1, help="Send no more than this many.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send events into Kinesis at a rate."""
    aws: Aws = context.obj.aws()
    from lake import events

    sent = 0
    with _progress() as progress:
        task = progress.add_task(f"Sending to {stream}", total=limit)
        for sent in events.send(aws, stream, file, rate, limit):
            progress.update(task, completed=sent)
    _show({"stream": stream, "events": sent}, as_json, f"{stream}: {sent} events sent")


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """What is deployed, and its state."""
    aws: Aws = context.obj.aws()
    from lake.status import status as lines

    _table([asdict(line) for line in lines(aws)], as_json)


@app.command()
def leftovers(context: typer.Context, as_json: AsJson = False) -> None:
    """Everything of this lake that still exists. Exit code 1 if there is anything."""
    aws: Aws = context.obj.aws()
    from lake import leftovers as search

    found, pending, secrets = search.leftovers(aws), search.pending_keys(aws), search.pending_secrets(aws)
    if as_json:
        document = {"leftovers": [asdict(left) for left in found], "pending_keys": pending, "pending_secrets": secrets}
        out.print_json(json.dumps(document))
    else:
        _table([asdict(left) for left in found], False)
        out.print(f"{len(found)} left of {aws.names.prefix}")
        for key in pending:
            err.print(f"[dim]KMS key {key}: AWS waits before it deletes a key; it costs nothing[/dim]")
        for waiting in secrets:
            err.print(f"[dim]secret {waiting}: AWS waits before it deletes a secret; it costs nothing[/dim]")
    if found:
        raise typer.Exit(1)


@connect.command("redshift")
def connect_redshift(context: typer.Context, as_json: AsJson = False) -> None:
    """The SQL of Redshift Spectrum's external schemas, and the role that they name."""
    aws: Aws = context.obj.aws()
    from lake.redshift import spectrum

    found = spectrum(aws.names, aws.lake.config)
    if as_json:
        out.print_json(json.dumps(asdict(found)))
        return
    out.print(f"-- In Redshift, as a user who may create schemas:\n\n{found.sql}\n", markup=False)
    out.print(f"# The role, attached to the cluster or the workgroup:\n\n{found.commands()}", markup=False)


@local.command("start")
def local_start(context: typer.Context) -> None:
    """Start the embedded AWS at the environment's endpoint."""
    from lake.local import LocalAws

    aws = LocalAws.of(context.obj.lake())
    started = aws.start()
    out.print(f"{aws.endpoint}: {'started' if started else 'runs already'}, process {aws.pid()}")


@local.command("stop")
def local_stop(context: typer.Context) -> None:
    """Stop it. Its data stays for the next start."""
    from lake.local import LocalAws

    aws = LocalAws.of(context.obj.lake())
    out.print(f"{aws.endpoint}: {'stopped' if aws.stop() else 'did not run'}")


@local.command("status")
def local_status(context: typer.Context, as_json: AsJson = False) -> None:
    """Does it run? Exit code 1 if not."""
    from lake.local import LocalAws

    aws = LocalAws.of(context.obj.lake())
    pid = aws.pid()
    state = f"runs, process {pid}" if pid else "does not run"
    _show(
        {"endpoint": aws.endpoint, "pid": pid, "folder": str(aws.folder)},
        as_json,
        f"{aws.endpoint}: {state}; its data is in {aws.folder}",
    )
    if pid is None:
        raise typer.Exit(1)


@local.command("logs")
def local_logs(context: typer.Context, lines: Annotated[int, typer.Option("-n", help="From the end.")] = 50) -> None:
    """The end of its log."""
    from lake.local import LocalAws

    out.print(LocalAws.of(context.obj.lake()).log_tail(lines), markup=False)


@local.command("store")
def local_store(context: typer.Context, as_json: AsJson = False) -> None:
    """Everything it holds, of every service."""
    from lake.local import LocalAws

    store = LocalAws.of(context.obj.lake()).store()
    _table([{"place": place, "key": key} for place, keys in store.items() for key in keys], as_json)


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        yield progress


@contextmanager
def _stack_progress(verb: str) -> Iterator[OnProgress]:
    """A bar per stack on a terminal, else a line when a stack is begun and one when it is done."""
    tasks: dict[str, TaskID] = {}
    with _progress() as progress:

        def show(stack: StackProgress) -> None:
            if stack.stack not in tasks:
                tasks[stack.stack] = progress.add_task(f"{verb} {stack.stack}", total=None)
                _on_no_terminal(f"{verb} {stack.stack}")
            total = stack.total if stack.finished else stack.total or None
            progress.update(tasks[stack.stack], total=total, completed=stack.done)
            if stack.finished:
                _on_no_terminal(f"{stack.stack}: {stack.done} of {stack.total} changes made")

        yield show


def _on_no_terminal(line: str) -> None:
    if not err.is_terminal:
        err.print(line, markup=False)


def _show(document: dict[str, Any], as_json: bool, sentence: str) -> None:
    if as_json:
        out.print_json(json.dumps(document))
    else:
        out.print(sentence, markup=False)


def _table(records: list[dict[str, Any]], as_json: bool, *, upright: bool = False) -> None:
    if as_json:
        out.print_json(json.dumps(records))
        return
    if not records:
        return
    if upright:
        records = [{"field": key, "value": value} for key, value in records[0].items()]
    table = Table()
    for column in records[0]:
        table.add_column(column, overflow="fold")
    for record in records:
        table.add_row(*(escape("" if value is None else str(value)) for value in record.values()))
    out.print(table)


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return ""


def main() -> None:
    """Run the command. Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    try:
        app()
    except ConfigError as error:
        _fail(str(error), 2)
    except LakeError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("botocore", "boto3"):
            raise
        _fail(f"AWS: {error}", 1)


def _fail(message: str, code: int) -> None:
    err.print(message, markup=False, style="red")
    raise SystemExit(code)

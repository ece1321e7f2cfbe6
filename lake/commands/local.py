"""The embedded AWS on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from lake.commands.base import AsJson, local
from lake.commands.output import out, show, table


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
    """Does it run, and answer? Exit code 1 if not."""
    from lake.local import LocalAws

    aws = LocalAws.of(context.obj.lake())
    pid = aws.pid()
    answers = pid is not None and aws.answers()
    silent = "" if answers else " and does not answer: `lake local logs` may say why"
    state = f"runs, process {pid}{silent}" if pid else "does not run"
    show(
        {"endpoint": aws.endpoint, "pid": pid, "answers": answers, "folder": str(aws.folder)},
        as_json,
        f"{aws.endpoint}: {state}; its data is in {aws.folder}",
    )
    if not answers:
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
    table([{"place": place, "key": key} for place, keys in store.items() for key in keys], as_json)

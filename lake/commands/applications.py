"""Starts, stops and inspects the Flink application of a stream."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands.base import AsJson
from lake.commands.output import err, show, states, table
from lake.commands.stream import stream

if TYPE_CHECKING:
    from lake.aws import Aws

StreamName = Annotated[str, typer.Argument(metavar="STREAM", help="A stream with windows.")]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Start without state. Open windows and the position in the stream are lost.")
]
Savepoint = Annotated[str | None, typer.Option(help="Start from this savepoint instead of the newest.")]


@stream.command()
def start(
    context: typer.Context, name: StreamName, fresh: Fresh = False, savepoint: Savepoint = None, as_json: AsJson = False
) -> None:
    """Start the application from its newest savepoint, and wait until it reads events.

    On the embedded AWS, the first start installs Flink if necessary: 700 MB, two to four minutes.
    """
    from lake.running import applications

    aws: Aws = context.obj.aws()
    with states() as tell:
        state = applications.start(aws, name, partial(tell, name), fresh=fresh, savepoint=savepoint)
    _show(name, state, as_json)


@stream.command()
def stop(
    context: typer.Context,
    name: StreamName,
    force: Annotated[bool, typer.Option("--force", help="Stop at once, without a savepoint.")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop the application with a savepoint, and wait until it has stopped."""
    from lake.running import applications

    aws: Aws = context.obj.aws()
    with states() as tell:
        state = applications.stop(aws, name, partial(tell, name), force=force)
    _show(name, state, as_json)


@stream.command()
def restart(context: typer.Context, name: StreamName, fresh: Fresh = False, as_json: AsJson = False) -> None:
    """Stop the application with a savepoint, and start it from that savepoint."""
    from lake.running import applications

    aws: Aws = context.obj.aws()
    with states() as tell:
        applications.stop(aws, name, partial(tell, name), force=False)
        state = applications.start(aws, name, partial(tell, name), fresh=fresh)
    _show(name, state, as_json)


def _show(name: str, state: str, as_json: bool) -> None:
    show({"stream": name, "state": state}, as_json, f"{name}: {state.lower()}")


@stream.command()
def status(context: typer.Context, name: StreamName, as_json: AsJson = False) -> None:
    """Show the application's state, and its CloudWatch metrics of the last ten minutes."""
    from lake.running import applications

    aws: Aws = context.obj.aws()
    table([{"what": what, "value": value} for what, value in applications.status(aws, name).items()], as_json)


@stream.command()
def savepoints(
    context: typer.Context,
    name: StreamName,
    take: Annotated[bool, typer.Option("--take", help="Take a savepoint now. The application keeps running.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the application's savepoints, newest first."""
    from lake.running import applications

    aws: Aws = context.obj.aws()
    if take:
        applications.take_savepoint(aws, name)
    found = applications.savepoints(aws, name)
    if as_json or found:
        table(found, as_json)
    else:
        err.print(f"{name} has no savepoint yet", markup=False)

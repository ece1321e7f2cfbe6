"""Sends events to streams, and watches streams."""

from __future__ import annotations

import json
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import TextColumn
from rich.table import Table

from lake.commands.base import AsJson, app
from lake.commands.output import BETWEEN, on_no_terminal, out, progress_bar, show
from lake.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.aws import Aws
    from lake.data.events import Event
    from lake.data.watching import Reading

DEFAULT_RATE = 100.0


@app.command()
def send(
    context: typer.Context,
    stream: Annotated[str, typer.Argument(help="A stream of lake.yaml.")],
    file: Annotated[Path, typer.Argument(help="A file with one JSON event per line.")],
    rate: Annotated[float | None, typer.Option(min=0.1, help="Events per second. Default: 100.")] = None,
    pace: Annotated[
        float | None,
        typer.Option(min=0.001, help="Instead of a rate: send by the event times, this many times as fast."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Send at most this many events.")] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue where the last send of this file stopped. No event is sent twice."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send events to a Kinesis stream, at a fixed rate or by the event times."""
    if rate and pace:
        raise BadInput("give --rate or --pace, not both")
    aws: Aws = context.obj.aws()
    from lake.data import sending

    sending.need_stream(aws, stream)
    sending.need_file(file)
    ledger = sending.Ledger(aws, stream)
    run = ledger.unfinished(file) if resume else ledger.begin(file)
    sender = sending.Sender(aws, stream, ledger, run)
    before, begun = run.done, time.monotonic()
    due = islice(_due(aws, stream, file, rate, pace, before), limit)
    _follow(sender.send(due), stream, limit)
    seconds, skipped = time.monotonic() - begun, before + len(sender.there)
    document = {"stream": stream, "events": sender.sent, "seconds": round(seconds, 1), "run": run.id}
    document |= {"skipped": skipped, "sent_again": sender.retried}
    earlier = f", {skipped} from an earlier send skipped" if skipped else ""
    show(document, as_json, f"{stream}: {sender.sent} events sent in {seconds:.1f} s{earlier}")


def _due(aws: Aws, stream: str, file: Path, rate: float | None, pace: float | None, start: int) -> Iterator[Event]:
    from lake.data import events

    if pace is None:
        return events.at_a_rate(file, rate or DEFAULT_RATE, start)
    return events.at_their_pace(file, events.time_column(stream, aws.lake.config.streams[stream]), pace, start)


def _follow(counts: Iterator[int], stream: str, limit: int | None) -> None:
    """Show progress: a bar on a terminal, else a line every 15 seconds."""
    shown = time.monotonic()
    with progress_bar(TextColumn("{task.completed:,} events"), TextColumn("{task.fields[speed]}")) as progress:
        task = progress.add_task(f"Sending to {stream}", total=limit, speed="")
        for sent in counts:
            speed = progress.tasks[0].speed or 0.0
            progress.update(task, completed=sent, speed=f"{speed:,.0f} a second")
            if time.monotonic() - shown >= BETWEEN:
                shown = time.monotonic()
                on_no_terminal(f"Sending to {stream}: {sent:,} events")


@app.command()
def watch(
    context: typer.Context,
    stream: Annotated[str, typer.Argument(help="A stream of lake.yaml.")],
    times: Annotated[
        int | None, typer.Option(min=1, help="Stop after this many readings. Default: continue until Ctrl-C.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch a stream: events in and out, lag of its consumers, late and malformed events, the newest file.

    Without a terminal, it prints a line per second; with --json, a document per second.
    """
    aws: Aws = context.obj.aws()
    from lake.data import sending, watching

    sending.need_stream(aws, stream)
    readings = islice(watching.readings(aws, stream), times)
    try:
        if out.is_terminal and not as_json:
            _live(stream, readings)
            return
        for reading in readings:
            out.print_json(json.dumps(reading), indent=None) if as_json else out.print(_line(reading), markup=False)
    except KeyboardInterrupt:
        return


def _live(stream: str, readings: Iterator[Reading]) -> None:
    from rich.live import Live

    with Live(console=out, auto_refresh=False) as live:
        for reading in readings:
            table = Table(title=stream, show_header=False)
            for name, value in reading.items():
                table.add_row(name.replace("_", " "), _shown(value))
            live.update(table, refresh=True)


def _line(reading: Reading) -> str:
    return "  ".join(f"{name} {_shown(value)}" for name, value in reading.items())


def _shown(value: float | str | None) -> str:
    """The value; a hyphen if it is not published."""
    return "-" if value is None else f"{value:,.0f}" if isinstance(value, float | int) else value

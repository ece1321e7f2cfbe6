"""Output of commands: sentences, tables, JSON, progress."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

if TYPE_CHECKING:
    from lake.deploying.progress import OnProgress
    from lake.deploying.progress import Progress as StackProgress

out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

SLOW_SECONDS = 15
"""Work that takes longer is shown by name, again after each such interval (seconds)."""
BAR_WIDTH = 80
"""The maximum width of a stack's name, bar, count and time, in characters."""


COPIED = {"run_id"}
"""Columns that users copy from. They are never wrapped, however narrow the terminal is."""
BETWEEN = 15.0
"""Seconds between two progress lines for one item, without a terminal."""


@contextmanager
def progress_bar(*far: ProgressColumn) -> Iterator[Progress]:
    """Bars on a terminal. `far` are the columns that show a task's progress, by default `done/total`."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *(far or (MofNCompleteColumn(),)),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        yield progress


@contextmanager
def states() -> Iterator[Callable[[str, str, str], None]]:
    """A callback for the states of long-running work: (name, state, progress).

    On a terminal, each name has a line that is updated. Otherwise, a line is printed when the state changes, and a
    progress line every 15 seconds.
    """
    tasks: dict[str, TaskID] = {}
    known: dict[str, tuple[str, str, float]] = {}
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn(),
        console=err, disable=not err.is_terminal,
    ) as progress:  # fmt: skip

        def show(what: str, state: str, far: str) -> None:
            line = f"{what}: {state.lower()}" + (f", {far}" if far else "")
            if what not in tasks:
                tasks[what] = progress.add_task(line, total=None)
            progress.update(tasks[what], description=line)
            before, shown, at = known.get(what, ("", "", 0.0))
            if state != before or (far != shown and time.monotonic() - at >= BETWEEN):
                on_no_terminal(line)
                known[what] = (state, far, time.monotonic())

        yield show


@contextmanager
def transfer(what: str, files: int, size: int) -> Iterator[Callable[[int], None]]:
    """A callback for the bytes of each completed file. Without a terminal, it prints a line every 15 seconds."""
    moved, done, last_shown = 0, 0, time.monotonic()
    with progress_bar(TextColumn("{task.fields[far]}")) as progress:
        task = progress.add_task(what, total=size or None, far="")

        def done_with(bytes_: int) -> None:
            nonlocal moved, done, last_shown
            moved, done = moved + bytes_, done + 1
            far = f"{done:,} of {files:,} files, {human_bytes(moved)} of {human_bytes(size)}"
            progress.update(task, completed=moved, far=far)
            if time.monotonic() - last_shown >= BETWEEN:
                last_shown = time.monotonic()
                on_no_terminal(f"{what}: {far}")

        yield done_with


@contextmanager
def stack_progress(verb: str) -> Iterator[OnProgress]:
    """A bar per stack on a terminal, else a line at its start, at its end, and for slow work."""
    tasks: dict[str, TaskID] = {}
    noted: dict[str, int] = {}
    slow: dict[str, str] = {}
    last_shown = time.monotonic()
    with progress_bar(MofNCompleteColumn(), TextColumn("{task.fields[slow]}")) as progress:

        def show(stack: StackProgress) -> None:
            nonlocal last_shown
            name, slow[stack.stack] = stack.stack, slow_work(stack)
            if name not in tasks:
                tasks[name] = progress.add_task(f"{verb} {name}", total=None, slow="")
                on_no_terminal(f"{verb} {name}")
            for note in stack.notes[noted.get(name, 0) :]:
                err.print(f"{name}: {note}", markup=False)
            noted[name] = len(stack.notes)
            total = stack.total if stack.finished else stack.total or None
            beside = escape(slow[name][: max(0, err.width - BAR_WIDTH)])
            progress.update(tasks[name], total=total, completed=stack.done, slow=beside)
            if time.monotonic() - last_shown > SLOW_SECONDS and (line := slowest(slow)):
                last_shown = time.monotonic()
                on_no_terminal(line)
            if stack.finished and not stack.skipped:
                on_no_terminal(f"{name}: {stack.done} of {stack.total} changes made")

        yield show


def slow_work(stack: StackProgress) -> str:
    """`40 s: aws_kinesis_stream.clicks`: what delays a stack; empty if nothing does."""
    if stack.slowest is None or stack.slowest[1] < SLOW_SECONDS:
        return ""
    return f"{stack.slowest[1]} s: {stack.slowest[0]}"


def slowest(slow: dict[str, str]) -> str:
    """`storage, 40 s: aws_kms_key.key (and 2 more)`: the slow work of the stack that started first."""
    # Each stack reports from its own thread, so the list is copied.
    working = [f"{stack}, {work}" for stack, work in list(slow.items()) if work]
    more = f" (and {len(working) - 1} more)" if working[1:] else ""
    return working[0] + more if working else ""


def say(line: str) -> None:
    err.print(line, markup=False)


def on_no_terminal(line: str) -> None:
    if not err.is_terminal:
        err.print(line, markup=False)


def show(document: dict[str, Any], as_json: bool, sentence: str) -> None:
    if as_json:
        out.print_json(json.dumps(document))
    else:
        out.print(sentence, markup=False)


def table(records: list[dict[str, Any]], as_json: bool, *, upright: bool = False) -> None:
    if as_json:
        out.print_json(json.dumps(records))
        return
    if not records:
        return
    if upright:
        records = [{"field": key, "value": value} for key, value in records[0].items()]
    table = Table()
    for column in records[0]:
        table.add_column(column, overflow="fold", no_wrap=column in COPIED)
    for record in records:
        table.add_row(*(escape("" if value is None else str(value)) for value in record.values()))
    out.print(table)


def rows(records: list[dict[str, Any]]) -> None:
    """Print rows of data: as a table, or as a block of lines per row if the table would be too wide."""
    if _width(records) <= out.width:
        table(records, False)
        return
    for number, record in enumerate(records, 1):
        out.rule(f"row {number}", align="left")
        longest = max(map(len, record))
        for name, value in record.items():
            out.print(f"{name:>{longest}}  {'' if value is None else value}", markup=False)


def _width(records: list[dict[str, Any]]) -> int:
    """The width of the records' table, in characters."""
    names = list(records[0]) if records else []
    cells = (max(len(name), *(len(str(record[name])) for record in records)) for name in names)
    return sum(cell + 3 for cell in cells) + 1


def human_bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return ""


def fail(message: str, code: int) -> None:
    err.print(message, markup=False, style="red")
    raise SystemExit(code)

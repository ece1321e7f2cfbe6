"""What commands print: sentences, tables, JSON, progress."""

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
    from lake.terraform import OnProgress
    from lake.terraform import Progress as StackProgress

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


COPIED = {"run_id"}
"""Columns that a person copies from: they stay in one piece however narrow the page is."""
BETWEEN = 15.0
"""Seconds between two lines about the progress of one thing, off a terminal."""


@contextmanager
def progress_bar(*done: ProgressColumn) -> Iterator[Progress]:
    """Bars on a terminal; `done` are the columns that say how far a task is, by default steps of steps."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *(done or (MofNCompleteColumn(),)),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        yield progress


@contextmanager
def states() -> Iterator[Callable[[str, str, str], None]]:
    """What to tell the states of long work to: (what it is about, its state, how far it is).

    On a terminal each has a line that changes. Off it, a line is printed when the state is another than before, and
    one about how far it is every 15 seconds.
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
            before, said, at = known.get(what, ("", "", 0.0))
            if state != before or (far != said and time.monotonic() - at >= BETWEEN):
                on_no_terminal(line)
                known[what] = (state, far, time.monotonic())

        yield show


@contextmanager
def transfer(what: str, files: int, size: int) -> Iterator[Callable[[int], None]]:
    """What to tell the bytes of each file to that is done. Off a terminal, how far it is is a line every 15 seconds."""
    moved, done, told = 0, 0, time.monotonic()
    with progress_bar(TextColumn("{task.fields[far]}")) as progress:
        task = progress.add_task(what, total=size or None, far="")

        def done_with(bytes_: int) -> None:
            nonlocal moved, done, told
            moved, done = moved + bytes_, done + 1
            far = f"{done:,} of {files:,} files, {human_bytes(moved)} of {human_bytes(size)}"
            progress.update(task, completed=moved, far=far)
            if time.monotonic() - told >= BETWEEN:
                told = time.monotonic()
                on_no_terminal(f"{what}: {far}")

        yield done_with


@contextmanager
def stack_progress(verb: str) -> Iterator[OnProgress]:
    """A bar per stack on a terminal, else a line when a stack is begun and one when it is done."""
    tasks: dict[str, TaskID] = {}
    with progress_bar() as progress:

        def show(stack: StackProgress) -> None:
            if stack.stack not in tasks:
                tasks[stack.stack] = progress.add_task(f"{verb} {stack.stack}", total=None)
                on_no_terminal(f"{verb} {stack.stack}")
            total = stack.total if stack.finished else stack.total or None
            progress.update(tasks[stack.stack], total=total, completed=stack.done)
            if stack.finished:
                on_no_terminal(f"{stack.stack}: {stack.done} of {stack.total} changes made")

        yield show


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

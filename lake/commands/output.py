"""What commands print: sentences, tables, JSON, progress."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from lake.terraform import OnProgress
    from lake.terraform import Progress as StackProgress

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def progress_bar() -> Iterator[Progress]:
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
        table.add_column(column, overflow="fold")
    for record in records:
        table.add_row(*(escape("" if value is None else str(value)) for value in record.values()))
    out.print(table)


def rows(records: list[dict[str, Any]]) -> None:
    """Rows of data; where their table would be wider than the page, a block of lines for each row."""
    if _width(records) <= out.width:
        table(records, False)
        return
    for number, record in enumerate(records, 1):
        out.rule(f"row {number}", align="left")
        longest = max(map(len, record))
        for name, value in record.items():
            out.print(f"{name:>{longest}}  {'' if value is None else value}", markup=False)


def _width(records: list[dict[str, Any]]) -> int:
    """Columns that the table of the records would take."""
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

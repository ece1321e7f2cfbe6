"""Shows the lake's tables, and deletes data."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lake.commands.base import AsJson, app
from lake.commands.output import err, human_bytes, out, progress_bar, show, table

if TYPE_CHECKING:
    from lake.aws import Aws
    from lake.data.tables import Table

ENDS = 3
"""The number of partitions shown from each end."""


@app.command()
def tables(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[TABLE]", help="A table, such as flights or raw.flights. Default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the tables with columns, partitions, files, bytes and format, or show one table in detail."""
    aws: Aws = context.obj.aws()
    from lake.data import tables as lake_tables

    found = lake_tables.tables(aws, name)
    if as_json:
        out.print_json(json.dumps([asdict(each) for each in found]))
    elif name:
        for each in found:
            _show(each)
    else:
        table([_readable(each.line()) for each in found], False)


def _readable(line: dict[str, Any]) -> dict[str, Any]:
    return line | {"bytes": None if line["bytes"] is None else human_bytes(line["bytes"])}


def _show(found: Table) -> None:
    names = found.partitions
    ends = [*names[:ENDS], "...", *names[-ENDS:]] if len(names) > 2 * ENDS else names
    such = {"such as": ", ".join(ends)} if names else {}
    table([_readable(found.line()) | such | {"location": found.location}], False, upright=True)
    columns = [{"column": name, "type": type_} for name, type_ in found.columns.items()]
    table(columns + [{"column": key, "type": f"{type_} (partition key)"} for key, type_ in found.keys.items()], False)


@app.command()
def rm(
    context: typer.Context,
    target: Annotated[str, typer.Argument(metavar="DATASET[/PREFIX]", help="A dataset, or a folder or file of it.")],
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Delete without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete objects of a dataset from the raw zone, with all versions. Also needs `destroyable: true`."""
    aws: Aws = context.obj.aws()
    from lake.data import removal
    from lake.deploying.two_keys import need_first_key, need_second_key

    plan = removal.planned(aws, target)
    place = f"s3://{aws.names.bucket('raw')}/{plan.folder}"
    what = f"{plan.files} files ({human_bytes(plan.size)}; {len(plan.versions)} versions) in {place}"
    need_first_key(aws, what)
    need_second_key(delete_data, what)
    with progress_bar() as progress:
        task = progress.add_task(f"Deleting {plan.folder}", total=len(plan.versions))
        for deleted in removal.remove(aws, plan):
            progress.advance(task, deleted)
    dropped = removal.drop_partitions(aws, plan)
    done = {"dataset": plan.dataset, "place": place, "files": plan.files, "bytes": plan.size}
    document = done | {"versions": len(plan.versions), "dropped_partitions": dropped}
    show(document, as_json, f"deleted {what}" + (f", and {dropped} partitions" if dropped is not None else ""))
    if aws.lake.config.datasets[plan.dataset].catalog == "crawled":
        err.print(f"The table changes only with the next crawl: `lake crawl {plan.dataset}`", markup=False)

"""Queries Athena, and shows other tools how to find the tables."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands.base import AsJson, app, connect
from lake.commands.output import err, human_bytes, out, rows, show

if TYPE_CHECKING:
    from lake.aws import Aws

SHOWN = 100
"""The maximum number of rows on a terminal."""


@app.command()
def query(
    context: typer.Context,
    statement: Annotated[str, typer.Argument(help="SQL, or with --name the name of a query.")],
    name: Annotated[bool, typer.Option("--name", help="Run a named query of the workgroup.")] = False,
    database: Annotated[
        str, typer.Option(help="raw, curated, streams or ml: the database of tables without one.")
    ] = "curated",
    output: Annotated[
        Path | None, typer.Option(help="Write the rows to FILE.csv or FILE.parquet, and overwrite it.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="On a terminal, show all rows instead of the first 100.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a query in Athena. Prints the rows, and the number of bytes scanned."""
    aws: Aws = context.obj.aws()
    from lake.data import sql

    if output:
        from lake.data import results

        results.check(output)
    most = 0 if output else SHOWN if out.is_terminal and not (all_ or as_json) else None
    answer = sql.query(aws, sql.named(aws, statement) if name else statement, database, most)
    if answer.note:
        err.print(f"note: {answer.note}", markup=False, style="yellow")
    cost = {"bytes_scanned": answer.scanned, "seconds": answer.seconds}
    costs = f"{human_bytes(answer.scanned)} scanned, {answer.seconds:.1f} s, {answer.output}"
    if output:
        size = results.save(aws, answer, output)
        show({"file": str(output), "bytes": size, **cost}, as_json, f"{output}: {human_bytes(size)}")
        err.print(costs, markup=False, style="dim")
        return
    if as_json:
        out.print_json(json.dumps({"rows": answer.values(), **cost}))
        return
    rows(answer.records())
    counted = f"{len(answer.rows)} row{'' if len(answer.rows) == 1 else 's'}"
    more = f"the first {counted}; --all shows all rows, --output FILE saves them" if answer.more else counted
    err.print(f"{more}, {costs}", markup=False, style="dim")


@connect.command("redshift")
def connect_redshift(context: typer.Context, as_json: AsJson = False) -> None:
    """Print the SQL of external schemas for Redshift Spectrum, and the IAM role that they need."""
    aws: Aws = context.obj.aws()
    from lake.data.redshift import spectrum

    found = spectrum(aws.names, aws.lake.config)
    if as_json:
        out.print_json(json.dumps(asdict(found)))
        return
    out.print(f"-- In Redshift, as a user who may create schemas:\n\n{found.sql}\n", markup=False)
    out.print(f"# The role, to attach to the cluster or the workgroup:\n\n{found.commands()}", markup=False)

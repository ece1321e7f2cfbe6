"""Ask Athena, and tell other tools where the tables are."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands.base import AsJson, app, connect
from lake.commands.output import err, human_bytes, out, table

if TYPE_CHECKING:
    from lake.aws import Aws


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
    table(answer.records(), False)
    rows = f"{len(answer.rows)} row{'' if len(answer.rows) == 1 else 's'}"
    err.print(f"[dim]{rows}, {human_bytes(answer.scanned)} scanned, {answer.seconds:.1f} s, {answer.output}[/dim]")


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

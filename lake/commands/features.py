"""Fill feature groups, and read them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands.base import AsJson, features
from lake.commands.output import err, out, show, states, table

if TYPE_CHECKING:
    from lake.aws import Aws

Group = Annotated[str, typer.Argument(help="A feature group of lake.yaml.")]


@features.command()
def ingest(
    context: typer.Context,
    group: Group,
    source: Annotated[str, typer.Option("--from", help="A table, or a SELECT of Athena, with the group's columns.")],
    database: Annotated[str, typer.Option(help="The database of its tables: raw, curated or streams.")] = "curated",
    as_json: AsJson = False,
) -> None:
    """Put the rows of a table into a feature group. They are checked before the first is put."""
    from lake.running import features as features_

    aws: Aws = context.obj.aws()
    with states() as tell:
        made = features_.ingest(aws, group, source, lambda *at: tell(group, *at), database)
    show(made, as_json, f"{group}: {made['records']:,} records are put. Athena reads them within 15 minutes")


@features.command()
def get(
    context: typer.Context,
    group: Group,
    identifier: Annotated[str, typer.Argument(help="The identifier of a record.")],
    as_json: AsJson = False,
) -> None:
    """Show the newest record of an identifier, from the online store."""
    from lake.running import features as features_

    found = features_.newest(context.obj.aws(), group, identifier)
    if as_json:
        out.print_json(json.dumps(found))
    elif found:
        table([found], False, upright=True)
    else:
        err.print(f"{group} has no record of {identifier}", markup=False)


@features.command()
def known(
    context: typer.Context,
    group: Group,
    at: Annotated[datetime, typer.Option(help="The time, in UTC.")],
    as_json: AsJson = False,
) -> None:
    """Show the newest record of each identifier at a time, from the offline store."""
    from lake.running import features as features_

    answer = features_.known(context.obj.aws(), group, at)
    table(answer.values() if as_json else answer.records(), as_json)

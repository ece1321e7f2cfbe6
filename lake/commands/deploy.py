"""Checks, deploys, inspects and destroys the lake."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands.base import AsJson, Stacks, app
from lake.commands.output import err, out, say, show, stack_progress, table

if TYPE_CHECKING:
    from lake.aws import Aws

PARTS = ("environments", "connections", "datasets", "workflows", "streams")
Wait = Annotated[bool, typer.Option("--wait", help="Wait if another `lake up`, `lake down` or Terraform is running.")]


@app.command()
def check(
    context: typer.Context,
    account: Annotated[
        bool, typer.Option("--account", help="Ask the account what it lacks: services, grants, ways out of VPCs.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check lake.yaml, without AWS. Exit code 2 if it has mistakes."""
    from lake.configuration import flink
    from lake.configuration.reading import ConfigError
    from lake.configuration.rules import warnings

    try:
        lake = context.obj.lake()
    except ConfigError as error:
        if not as_json:
            raise
        out.print_json(json.dumps({"problems": [asdict(trouble) for trouble in error.troubles]}))
        raise typer.Exit(2) from None
    if account:
        _check_account(context, as_json)
        return
    for warning in warnings(lake.config, lake.env):
        err.print(f"warning: {warning}", markup=False, style="yellow")
    if lacks := flink.missing(lake):
        err.print(f"warning: {lacks}", markup=False, style="yellow")
    config = lake.config
    counts = {part: len(getattr(config, part)) for part in PARTS} | {"jobs": len(config.every_job)}
    summary = ", ".join(f"{count} {part.removesuffix('s') if count == 1 else part}" for part, count in counts.items())
    whose = f" of {lake.user}" if lake.user else ""
    show(
        {"project": config.project, "environment": lake.env, **({"user": lake.user} if lake.user else {}), **counts},
        as_json,
        f"{lake.file.name} is valid: project {config.project}, environment {lake.env}{whose}, {summary}",
    )


def _check_account(context: typer.Context, as_json: bool) -> None:
    """Exit code 1 if the account lacks anything."""
    aws: Aws = context.obj.aws()
    from lake.deploying.account import missing

    found = missing(aws)
    table([asdict(one) for one in found], as_json)
    if not as_json:
        out.print(f"the account {aws.names.account} lacks {len(found) or 'nothing'} of what {aws.names.prefix} needs")
    if found:
        raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON Schema of lake.yaml, for editors: `lake schema > lake.schema.json`."""
    from lake.configuration.json_schema import json_schema

    print(json.dumps(json_schema(), indent=2))


@app.command()
def permissions(context: typer.Context, stacks: Stacks = None) -> None:
    """Print the IAM policies that whoever deploys needs, a person or CI: for `aws iam create-policy`.

    If all of it fits into one policy, that document is printed; else a JSON object of documents by policy name.
    """
    lake = context.obj.lake()
    from lake.deploying import permissions as needed
    from lake.deploying.lifecycle import check_stacks

    chosen = check_stacks(lake, stacks or ())
    types = {stack: found for stack, found in needed.types_of(lake).items() if stack in chosen}
    for type_ in needed.unknown(type_ for found in types.values() for type_ in found):
        err.print(f"warning: it is not known what {type_} asks for. Add that to the policy", style="yellow")
    found = needed.policies(lake, types)
    if len(found) > 1:
        err.print(f"{len(found)} documents by policy name, as IAM takes {needed.LONGEST:,} characters in each")
    print(json.dumps(found if len(found) > 1 else next(iter(found.values())), indent=1))


@app.command()
def up(
    context: typer.Context,
    stacks: Stacks = None,
    wait: Wait = False,
    plan_all: Annotated[
        bool, typer.Option("--all", help="Also plan stacks that are unchanged since their last apply.")
    ] = False,
) -> None:
    """Deploy stacks in the right order. After an interrupt or a kill, run it again to continue."""
    aws: Aws = context.obj.aws()
    from lake.deploying import lifecycle
    from lake.deploying.lock import alone

    lifecycle.check_stacks(aws.lake, stacks or [])
    with alone(aws.lake, "lake up", wait=wait, say=say) as lock, stack_progress("Deploying") as on_progress:
        lifecycle.up(aws, stacks or [], on_progress, lock, wait=wait, plan_all=plan_all)
    out.print(f"{aws.names.prefix} is up")


@app.command()
def plan(context: typer.Context, stacks: Stacks = None, wait: Wait = False, as_json: AsJson = False) -> None:
    """Show what `lake up` would change. Exit code 2 if there are changes."""
    _show_changes(context, stacks or [], wait, as_json, drift=False)


@app.command()
def drift(context: typer.Context, stacks: Stacks = None, wait: Wait = False, as_json: AsJson = False) -> None:
    """Show what has changed in AWS since the last apply. Exit code 2 if anything has."""
    _show_changes(context, stacks or [], wait, as_json, drift=True)


def _show_changes(context: typer.Context, stacks: list[str], wait: bool, as_json: bool, *, drift: bool) -> None:
    aws: Aws = context.obj.aws()
    from lake.deploying import lifecycle
    from lake.deploying.lock import alone

    lifecycle.check_stacks(aws.lake, stacks)
    command = "lake drift" if drift else "lake plan"
    with alone(aws.lake, command, wait=wait, say=say) as lock, stack_progress("Planning") as on_progress:
        planned = lifecycle.plan(aws, stacks, on_progress, lock, wait=wait, drift=drift)
    found = [(stack, change) for stack in aws.lake.config.stacks for change in planned.get(stack, [])]
    table([{"stack": stack, "action": change.action, "resource": change.resource} for stack, change in found], as_json)
    if not as_json:
        out.print(f"{aws.names.prefix}: {_summary([change.action for _, change in found], drift)}")
    if found:
        raise typer.Exit(2)


def _summary(actions: list[str], drift: bool) -> str:
    """`29 to create, 1 to update`"""
    if not actions:
        return "nothing has changed since the last apply" if drift else "nothing to change"
    counted = ", ".join(f"{count} to {action}" for action, count in sorted(Counter(actions).items()))
    return f"{len(actions)} changed since the last apply" if drift else counted


@app.command()
def down(
    context: typer.Context,
    stacks: Stacks = None,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Also delete the data: empty the zones and destroy storage.")
    ] = False,
    wait: Wait = False,
) -> None:
    """Destroy stacks in the right order. Deleting data needs `destroyable: true`, and --delete-data or a yes."""
    aws: Aws = context.obj.aws()
    from lake.deploying import lifecycle
    from lake.deploying.in_state import stacks_to_go
    from lake.deploying.lock import alone
    from lake.deploying.two_keys import need_second_key

    chosen = lifecycle.check_stacks(aws.lake, stacks or [], stacks_to_go(aws))
    if "storage" in chosen and aws.lake.environment.destroyable:
        keep = f", or keep the data: `lake down {' '.join(lifecycle.all_but_storage(aws))}`"
        need_second_key(delete_data, f"all data of {aws.names.prefix}", keep)
    with alone(aws.lake, "lake down", wait=wait, say=say) as lock, stack_progress("Destroying") as on_progress:
        lifecycle.down(aws, stacks or [], on_progress, lock, wait=wait)
    out.print(f"{aws.names.prefix} is down: {', '.join(chosen)}")


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what is deployed, and its state."""
    aws: Aws = context.obj.aws()
    from lake.deploying.status import status as lines

    if aws.lake.user and not as_json:
        out.print(f"{aws.names.prefix}: the personal environment {aws.lake.env} of {aws.lake.user}", markup=False)
    table([asdict(line) for line in lines(aws)], as_json)


@app.command()
def leftovers(context: typer.Context, as_json: AsJson = False) -> None:
    """List all resources of this lake that still exist. Exit code 1 if there are any."""
    aws: Aws = context.obj.aws()
    from lake.deploying import leftovers as search

    found, pending, secrets = search.leftovers(aws), search.pending_keys(aws), search.pending_secrets(aws)
    if as_json:
        document = {"leftovers": [asdict(left) for left in found], "pending_keys": pending, "pending_secrets": secrets}
        out.print_json(json.dumps(document))
    else:
        table([asdict(left) for left in found], False)
        paid = [left for left in found if left.costs != search.NOTHING]
        out.print(f"{len(found)} left of {aws.names.prefix}" + (f", {len(paid)} of them cost money" if paid else ""))
        if unknown := [left for left in found if not left.state]:
            say(
                f"{len(unknown)} are in no state: `lake up` adopts what the stacks declare, and `lake down` destroys "
                "it; crawled tables and logs go with their stack"
            )
        for key in pending:
            err.print(f"[dim]KMS key {key}: AWS delays the deletion of keys, at no cost[/dim]")
        for waiting in secrets:
            err.print(f"[dim]secret {waiting}: AWS delays the deletion of secrets, at no cost[/dim]")
    if found:
        raise typer.Exit(1)

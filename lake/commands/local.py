"""The embedded AWS on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands.base import AsJson, local
from lake.commands.output import out, show, table

if TYPE_CHECKING:
    from lake.embedded.local import LocalAws


OPEN = "Signatures are not checked: every program on this machine has access, with any keys"

ENFORCED = (
    "Refuse what IAM's policies do not allow: jobs, crawlers and streams act as their roles. Without either, it is as "
    "at the last start."
)


@local.command("start")
def local_start(
    context: typer.Context,
    is_open: Annotated[bool, typer.Option("--open", help=f"For demos. {OPEN}.")] = False,
    enforces_iam: Annotated[bool | None, typer.Option("--enforce-iam/--no-enforce-iam", help=ENFORCED)] = None,
) -> None:
    """Start the embedded AWS at the environment's endpoint."""
    from lake.embedded.local import LocalAws

    aws = LocalAws.of(context.obj.lake())
    started = aws.start(is_open=is_open, enforces_iam=enforces_iam)
    kept = ", as at the last start: --no-enforce-iam turns it off" if started and enforces_iam is None else ""
    how = f"{_openness(aws)}{kept if aws.enforces_iam() else ''}"
    out.print(f"{aws.endpoint}: {'started' if started else 'runs already'}, process {aws.pid()}{how}")


@local.command("stop")
def local_stop(context: typer.Context) -> None:
    """Stop the embedded AWS. It keeps its data for the next start."""
    from lake.embedded.local import LocalAws

    aws = LocalAws.of(context.obj.lake())
    out.print(f"{aws.endpoint}: {'stopped' if aws.stop() else 'not running'}")


@local.command("status")
def local_status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show whether the embedded AWS runs and answers. Exit code 1 if not."""
    from lake.embedded.local import LocalAws

    aws = LocalAws.of(context.obj.lake())
    aws.need_its_place()
    pid = aws.pid()
    answers = pid is not None and aws.answers()
    silent = "" if answers else ", but does not answer: see `lake local logs`"
    state = f"running, process {pid}{silent}" if pid else "not running"
    show(
        {
            "endpoint": aws.endpoint,
            "pid": pid,
            "answers": answers,
            "folder": str(aws.folder),
            "open": aws.is_open(),
            "enforces_iam": aws.enforces_iam(),
        },
        as_json,
        f"{aws.endpoint}: {state}; its data is in {aws.folder}{_openness(aws)}",
    )
    if not answers:
        raise typer.Exit(1)


@local.command("logs")
def local_logs(context: typer.Context, lines: Annotated[int, typer.Option("-n", help="How many lines.")] = 50) -> None:
    """Show the end of the embedded AWS's log."""
    from lake.embedded.local import LocalAws

    out.print(LocalAws.of(context.obj.lake()).log_tail(lines), markup=False)


@local.command("store")
def local_store(context: typer.Context, as_json: AsJson = False) -> None:
    """List everything that the embedded AWS stores, for every service."""
    from lake.embedded.local import LocalAws

    store = LocalAws.of(context.obj.lake()).store()
    table([{"place": place, "key": key} for place, keys in store.items() for key in keys], as_json)


@local.command("credentials")
def local_credentials(
    context: typer.Context,
    export: Annotated[
        bool, typer.Option("--export", help='Print commands for a shell: eval "$(lake local credentials --export)".')
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Print a profile PROJECT-ENVIRONMENT for ~/.aws/config.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the keys of the embedded AWS. No other command shows them."""
    from lake.embedded import credentials
    from lake.embedded.local import LocalAws

    lake = context.obj.lake()
    aws = LocalAws.of(lake)
    if export or profile:
        out.print(credentials.exported(lake) if export else credentials.profile(lake), markup=False)
        return
    keys = credentials.keys_of(lake)
    document = {"access_key_id": keys.id, "secret_access_key": keys.secret}
    document |= {"endpoint": aws.endpoint, "region": lake.environment.region}
    show(document, as_json, "\n".join(f"{name}: {value}" for name, value in document.items()))


def _openness(aws: LocalAws) -> str:
    if aws.enforces_iam():
        return ". IAM is enforced"
    return f". Open: {OPEN[0].lower()}{OPEN[1:]}" if aws.is_open() else ""

"""Make the bucket of Terraform's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands.base import app
from lake.commands.deploy import Wait
from lake.commands.output import out, say, stack_progress

if TYPE_CHECKING:
    from lake.aws import Aws


@app.command()
def bootstrap(
    context: typer.Context,
    back: Annotated[bool, typer.Option("--back", help="Move the state out of the bucket, into .state here.")] = False,
    wait: Wait = False,
) -> None:
    """Make the bucket for Terraform's state that lake.yaml names, and move the state of this checkout there."""
    aws: Aws = context.obj.aws()
    from lake.deploying import bootstrap as state
    from lake.deploying.lock import alone

    bucket = state.bucket_of(aws)
    with alone(aws.lake, "lake bootstrap", wait=wait, say=say) as lock, stack_progress("Deploying") as on_progress:
        if back:
            moved = state.move_back(aws)
        else:
            state.make(aws, on_progress, lock, wait=wait)
            moved = state.move_there(aws)
    what = f"moved {', '.join(moved)}" if moved else "there was nothing to move"
    if back:
        out.print(f".state holds the state of {aws.names.prefix}: {what}. Now remove `state` from lake.yaml")
    else:
        out.print(f"{bucket} holds the state of {aws.names.prefix}: {what}", markup=False)

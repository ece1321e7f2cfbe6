"""Commands for one stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands.base import AsJson, app
from lake.commands.output import out, show, table

if TYPE_CHECKING:
    from lake.aws import Aws

stream = typer.Typer(no_args_is_help=True, help="Check a stream, and run its Flink application.")
app.add_typer(stream, name="stream")


@stream.command()
def check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="STREAM", help="A stream of lake.yaml.")],
    as_json: AsJson = False,
) -> None:
    """Compare the events that `lake send` sent with Kinesis, Firehose's files, its error prefix, and Flink's counts.

    It lists missing events by their lines in the sent file. Exit code 1 if any are missing.
    """
    aws: Aws = context.obj.aws()
    from lake.data import sending, stream_check

    sending.need_stream(aws, name)
    found = stream_check.check(aws, name)
    if as_json:
        show(found.document(), True, "")
    else:
        table(found.lines(), False)
        for sentence in found.missing:
            out.print(sentence, markup=False)
        if found.note:
            out.print(found.note, markup=False)
        out.print("exact" if found.is_exact else f"{name}: incomplete", markup=False)
    if not found.is_exact:
        raise typer.Exit(1)

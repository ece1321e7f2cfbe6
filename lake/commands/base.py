"""What all commands share: the app, the global options, and the environment's AWS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lake import __version__
from lake.configuration.names import EVERY_STACK

if TYPE_CHECKING:
    from lake.aws import Aws
    from lake.configuration.reading import Lake

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Deploy, fill, query and destroy the data lake that lake.yaml describes. LAKE_ENV chooses the environment.",
)
local = typer.Typer(no_args_is_help=True, help="The embedded AWS on this machine.")
app.add_typer(local, name="local")
connect = typer.Typer(no_args_is_help=True, help="Print what other tools need to read the lake.")
app.add_typer(connect, name="connect")
dataset = typer.Typer(no_args_is_help=True, help="Training sets.")
app.add_typer(dataset, name="dataset")
features = typer.Typer(no_args_is_help=True, help="Feature groups.")
app.add_typer(features, name="features")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Stacks = Annotated[
    list[str] | None,
    typer.Argument(help=f"Any of {', '.join(EVERY_STACK)}. Default: all."),
]


@dataclass(frozen=True)
class Settings:
    """The global options, which come before the command."""

    file: Path | None
    env: str | None

    def lake(self) -> Lake:
        from lake.configuration.reading import load  # the model takes a quarter of a second, which --help need not wait

        return load(self.file, self.env)

    def aws(self) -> Aws:
        """The environment's AWS, with its login checked."""
        from lake.embedded.local import LocalAws

        lake = self.lake()
        if lake.environment.endpoint:
            LocalAws.of(lake).need()
        from lake.aws import Aws  # importing boto3 takes half a second, and `lake check` does not need it

        aws = Aws(lake)
        _ = aws.names
        return aws


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"lake {__version__}")
        raise typer.Exit


@app.callback()
def settings(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version.")
    ] = False,
    file: Annotated[Path | None, typer.Option(help="The lake.yaml to use, instead of LAKE_FILE.")] = None,
    env: Annotated[str | None, typer.Option(help="The environment to use, instead of LAKE_ENV.")] = None,
) -> None:
    context.obj = Settings(file, env)

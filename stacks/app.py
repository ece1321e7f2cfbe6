"""The app of the cdktf CLI: it turns lake.yaml into one Terraform configuration per stack.

A lake's `main.py` calls `main`. A lake without one is synthesised by `python -m stacks.app`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from cdktf import App
from jsii.errors import JavaScriptError

from lake.configuration.names import ML
from lake.configuration.reading import ConfigError, Lake, load
from lake.deploying.backend import DESTROYS
from lake.deploying.state import ADOPTED, UNSAVED
from lake.errors import LakeError
from lake.failures import sentence
from stacks.athena import AthenaStack
from stacks.base import LakeStack
from stacks.catalog import CatalogStack
from stacks.etl import EtlStack
from stacks.storage import StorageStack
from stacks.streaming import StreamingStack

ERROR = "@cdktf/error"
"""The type of an error annotation."""


def build_app(lake: Lake, outdir: str | None = None) -> App:
    """The stacks of a lake, each on its own; `app.synth()` writes them under `outdir`."""
    app = App(outdir=outdir)
    StorageStack(app, "storage", lake=lake)
    CatalogStack(app, "catalog", lake=lake)
    EtlStack(app, "etl", lake=lake)
    AthenaStack(app, "athena", lake=lake)
    StreamingStack(app, "streaming", lake=lake)
    if ML in lake.config.stacks:
        from stacks.ml import MlStack  # SageMaker's bindings take time to load, and few lakes use them

        MlStack(app, ML, lake=lake)
    elif ML in os.environ.get(DESTROYS, "").split(","):
        LakeStack(app, ML, lake=lake)  # Terraform destroys what the state has, and is told where
    return app


def forget_other_environments(lake: Lake, outdir: Path) -> None:
    """Make Terraform re-initialise stack folders that were last used for another environment.

    Terraform remembers the backend in .terraform, and would otherwise offer to migrate one state to the other.
    """
    for remembered in outdir.glob("stacks/*/.terraform/terraform.tfstate"):
        if (other := _place(remembered).parent.name) != lake.deployment:
            _need_saved(remembered.parents[1], other)
            remembered.unlink()
            (remembered.parents[1] / ".terraform.lock.hcl").unlink(missing_ok=True)


def _need_saved(stack: Path, other: str) -> None:
    """Refuse to continue if the shared folder holds an unsaved state of another environment."""
    if (stack / UNSAVED).exists():
        env, _, user = other.partition("-")
        chosen = f"LAKE_ENV={env or 'THAT'}" + (f" LAKE_USER={user}" if user else "")
        raise LakeError(
            f"{stack / UNSAVED} is a state of {other or 'another environment'} that could not be saved. "
            f"Save it with `{chosen} lake up {stack.name}`, then run this command again"
        )


def _place(remembered: Path) -> Path:
    """The path of the backend's state; empty if Terraform was killed while it wrote this file."""
    try:
        backend = json.loads(remembered.read_text()).get("backend", {}).get("config", {})
    except ValueError:
        return Path()
    return Path(backend.get("path") or backend.get("key") or "")


def forget_adoptions(outdir: Path) -> None:
    """Remove the import blocks of a killed `lake up`, because their resources may no longer exist."""
    for blocks in outdir.glob(f"stacks/*/{ADOPTED}"):
        blocks.unlink()


def main() -> None:
    run(build_app)


def run(build: Callable[[Lake], App]) -> None:
    """Read lake.yaml and write its app. Exit code 1 or 2, with a sentence, where that cannot be."""
    try:
        lake = load()
        app = build(lake)
        forget_other_environments(lake, Path(app.outdir))
        forget_adoptions(Path(app.outdir))
        _synthesise(app)
    except ConfigError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        print(sentence(error), file=sys.stderr)
        sys.exit(1)


def _synthesise(app: App) -> None:
    """Write the stacks. Raises LakeError with what constructs have annotated as errors."""
    try:
        app.synth()
    except RuntimeError as error:
        if not isinstance(error.__cause__, JavaScriptError):
            raise
        entries = [entry for construct in app.node.find_all() for entry in construct.node.metadata]
        if errors := [str(entry.data) for entry in entries if entry.type == ERROR]:
            raise LakeError("\n".join(errors)) from None
        raise


if __name__ == "__main__":
    main()

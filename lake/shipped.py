"""What comes with the tool: the code that runs on Glue and in Flink, the examples of `lake init`, and its packages."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parent
PACKAGES = _PACKAGE.parent
"""The folder from which the tool's own packages are imported."""


def place(name: str) -> Path:
    """Of a file or folder: inside the installed package; in a checkout of the tool, beside it."""
    packed = _PACKAGE / "shipped_code" / name
    return packed if packed.exists() else _PACKAGE.parent / name


def importable(folder: Path) -> dict[str, str]:
    """The variables of a process that imports from a folder first."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}


GLUE_SCRIPTS = place("glue_scripts")
FLINK_APP = place("flink_app")
ML_SCRIPTS = place("ml_scripts")


def description(name: str) -> Any:
    """`formats` or `connectors`: what jobs in both languages, the stacks and the rules of lake.yaml read alike."""
    return json.loads(_description(name).read_text())


def _description(name: str) -> Path:
    return GLUE_SCRIPTS / "lake_etl" / f"{name}.json"


def scala_script() -> str:
    """The Scala job as the one script that Glue compiles: the imports, every other file, and what JSON files describe.

    A comment before each file names it. The embedded AWS finds the file and line of a compile error by it.
    """
    folder = GLUE_SCRIPTS / "scala"
    files = sorted(folder.rglob("*.scala"), key=lambda file: (file.name != "imports.scala", file))
    parts = [(file, file.read_text()) for file in files] + [
        (file, _embedded(file)) for file in map(_description, ("formats", "connectors"))
    ]
    return "\n".join(
        f"// Joined from {file.relative_to(GLUE_SCRIPTS.parent).as_posix()}\n{text}" for file, text in parts
    )


def _embedded(file: Path) -> str:
    """`formats.json` as the object FormatsJson: a Scala script on Glue has no files beside it."""
    return f'object {file.stem.title()}Json {{ val text = """{file.read_text()}""" }}\n'

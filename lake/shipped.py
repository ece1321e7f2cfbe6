"""Files that are installed with the tool: the code for Glue and Flink, the examples, and the tool's packages."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parent
PACKAGES = _PACKAGE.parent
"""The folder from which the tool's own packages are imported."""


def place(name: str) -> Path:
    """The path of a file or folder: inside the installed package, or beside it in a checkout."""
    packed = _PACKAGE / "shipped_code" / name
    return packed if packed.exists() else _PACKAGE.parent / name


def importable(folder: Path) -> dict[str, str]:
    """Environment variables for a process that imports from the folder first."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}


GLUE_SCRIPTS = place("glue_scripts")
FLINK_APP = place("flink_app")
ML_SCRIPTS = place("ml_scripts")


def description(name: str) -> Any:
    """The content of `formats` or `connectors`, which jobs in both languages, stacks and rules share."""
    return json.loads(_description(name).read_text())


def _description(name: str) -> Path:
    return GLUE_SCRIPTS / "lake_etl" / f"{name}.json"


def scala_script() -> str:
    """The Scala job as the single script that Glue compiles: the imports, all other files, and the JSON descriptions.

    A comment before each file names it, so that the embedded AWS can report the file and line of a compile error.
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
    """`formats.json` as the object FormatsJson, because a Scala script on Glue has no other files."""
    return f'object {file.stem.title()}Json {{ val text = """{file.read_text()}""" }}\n'

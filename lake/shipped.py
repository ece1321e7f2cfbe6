"""What comes with the tool: the code that runs on Glue and in Flink, and the examples of `lake init`."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def place(name: str) -> Path:
    """Of a file or folder: inside the installed package; in a checkout of the tool, beside it."""
    packed = _PACKAGE / "shipped_code" / name
    return packed if packed.exists() else _PACKAGE.parent / name


GLUE_SCRIPTS = place("glue_scripts")
FLINK_APP = place("flink_app")

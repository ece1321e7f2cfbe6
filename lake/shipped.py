"""Code that comes with the tool and runs elsewhere: on Glue, and in Flink."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def _folder(name: str) -> Path:
    """Inside the installed package; in a checkout of the tool, beside it."""
    packed = _PACKAGE / "shipped_code" / name
    return packed if packed.is_dir() else _PACKAGE.parent / name


GLUE_SCRIPTS = _folder("glue_scripts")
FLINK_APP = _folder("flink_app")

"""The JDBC drivers that are built into Glue, as jars on this machine."""

from __future__ import annotations

import os
from pathlib import Path

SETTING = "LAKE_JDBC_JARS"
_PLACES = (Path("/usr/share/java"), Path(__file__).parents[2] / ".tools/jars")


def jars() -> list[Path]:
    """Return the jars in LAKE_JDBC_JARS (separated by `:`), else PostgreSQL's from Debian's package."""
    if named := os.environ.get(SETTING):
        return [Path(jar) for jar in named.split(os.pathsep)]
    found = (place / "postgresql.jar" for place in _PLACES)
    return [jar for jar in found if jar.exists()][:1]

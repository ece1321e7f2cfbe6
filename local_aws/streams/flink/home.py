"""The Flink and Java installations of this machine."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

SETTING = "LAKE_FLINK_HOME"
"""Names the virtual environment with Flink, if it is not in one of the usual places."""
_CHECKOUT = Path(__file__).parents[3] / ".tools/flink"


class NoFlink(Exception):
    """Flink cannot run here. The message says what is missing and the way out."""


@dataclass(frozen=True)
class Home:
    """A Python environment with the package apache-flink, and a Java.

    Attributes:
        python: the interpreter.
        java: the java executable.
    """

    python: Path
    java: str

    @classmethod
    def found(cls, folder: Path | None = None) -> Home:
        """Return the Flink of this machine. Raises NoFlink.

        Args:
            folder: an additional place to look.
        """
        named = os.environ.get(SETTING)
        places = [Path(named)] if named else [_CHECKOUT, *([folder] if folder else [])]
        python = next(
            (place / "bin/python" for place in places if list(place.glob("lib/python*/site-packages/pyflink/lib"))),
            None,
        )
        if python is None:
            raise NoFlink("Flink is not installed here: run `make flink` (700 MB, two to four minutes)")
        return cls(python, _java())

    @property
    def pyflink(self) -> Path:
        return next(self.python.parents[1].glob("lib/python*/site-packages/pyflink"))

    @property
    def jars(self) -> list[Path]:
        """Return Flink's jars, including those that run Python."""
        return [*sorted((self.pyflink / "lib").glob("*.jar")), *(self.pyflink / "opt").glob("flink-python-*.jar")]

    @property
    def scala(self) -> Path:
        """Return the jar with the Scala compiler."""
        return next((self.pyflink / "lib").glob("flink-scala_2.12-*.jar"))

    @property
    def compiled(self) -> Path:
        """Return a folder for code compiled against this Flink: it is deleted with Flink."""
        return self.python.parents[1] / "compiled"

    @property
    def version(self) -> str:
        return self.scala.stem.rpartition("-")[2]


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    executable = str(Path(home) / "bin/java") if home else shutil.which("java")
    if not executable or not Path(executable).exists():
        raise NoFlink("Flink needs Java and none was found: put a JDK 17 on the PATH or set JAVA_HOME to one")
    return executable

"""Where Flink is on this machine, and with which Java it runs."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

SETTING = "LAKE_FLINK_HOME"
"""Names the virtual environment that has Flink, if it is not in one of the usual places."""
_CHECKOUT = Path(__file__).parents[3] / ".tools/flink"


class NoFlink(Exception):
    """Flink cannot run here. The message says what is missing, and the way out."""


@dataclass(frozen=True)
class Home:
    """An environment of Python with the package apache-flink, and a Java.

    Attributes:
        python: its interpreter.
        java: the executable.
    """

    python: Path
    java: str

    @classmethod
    def found(cls, folder: Path | None = None) -> Home:
        """The Flink of this machine. Raises NoFlink.

        Args:
            folder: one more place to look in.
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
        """Flink itself, with what runs Python in it."""
        return [*sorted((self.pyflink / "lib").glob("*.jar")), *(self.pyflink / "opt").glob("flink-python-*.jar")]

    @property
    def scala(self) -> Path:
        """The jar that has the Scala compiler in it."""
        return next((self.pyflink / "lib").glob("flink-scala_2.12-*.jar"))

    @property
    def compiled(self) -> Path:
        """A folder for what was compiled against this Flink: it goes when Flink goes."""
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

"""Which Python the lake runs on, and where one is. A Python as old as 3.6 must be able to read this file."""

import shutil
import subprocess
from pathlib import Path

SUPPORTED = ((3, 11), (3, 12))
ROOT = Path(__file__).resolve().parent.parent


def is_supported(version: "tuple[int, ...]") -> bool:
    return tuple(version[:2]) in SUPPORTED


def python_problem(version: "tuple[int, ...]") -> str:
    """The sentence for a Python that cannot run the lake, given as (major, minor, ...)."""
    return (
        "setup: the lake runs on Python 3.11 (as AWS Glue 5.1 does) or 3.12 (the newest Spark 3.5 works on) "
        f"and this is {version[0]}.{version[1]}: install one of them, "
        "or name it: `make setup PYTHON=/path/to/python3.11`."
    )


def runs_supported(python: str) -> bool:
    """Whether this interpreter starts and is supported: a version manager's shim may not start."""
    probe = [python, "-c", f"import sys; sys.exit(sys.version_info[:2] not in {SUPPORTED})"]
    return subprocess.call(probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def other_python(path: "str | None" = None) -> "str | None":
    """A supported interpreter that is not this one: the project's own, else one on the PATH."""
    names = [str(ROOT / ".venv/bin/python"), "python3.11", "python3.12"]
    found = [shutil.which(name, path=path) for name in names]
    return next((python for python in found if python and runs_supported(python)), None)

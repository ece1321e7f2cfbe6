"""Which Python versions the lake supports, and how to find one. This file must be valid for Python 3.6."""

import shutil
import subprocess
from pathlib import Path

SUPPORTED = ((3, 11), (3, 12))
ROOT = Path(__file__).resolve().parent.parent


def is_supported(version: "tuple[int, ...]") -> bool:
    return tuple(version[:2]) in SUPPORTED


def python_problem(version: "tuple[int, ...]") -> str:
    """The error message for a Python version (major, minor, ...) that cannot run the lake."""
    return (
        "setup: the lake needs Python 3.11 (like AWS Glue 5.1) or 3.12 (the newest that Spark 3.5 supports), "
        f"but this is {version[0]}.{version[1]}: install one of them, "
        "or name it: `make setup PYTHON=/path/to/python3.11`."
    )


def runs_supported(python: str) -> bool:
    """Whether this interpreter starts and is supported: a version manager's shim may not start."""
    probe = [python, "-c", f"import sys; sys.exit(sys.version_info[:2] not in {SUPPORTED})"]
    return subprocess.call(probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def other_python(path: "str | None" = None) -> "str | None":
    """Another interpreter that is supported: the project's own, or else one on the PATH."""
    names = [str(ROOT / ".venv/bin/python"), "python3.11", "python3.12"]
    found = [shutil.which(name, path=path) for name in names]
    return next((python for python in found if python and runs_supported(python)), None)

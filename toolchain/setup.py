"""Bring every tool the project needs: `make setup` runs this with the system's python3.

A Python as old as 3.6 must be able to read this file, to say in one sentence that it is too old.
So the work itself is in toolchain.install, which is imported once the version is right.
"""

import os
import shutil
import subprocess
import sys
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


def main() -> None:
    if not is_supported(sys.version_info[:2]):
        python = other_python()
        if python is None:
            sys.exit(python_problem(sys.version_info[:2]))
        os.execv(python, [python, str(Path(__file__).resolve()), *sys.argv[1:]])
    sys.path.insert(0, str(ROOT))
    from toolchain import install

    install.main(sys.argv[1:])


if __name__ == "__main__":
    main()

"""Installs every tool that the project needs. `make setup` runs this with the system's python3.

This file and toolchain/python.py must be valid for Python 3.6, so that an old Python gets a clear error message. The
work itself is in toolchain.install, which is imported after the version check.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from toolchain.python import is_supported, other_python, python_problem


def main() -> None:
    if not is_supported(sys.version_info[:2]):
        python = other_python()
        if python is None:
            sys.exit(python_problem(sys.version_info[:2]))
        os.execv(python, [python, str(Path(__file__).resolve()), *sys.argv[1:]])
    from toolchain import install

    install.main(sys.argv[1:])


if __name__ == "__main__":
    main()

"""Bring every tool the project needs: `make setup` runs this with the system's python3.

A Python as old as 3.6 must be able to read this file, and toolchain/python.py, to say in one sentence that it is too
old. So the work itself is in toolchain.install, which is imported once the version is right.
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

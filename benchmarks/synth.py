"""`python main.py`, compared with the same program with a plain import of the AWS bindings.

Both are run with and without compiled bytecode, in turns. Target: at most 0.20 of the time, in both.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
TARGET = 0.20
ROUNDS = 3
LEAN = "import runpy; runpy.run_path('main.py', run_name='__main__')"
ORDINARY = "import cdktf_cdktf_provider_aws; " + LEAN


def main() -> int:
    table = Table("bytecode", "lean, s", "ordinary, s", "ratio", "target")
    ratios = []
    for bytecode in (True, False):
        times = [(_seconds(LEAN, bytecode), _seconds(ORDINARY, bytecode)) for _ in range(ROUNDS)]
        lean, ordinary = (median(column) for column in zip(*times, strict=True))
        ratios.append(lean / ordinary)
        table.add_row(
            "compiled" if bytecode else "none",
            f"{lean:.1f}",
            f"{ordinary:.1f}",
            f"{ratios[-1]:.2f}",
            f"{TARGET:.2f}",
        )
    Console().print(table)
    return int(max(ratios) > TARGET)


def _seconds(script: str, bytecode: bool) -> float:
    """Wall time of the script in a fresh interpreter; without bytecode, every module is compiled again."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "CDKTF_OUTDIR": f"{folder}/out"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        if not bytecode:
            environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": f"{folder}/cache"}
        begun = time.monotonic()
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)
        return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main())

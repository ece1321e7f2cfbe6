"""Where the environment of SageMaker's jobs is on this machine."""

from __future__ import annotations

import os
from pathlib import Path

SETTING = "LAKE_ML_HOME"
"""Names the virtual environment that has scikit-learn, if it is not in the usual place."""
_CHECKOUT = Path(__file__).parents[2] / ".tools/ml"


class NoFramework(Exception):
    """Jobs of SageMaker cannot run here. The message says what is missing, and the way out."""


def environment_folder() -> Path:
    """The virtual environment with scikit-learn and SageMaker's training toolkit. Raises NoFramework."""
    named = os.environ.get(SETTING)
    folder = Path(named) if named else _CHECKOUT
    if not (folder / "bin/train").exists():
        raise NoFramework("scikit-learn is not installed here: run `make ml` (640 MB, a minute or two)")
    return folder

"""Where the environments of SageMaker's jobs are on this machine: one for each framework."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TOOLS = Path(__file__).parents[2] / ".tools"


class NoFramework(Exception):
    """Jobs of SageMaker cannot run here. The message says what is missing, and the way out."""


@dataclass(frozen=True)
class Framework:
    """What a container of SageMaker's holds.

    Attributes:
        setting: names the virtual environment, if it is not in the usual place.
        folder: the usual place.
    """

    title: str
    setting: str
    folder: Path


SKLEARN = Framework("scikit-learn", "LAKE_ML_HOME", _TOOLS / "ml")
XGBOOST = Framework("XGBoost", "LAKE_XGBOOST_HOME", _TOOLS / "ml-xgboost")


def framework_of(image: str) -> Framework:
    """The framework of a container, by its URI. A container that is not known gets scikit-learn's."""
    return XGBOOST if image.rpartition("/")[2].startswith("sagemaker-xgboost:") else SKLEARN


def environment_folder(framework: Framework = SKLEARN) -> Path:
    """The virtual environment with a framework and SageMaker's training toolkit. Raises NoFramework."""
    named = os.environ.get(framework.setting)
    folder = Path(named) if named else framework.folder
    if not (folder / "bin/train").exists():
        raise NoFramework(f"{framework.title} is not installed here: run `make ml` (1.1 GB, some minutes)")
    return folder

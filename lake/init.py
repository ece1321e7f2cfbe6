"""Creates a lake in a new folder: lake.yaml, and the files that the cdktf CLI and git need."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files as resources
from pathlib import Path
from string import Template
from typing import Any

from lake import __version__, examples
from lake.configuration.formats import TABLES
from lake.configuration.json_schema import json_schema
from lake.configuration.model import CsvFormat, Dataset
from lake.data import dry_run
from lake.errors import BadInput
from lake.folders import need_writable

_FILES = {
    "main.py": "main.py",
    "cdktf.json": "cdktf.json",
    ".gitignore": "gitignore",
    ".github/workflows/lake.yml": "workflow.yml",
}
"""File of a new lake -> its template."""
_OWN = {"lake.yaml": "lake.yaml", "queries/tables.sql": "tables.sql"}
"""The same for a lake that is not made from an example."""


def make(folder: Path, files: Path | None = None, example: str | None = None) -> list[str]:
    """Write a new lake. The folder is created if necessary. Its name becomes the project's.

    Args:
        files: a folder whose sub-folders become datasets. If it contains files, it becomes one dataset itself.
        example: the example to copy lake.yaml, queries and data from, instead of files.

    Returns:
        Notes about the files, one sentence each.

    Raises:
        BadInput: the folder is not empty, its name is not a valid project name, a file has an unsupported format, there
            is no such example, or both files and example are given.
    """
    if files and example:
        raise BadInput("a new lake starts from your files or from an example: give --from or --example, not both")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} exists and is not empty. Name a new folder, or empty this one")
    need_writable(folder.absolute(), "Choose a folder in a place where you can write")
    project = _project(folder)
    copied = examples.files(example, project) if example else {}
    found = list(_found(files)) if files else []
    values = {
        "project": project,
        "version": __version__,
        "datasets": "".join(_entry(table) for table, _ in found) or " {}\n#  orders: {format: csv, partitions: [day]}",
    }
    templates = _FILES if example else _FILES | _OWN
    written = copied | {name: _filled(template, values) for name, template in templates.items()}
    for name, text in {**written, "lake.schema.json": json.dumps(json_schema(), indent=2) + "\n"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "jobs").mkdir()
    return [warning for _, warnings in found for warning in warnings]


def _filled(template: str, values: dict[str, str]) -> str:
    return Template((resources("lake") / "templates" / template).read_text()).substitute(values)


def _project(folder: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    if not re.fullmatch("[a-z][a-z0-9-]{1,19}", name):
        raise BadInput(
            f"the folder's name {folder.name!r} becomes the project's name, so it needs 2 to 20 letters, digits and "
            "hyphens, starting with a letter. Name another folder"
        )
    return name


def _found(files: Path) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The table that a first crawl would make of each dataset's files, and its warnings."""
    if not files.is_dir():
        raise BadInput(f"{files} is not a folder. Name one whose sub-folders are datasets")
    for place in _places(files):
        answer = _crawled(place)
        tables = answer["tables"]
        if len(tables) != 1:
            raise BadInput(f"{place}: {_no_dataset(tables, answer['warnings'])}")
        if tables[0]["format"] not in TABLES:
            raise BadInput(
                f"{place}: its files have the format {tables[0]['format']!r}. Allowed: {', '.join(TABLES)}. "
                "Move them elsewhere, or declare the dataset by hand"
            )
        yield {**tables[0], "name": _name(place)}, [f"{_name(place)}: {warning}" for warning in answer["warnings"]]


def _no_dataset(tables: list[dict[str, Any]], warnings: list[str]) -> str:
    if tables:
        names = ", ".join(table["name"] for table in tables)
        return (
            f"a dataset is one table, but a crawl of its files would find {len(tables)} ({names}). Put the files of "
            "each table into a separate folder"
        )
    if all(warning.startswith("No data in") for warning in warnings):
        return "has no data. Put files into it, or remove it"
    reasons = "; ".join(warning.removeprefix("Skipped ") for warning in warnings)
    return f"no file can be read as a table: {reasons}. Allowed: {', '.join(TABLES)}. Move it elsewhere"


def _crawled(place: Path) -> dict[str, Any]:
    """A crawl of the files. A crawler detects a header by the types below it, so if all columns are text, the first
    line is taken as the header."""
    answer: dict[str, Any] = dry_run.crawl_folder(place)
    [table, *others] = answer["tables"] or [{}]
    if others or table.get("format") != "csv" or _has_header(table):
        return answer
    if any(column["Type"] != "string" for column in table["columns"]):
        return answer
    csv = CsvFormat(delimiter=table["parameters"]["delimiter"])
    again: dict[str, Any] = dry_run.crawl_folder(place, dataset=Dataset(format="csv", csv=csv, json=None))
    names = ", ".join(column["Name"] for column in again["tables"][0]["columns"])
    warning = (
        f"all columns are text, so the first line is used as the header: {names}. If it is data, set csv.header: false"
    )
    return again | {"warnings": [*again["warnings"], warning]}


def _has_header(table: dict[str, Any]) -> bool:
    return "skip.header.line.count" in table["parameters"]


def _places(files: Path) -> list[Path]:
    entries = sorted(entry for entry in files.iterdir() if entry.name[0] not in "._")
    folders = [entry for entry in entries if entry.is_dir() and "=" not in entry.name]
    if folders and len(folders) < len(entries):
        loose = next(entry for entry in entries if entry not in folders)
        raise BadInput(
            f"{files} contains folders, which are datasets, and the file {loose.name}. Move it into a folder"
        )
    if not entries:
        raise BadInput(f"{files} is empty. Name a folder whose sub-folders are datasets")
    alike = Counter(_name(folder) for folder in folders)
    if twice := [folder.name for folder in folders if alike[_name(folder)] > 1]:
        raise BadInput(f"{' and '.join(twice)} would both be the dataset {_name(Path(twice[0]))}. Rename one of them")
    return folders or [files]


def _name(place: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", place.resolve().name.lower()).strip("_")
    return name if name[:1].isalpha() else f"data_{name}"


def _entry(table: dict[str, Any]) -> str:
    """A dataset for lake.yaml, with its columns as a comment, because the crawler finds them."""
    settings: dict[str, Any] = {"format": table["format"]}
    if table["keys"]:
        settings["partitions"] = table["keys"]
    if table["format"] == "csv":
        settings |= _csv(table)
    columns = ", ".join(f"{column['Name']} {column['Type']}" for column in table["columns"])
    lines = [
        f"\n  # {columns}",
        f"  {table['name']}:",
        *(f"    {key}: {_flow(value)}" for key, value in settings.items()),
    ]
    return "\n".join(lines)


def _csv(table: dict[str, Any]) -> dict[str, Any]:
    """The CSV settings that differ from the defaults."""
    delimiter = table["parameters"]["delimiter"]
    given = {"delimiter": delimiter} if delimiter != "," else {}
    if _has_header(table):
        return {"csv": given} if given else {}
    return {"csv": {**given, "header": False}, "columns": [column["Name"] for column in table["columns"]]}


def _flow(value: Any) -> str:
    """The value as JSON, which is also YAML."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

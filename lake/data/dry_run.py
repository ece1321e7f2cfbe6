"""What a crawl would find, without a deploy: runs the embedded AWS's crawler on a folder, or on S3 objects.

It runs in a separate process, like the embedded AWS: the lake command does not import its code (docs/adr/0010).
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lake.aws import Aws
from lake.configuration.crawler import classifier, configuration
from lake.configuration.model import Dataset
from lake.configuration.reading import Lake
from lake.data.catalog import check_crawled
from lake.embedded.credentials import credentials_file
from lake.embedded.local import program, surroundings
from lake.errors import BadInput, LakeError

SHOWN = 3


def crawl(lake: Callable[[], Lake], aws: Callable[[], Aws], target: str, like: str | None, sample: int) -> Any:
    """Crawl a dataset, an `s3://` prefix or a folder (a path with a slash: `./flights`) as if for the first time.

    Args:
        lake, aws: called only if needed; a folder needs neither lake.yaml nor a login.
        like: the dataset whose classifier and settings are used; by default those of `target`, if any.
        sample: how many files to read in each folder; 0 for all.

    Returns:
        `{"tables": [{"name", "location", "format", "columns", "keys", "partitions", "files", "records"}],
        "warnings": [...]}`; columns as `{"Name", "Type"}`, partitions as lists of values.

    Raises:
        BadInput: there is no such dataset or folder, or the dataset has no crawler that reads files.
        LakeError: the crawl failed.
    """
    name = like or (target if "/" not in target else "")
    dataset = _dataset(lake(), name) if name else None
    if "/" in target and not target.startswith("s3://"):
        return crawl_folder(target, name, dataset, sample)
    settings = _settings(name, dataset) if dataset else {}
    return _answer({"sample": sample, **settings, **_objects(aws(), target)})


def crawl_folder(folder: str | Path, name: str = "", dataset: Dataset | None = None, sample: int = 0) -> Any:
    """The same for a local folder or file.

    Args:
        name: the table's name; by default the folder's.
        dataset: the dataset whose classifier and settings are used.
    """
    settings = _settings(name or Path(folder).name, dataset) if dataset else {}
    return _answer({"sample": sample, **settings, "folder": str(_there(folder)), "name": name})


def summary(table: dict[str, Any]) -> dict[str, Any]:
    """A summary of a table, by field."""
    first = ["/".join(values) for values in table["partitions"][:SHOWN]]
    rest = len(table["partitions"]) - SHOWN
    return {
        "table": table["name"],
        "format": table["format"],
        "columns": len(table["columns"]),
        "partitions": len(table["partitions"]),
        "such as": ", ".join(first) + (f" and {rest} more" if rest > 0 else ""),
        "files": table["files"],
        "records": table["records"],
        "location": table["location"],
    }


def lines(table: dict[str, Any]) -> list[dict[str, str]]:
    """A row for each column and partition key."""
    columns = [{"column": column["Name"], "type": column["Type"]} for column in table["columns"]]
    keys = [{"column": key, "type": "string (partition key)"} for key in table["keys"]]
    return columns + keys


def _dataset(lake: Lake, name: str) -> Dataset:
    check_crawled(lake, name)
    dataset = lake.config.datasets[name]
    if dataset.connection:
        raise BadInput(f"{name} is a table of the database {dataset.connection}. A dry run can only crawl files")
    return dataset


def _settings(name: str, dataset: Dataset) -> dict[str, Any]:
    found = classifier(name, dataset)
    return {"configuration": configuration(dataset), "classifiers": [_as_glue_says(*found, name)] if found else []}


def _as_glue_says(kind: str, settings: dict[str, Any], name: str) -> dict[str, Any]:
    """A classifier in the shape of GetClassifier: `delimiter` is `Delimiter`, `json_path` is `JsonPath`."""
    names = {"csv": "CsvClassifier", "json": "JsonClassifier", "grok": "GrokClassifier", "xml": "XMLClassifier"}
    given = {key.title().replace("_", ""): value for key, value in settings.items() if value is not None}
    return {names[kind]: {"Name": name, **given}}


def _there(folder: str | Path) -> Path:
    if not Path(folder).exists():
        raise BadInput(f"{folder} does not exist")
    return Path(folder).resolve()


def _objects(aws: Aws, target: str) -> dict[str, Any]:
    path = target
    if not target.startswith("s3://"):
        path = f"s3://{aws.names.bucket(aws.lake.config.datasets[target].zone)}/{target}/"
    environment = aws.lake.environment
    place = {"path": path, "region": environment.region, "endpoint": environment.endpoint}
    return place | {"credentials": str(credentials_file(aws.lake))}


def _answer(request: dict[str, Any]) -> Any:
    done = subprocess.run(
        program("local_aws.crawlers.dry_run"),
        input=json.dumps(request),
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LakeError(f"the dry run failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    return json.loads(done.stdout)

"""Shows what a crawl would find, without a catalog: `python -m local_aws.crawlers.dry_run` reads a request on stdin."""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local_aws.context import client
from local_aws.crawlers import formats
from local_aws.crawlers.crawl import schemas_of
from local_aws.crawlers.descriptors import parameters, serde
from local_aws.crawlers.formats import UnsupportedError
from local_aws.crawlers.inference import Schema, Warn
from local_aws.crawlers.merge import columns_after
from local_aws.crawlers.targets import FoundTable, Grouping, Target, table_columns, tables
from local_aws.credentials import read_keys
from local_aws.mirror import Mirror, S3File
from local_aws.protocol import Document
from local_aws.reasons import reason
from local_aws.store import Store


def main() -> None:
    """Read a request and print the result. If the crawl is not possible, print the reason to stderr and exit with 1.

    The request is a JSON document: `folder` and `name`, or `path` (`s3://...`) with `region`, `endpoint` and
    `credentials`, a file with the endpoint's keys; `sample` (files per folder, 0 for all), `classifiers` as from
    GetClassifier, and the crawler's `configuration`.
    """
    try:
        print(json.dumps(dry_run(json.load(sys.stdin))))
    except UnsupportedError as error:
        sys.exit(str(error))
    except Exception as error:
        if not isinstance(error, ClientError):
            traceback.print_exc()
        sys.exit(reason(error))


def dry_run(request: Document) -> Document:
    """Return the tables that a first crawl would create.

    Raises:
        UnsupportedError: a classifier cannot run here.
        ClientError: the bucket does not exist.
    """
    classifiers = request.get("classifiers", [])
    formats.check(classifiers)
    warnings: list[str] = []
    with tempfile.TemporaryDirectory(prefix="dry-run-") as copies:
        target, files = _on_disk(request) if "folder" in request else _objects(request, Path(copies))
        read = schemas_of(files, classifiers, warnings.append)
        found = _tables(target, read, Grouping.of(request.get("configuration", {})), warnings.append)
        made = [_described(table, read) for table in found]
    text = json.dumps({"tables": made, "warnings": warnings or ([] if made else [f"No data in {target.uri}"])})
    if "folder" in request:  # Files on disk were read as if they were objects.
        text = text.replace(target.uri.rstrip("/") + "/", json.dumps(_home(request))[1:-1] + "/")
    document: Document = json.loads(text)
    return document


def _home(request: Document) -> str:
    folder = Path(request["folder"])
    return str(folder if folder.is_dir() else folder.parent)


def _on_disk(request: Document) -> tuple[Target, list[S3File]]:
    """List the files as if their folder were a bucket."""
    home, chosen = Path(_home(request)), Path(request["folder"])
    target = Target(request["name"] or home.name, "", (), request["sample"])
    paths = sorted(path for path in ([chosen] if chosen.is_file() else home.rglob("*")) if path.is_file())
    files = [_as_object(path, home, target.bucket) for path in paths]
    return target, target.sampled(file for file in files if target.holds(file))


def _as_object(path: Path, home: Path, bucket: str) -> S3File:
    known = path.stat()
    key = path.relative_to(home).as_posix()
    return S3File(bucket, key, path, known.st_size, "", datetime.fromtimestamp(known.st_mtime, UTC))


def _objects(request: Document, folder: Path) -> tuple[Target, Sequence[S3File]]:
    mirror = Mirror(_s3(request), folder / "mirror", Store(folder / "store.sqlite"))
    target = Target.of({"Path": request["path"], "SampleSize": request["sample"]})
    held = [file for file in mirror.list(target.bucket, target.prefix) if target.holds(file)]
    wanted = {file.key for file in target.sampled(held)}
    return target, mirror.pull(target.bucket, target.prefix, lambda file: file.key in wanted)


def _s3(request: Document) -> Any:
    if request.get("endpoint"):
        return client("s3", request["endpoint"], read_keys(Path(request["credentials"])), request["region"])
    return boto3.session.Session(region_name=request["region"]).client("s3")


def _tables(target: Target, read: dict[S3File, Schema], grouping: Grouping, warn: Warn) -> list[FoundTable]:
    if not target.is_folder:
        return [FoundTable.of_file(file) for file in read]
    return tables(target.folder, read, grouping, warn) if read else []


def _described(table: FoundTable, read: dict[S3File, Schema]) -> Document:
    found, first = table_columns(table, table.files, read), read[table.files[0]].format
    columns = columns_after([], found, merges=False, by_position=True)
    spellings = {name: spelt for file in table.files for name, spelt in read[file].spellings.items()}
    names: list[str] = [column["Name"] for column in columns]
    records = sum(read[file].records for file in table.files)
    return {
        "name": table.name,
        "location": table.location,
        "format": first.classification,
        "columns": columns,
        "keys": list(table.keys),
        "partitions": [list(values) for values in table.partitions if values],
        "files": len(table.files),
        "records": records,
        "serde": serde(first, [spellings.get(name, name) for name in names]),
        "parameters": parameters("", first, table.files, records),
    }


if __name__ == "__main__":
    main()

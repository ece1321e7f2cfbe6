"""Deletes objects of a dataset from the raw zone, and drops partitions that are then empty."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from lake.aws import THREADS, Aws
from lake.data import zones
from lake.errors import BadInput


@dataclass(frozen=True)
class Removal:
    """What will be deleted. files and size (bytes) count current objects; versions includes older ones."""

    dataset: str
    folder: str
    files: int
    size: int
    versions: list[zones.Version] = field(repr=False)


def planned(aws: Aws, target: str) -> Removal:
    """What `DATASET` or `DATASET/PREFIX` names: an object, or all objects in a folder.

    Raises:
        BadInput: it is not a dataset of the raw zone, is outside the dataset's folder, or matches no objects.
    """
    dataset, _, inside = target.partition("/")
    zones.check_raw(aws, dataset)
    folder = inside.rstrip("/")
    if any(part in ("", ".", "..") for part in (folder.split("/") if folder else [])):
        raise BadInput(
            f"{target} is not a path in {dataset}. Allowed: a folder or a file in it, such as {dataset}/day=1"
        )
    key = f"{dataset}/{folder}" if folder else dataset
    bucket = aws.names.bucket("raw")
    found = [each for each in zones.versions(aws, bucket, key) if each.key == key or each.key.startswith(f"{key}/")]
    if not found:
        raise BadInput(f"there is nothing in s3://{bucket}/{key}. {_there(aws, dataset)}")
    current = [each for each in found if each.is_latest and each.size is not None]
    return Removal(dataset, key, len(current), sum(each.size or 0 for each in current), found)


def remove(aws: Aws, removal: Removal) -> Iterator[int]:
    """Delete all of it. Yields the number of versions deleted in each batch."""
    yield from zones.delete(aws, aws.names.bucket("raw"), removal.versions)


def drop_partitions(aws: Aws, removal: Removal) -> int | None:
    """Drop the partitions that have no files left. Returns how many; None if the dataset's table is not declared."""
    settings = aws.lake.config.datasets[removal.dataset]
    if settings.catalog != "declared" or not settings.keys:
        return None
    registered = _registered(aws, removal.dataset)
    gone = [values for values, folder in registered if _touched(folder, removal) and _is_empty(aws, folder)]

    def drop(values: list[str]) -> None:
        place = {"DatabaseName": aws.names.database("raw"), "TableName": removal.dataset}
        with suppress(aws.glue.exceptions.EntityNotFoundException):
            aws.glue.delete_partition(**place, PartitionValues=values)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(drop, gone))
    return len(gone)


def _there(aws: Aws, dataset: str) -> str:
    """The contents of a dataset's folder, for a message."""
    answer = aws.s3.list_objects_v2(Bucket=aws.names.bucket("raw"), Prefix=f"{dataset}/", Delimiter="/", MaxKeys=5)
    found = [each["Prefix"] for each in answer.get("CommonPrefixes", [])]
    found += [each["Key"] for each in answer.get("Contents", [])]
    return f"There are {', '.join(found)}{', ...' if answer.get('IsTruncated') else ''}" if found else "It is empty"


def _registered(aws: Aws, dataset: str) -> Iterator[tuple[list[str], str]]:
    """(values, folder key with a trailing slash) of each partition; none if the table does not exist."""
    root = f"s3://{aws.names.bucket('raw')}/"
    pages = aws.glue.get_paginator("get_partitions").paginate(
        DatabaseName=aws.names.database("raw"), TableName=dataset, ExcludeColumnSchema=True
    )
    with suppress(aws.glue.exceptions.EntityNotFoundException):
        for partition in (partition for page in pages for partition in page["Partitions"]):
            location = partition["StorageDescriptor"].get("Location", "")
            if location.startswith(root):
                yield partition["Values"], location.removeprefix(root).rstrip("/") + "/"


def _touched(folder: str, removal: Removal) -> bool:
    return folder.startswith(f"{removal.folder}/") or removal.folder.startswith(folder)


def _is_empty(aws: Aws, folder: str) -> bool:
    answer = aws.s3.list_objects_v2(Bucket=aws.names.bucket("raw"), Prefix=folder, MaxKeys=1)
    return not answer.get("Contents")

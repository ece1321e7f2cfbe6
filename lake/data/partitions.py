"""Partitions of declared tables, which `lake put` registers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lake.aws import Aws
from lake.data.zones import Upload
from lake.errors import LakeError

if TYPE_CHECKING:
    from mypy_boto3_glue.type_defs import PartitionInputTypeDef, StorageDescriptorTypeDef

BATCH = 100
"""The maximum number of partitions per call."""
MANY = 1000
"""From this many partitions on, queries without a partition index become slow."""


def storage(aws: Aws, dataset: str) -> StorageDescriptorTypeDef | None:
    """The storage descriptor that partitions inherit from their declared table; None if the dataset has none.

    Raises:
        LakeError: the table is not deployed.
    """
    settings = aws.lake.config.datasets[dataset]
    if settings.catalog != "declared" or not settings.keys:
        return None
    try:
        found = aws.glue.get_table(DatabaseName=aws.names.database("raw"), Name=dataset)["Table"]
    except aws.glue.exceptions.EntityNotFoundException:
        raise LakeError(f"the table of {dataset} does not exist. Deploy it first: `lake up catalog`") from None
    return found["StorageDescriptor"]  # type: ignore[return-value]


def register(aws: Aws, dataset: str, like: StorageDescriptorTypeDef, files: Sequence[Upload]) -> int:
    """Register the partitions of the files. Returns how many are new."""
    partitions = [_partition(aws.names.bucket("raw"), folder, like) for folder in _folders(files)]
    return sum(_create(aws, dataset, partitions[at : at + BATCH]) for at in range(0, len(partitions), BATCH))


def new(aws: Aws, dataset: str, files: Sequence[Upload], there: Iterable[str]) -> int:
    """How many partitions the files would add to a declared table, or to the folders of the existing keys."""
    if aws.lake.config.datasets[dataset].catalog != "declared":
        return len(set(_folders(files)) - {key.rpartition("/")[0] for key in there})
    pages = aws.glue.get_paginator("get_partitions").paginate(
        DatabaseName=aws.names.database("raw"), TableName=dataset, ExcludeColumnSchema=True
    )
    registered = {tuple(partition["Values"]) for page in pages for partition in page["Partitions"]}
    return len({tuple(_values(folder)) for folder in _folders(files)} - registered)


def unindexed(aws: Aws, dataset: str, partitions: int) -> str:
    """A hint for a table with many partitions and no partition index; else empty."""
    if partitions < MANY:
        return ""
    database = aws.names.database(aws.lake.config.datasets[dataset].zone)
    answer = aws.glue.get_partition_indexes(DatabaseName=database, TableName=dataset)
    if answer["PartitionIndexDescriptorList"]:
        return ""
    return f"{partitions} partitions without an index: set partition_index: true in lake.yaml"


def _folders(files: Sequence[Upload]) -> list[str]:
    return list(dict.fromkeys(upload.key.rpartition("/")[0] for upload in files))


def _values(folder: str) -> list[str]:
    return [unquote(part.partition("=")[2]) for part in folder.split("/")[1:]]


def _partition(bucket: str, folder: str, like: StorageDescriptorTypeDef) -> PartitionInputTypeDef:
    return {"Values": _values(folder), "StorageDescriptor": {**like, "Location": f"s3://{bucket}/{folder}/"}}


def _create(aws: Aws, dataset: str, partitions: list[PartitionInputTypeDef]) -> int:
    answer = aws.glue.batch_create_partition(
        DatabaseName=aws.names.database("raw"), TableName=dataset, PartitionInputList=partitions
    )
    errors = answer.get("Errors", [])
    for error in errors:
        detail = error["ErrorDetail"]
        if detail["ErrorCode"] != "AlreadyExistsException":
            raise LakeError(f"the partition {error['PartitionValues']} of {dataset}: {detail['ErrorMessage']}")
    return len(partitions) - len(errors)

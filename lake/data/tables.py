"""The tables of the lake's databases: their columns, partitions and files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code
from lake.configuration.suggest import allowed
from lake.data.sql import DATABASES
from lake.errors import BadInput, LakeError

if TYPE_CHECKING:
    from mypy_boto3_glue.type_defs import TableTypeDef

SIDE_BY_SIDE = 4


@dataclass(frozen=True)
class Table:
    """A table and its contents. columns and keys map names to types.

    files and bytes count what a query reads: for a partitioned table, the files of its registered partitions. Both are
    None for a view or a database table, which have no files in S3.
    """

    name: str
    database: str
    format: str
    columns: dict[str, str]
    keys: dict[str, str]
    partitions: list[str]
    files: int | None
    bytes: int | None
    updated: str
    location: str

    def line(self) -> dict[str, Any]:
        """The table as one row."""
        return {
            "table": self.name,
            "database": self.database,
            "format": self.format,
            "columns": len(self.columns) + len(self.keys),
            "partitions": len(self.partitions) if self.keys else None,
            "files": self.files,
            "bytes": self.bytes,
            "updated": self.updated,
        }


def tables(aws: Aws, name: str | None = None) -> list[Table]:
    """The tables of the lake, by database, or only those with this name: `flights` or `raw.flights`.

    Raises:
        BadInput: there is no table of this name.
        LakeError: no database is deployed.
    """
    found = [(zone, table) for zone in DATABASES for table in _in(aws, zone)]
    chosen = [(zone, table) for zone, table in found if name in (None, table["Name"], f"{zone}.{table['Name']}")]
    if name and not chosen:
        known = [f"{zone}.{table['Name']}" for zone, table in found]
        raise BadInput(f"there is no table {name!r}. {allowed(name, known, 'there is none yet: `lake crawl`')}")
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return list(pool.map(lambda each: _table(aws, *each), chosen))


def _in(aws: Aws, zone: str) -> list[TableTypeDef]:
    database = aws.names.database(zone)
    try:
        aws.glue.get_database(Name=database)
        pages = aws.glue.get_paginator("get_tables").paginate(DatabaseName=database)
        return sorted((table for page in pages for table in page["TableList"]), key=lambda table: table["Name"])
    except aws.glue.exceptions.EntityNotFoundException:
        if zone == "raw":
            raise LakeError("the lake's databases do not exist. Deploy them first: `lake up catalog`") from None
        return []


def _table(aws: Aws, zone: str, found: TableTypeDef) -> Table:
    storage, parameters = found.get("StorageDescriptor", {}), found.get("Parameters", {})
    keys = {key["Name"]: key.get("Type", "") for key in found.get("PartitionKeys", [])}
    location, updated = storage.get("Location", ""), found.get("UpdateTime") or found.get("CreateTime")
    in_s3, is_projected = location.startswith("s3://"), parameters.get("projection.enabled") == "true"
    registered = _partitions(aws, found["DatabaseName"], found["Name"]) if keys and not is_projected else {}
    folders = list(registered.values()) if keys and not is_projected else [_folder(location)]
    files = _sizes(aws, location, folders) if in_s3 else None
    return Table(
        name=found["Name"],
        database=zone,
        format=parameters.get("classification") or found.get("TableType", "").lower().replace("virtual_", ""),
        columns={column["Name"]: column.get("Type", "") for column in storage.get("Columns", [])},
        keys=keys,
        partitions=[_named(keys, values) for values in registered],
        files=None if files is None else len(files),
        bytes=None if files is None else sum(files.values()),
        updated=_text(updated),
        location=location,
    )


def _named(keys: Iterable[str], values: tuple[str, ...]) -> str:
    """`key=value/...` of a partition. Not strict: after a change of its keys, a table keeps its old partitions."""
    return "/".join(f"{key}={value}" for key, value in zip(keys, values, strict=False))


def _text(time: datetime | None) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if time else ""


def _folder(location: str) -> str:
    return location.rstrip("/") + "/"


def _partitions(aws: Aws, database: str, table: str) -> dict[tuple[str, ...], str]:
    """The folder of each registered partition, by its values."""
    pages = aws.glue.get_paginator("get_partitions").paginate(
        DatabaseName=database, TableName=table, ExcludeColumnSchema=True
    )
    found = [partition for page in pages for partition in page["Partitions"]]
    return {tuple(each["Values"]): _folder(each["StorageDescriptor"].get("Location", "")) for each in found}


def _sizes(aws: Aws, location: str, folders: list[str]) -> dict[str, int]:
    """Bytes of each file in the folders. Those under the table's own folder are listed in one pass."""
    root, wanted = _folder(location), set(folders)
    elsewhere = [folder for folder in wanted if not folder.startswith(root)]
    try:
        sizes = {path: size for path, size in _listed(aws, root) if wanted.intersection(_above(path))}
        return sizes | {path: size for folder in elsewhere for path, size in _listed(aws, folder)}
    except ClientError as error:
        if error_code(error) == "NoSuchBucket":
            return {}
        raise


def _above(path: str) -> Iterator[str]:
    """The parent folders of a path: `s3://a/b/c` is in `s3://a/b/` and `s3://a/`."""
    while path := path.rpartition("/")[0]:
        yield f"{path}/"


def _listed(aws: Aws, folder: str) -> Iterator[tuple[str, int]]:
    """The files that readers see: those whose names do not begin with `.` or `_`."""
    bucket, _, prefix = folder.removeprefix("s3://").partition("/")
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for entry in (entry for page in pages for entry in page.get("Contents", [])):
        name = entry["Key"].removeprefix(prefix)
        hidden = any(part.startswith(".") or (part.startswith("_") and "=" not in part) for part in name.split("/"))
        if not hidden and not name.endswith("/"):
            yield f"s3://{bucket}/{entry['Key']}", entry["Size"]

"""Writes tables and partitions into the Data Catalog as Glue's crawler does."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_aws.crawlers.descriptors import parameters, storage
from local_aws.crawlers.formats import Format
from local_aws.crawlers.inference import Schema
from local_aws.crawlers.merge import Policy, columns_after
from local_aws.crawlers.targets import FoundTable, table_columns
from local_aws.mirror import S3File
from local_aws.protocol import Document

_BATCH = 100
_DELETIONS = 25
_KEPT_FROM_TABLE = ("Description", "Owner", "Retention", "ViewOriginalText", "ViewExpandedText")
INDEX = "crawler_partition_index"
DEPRECATED = "DEPRECATED_BY_CRAWLER"

Schemas = Mapping[S3File, Schema]
Values = tuple[str, ...]


@dataclass
class Changes:
    """The number of changes that a crawl made to the catalog."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    partitions: Counter[str] = field(default_factory=Counter)


@dataclass
class Catalog:
    """One database of the Data Catalog, as one crawler works on it.

    Attributes:
        folders: the folders of this crawl, as `s3://` URIs; None for all. Everything outside them stays unchanged.
    """

    glue: Any
    database: str
    crawler: str
    prefix: str
    policy: Policy
    info: Callable[[str], None]
    warn: Callable[[str], None]
    changes: Changes = field(default_factory=Changes)
    folders: set[str] | None = None

    def tables(self) -> list[Document]:
        pages = self.glue.get_paginator("get_tables").paginate(DatabaseName=self.database)
        return [table for page in pages for table in page["TableList"]]

    def partitions(self, table: str) -> dict[Values, Document]:
        pages = self.glue.get_paginator("get_partitions").paginate(DatabaseName=self.database, TableName=table)
        return {tuple(found["Values"]): found for page in pages for found in page["Partitions"]}

    def own_tables(self) -> list[Document]:
        """Return the tables that this crawler created or updated."""
        return [
            table for table in self.tables() if table.get("Parameters", {}).get("UPDATED_BY_CRAWLER") == self.crawler
        ]

    def write(self, found: FoundTable, schemas: Schemas, listed: Sequence[S3File]) -> None:
        """Create or update the table, then its partitions. `listed`: all objects of the target."""
        self._warn_of_shadowed(found, schemas)
        tables = self.tables()
        existing = next((table for table in tables if _location(table) == found.location.rstrip("/")), None)
        if existing is None:
            existing = self._create(found, schemas, listed, {table["Name"] for table in tables})
        elif not self.policy.new_folders_only:
            existing = self._update(existing, found, schemas, listed)
        keys = tuple(key["Name"] for key in existing.get("PartitionKeys", []))
        if keys != found.keys:
            self.warn(
                f"Table {existing['Name']} has the partition keys {list(keys)}, its folders have "
                f"{list(found.keys)}: its partitions stay as they are"
            )
        elif keys:
            self._write_partitions(existing, found, schemas, listed)
            if self.policy.indexes:
                self._index(existing["Name"], keys)

    def _index(self, table: str, keys: Sequence[str]) -> None:
        place = {"DatabaseName": self.database, "TableName": table}
        if not self.glue.get_partition_indexes(**place)["PartitionIndexDescriptorList"]:
            index = {"IndexName": INDEX, "Keys": list(keys)}
            self.glue.create_partition_index(**place, PartitionIndex=index)
            self.info(f"Created partition index {INDEX} of table {table} in database {self.database}")

    def write_table(self, table: Document) -> None:
        """Create or update a table without files, which has no partitions either."""
        name = table["Name"]
        existing = next((found for found in self.tables() if found["Name"] == name), None)
        if existing is None:
            self.glue.create_table(DatabaseName=self.database, TableInput=table)
            self.changes.created += 1
            self.info(f"Created table {name} in database {self.database}")
        elif _same(existing, table):
            return
        elif self.policy.updates:
            self._put(table)
            self.changes.updated += 1
            self.info(f"Updated table {name} in database {self.database}")
        else:
            self.info(f"Table {name} in database {self.database} differs from its data; it is left as it is")

    def _warn_of_shadowed(self, found: FoundTable, schemas: Schemas) -> None:
        """Glue keeps a column that is also a partition key, and Athena then cannot read the table."""
        names = {name for file in found.files for name in schemas[file].columns}
        for name in sorted(names & set(found.keys)):
            self.warn(f"{found.location}: {name} is a partition key, so the column of that name is left out")

    def settle_vanished(self, table: Document) -> None:
        """Handle a table whose data is gone, as DeleteBehavior says."""
        name = table["Name"]
        if self.policy.delete == "DELETE_FROM_DATABASE":
            self.glue.delete_table(DatabaseName=self.database, Name=name)
            self.changes.deleted += 1
            self.info(f"Deleted table {name} in database {self.database}")
        elif self.policy.delete == "DEPRECATE_IN_DATABASE" and DEPRECATED not in table["Parameters"]:
            stamp = {DEPRECATED: str(int(time.time() * 1000))}
            self._put({**_input(table), "Parameters": {**table["Parameters"], **stamp}})
            self.changes.updated += 1
            self.info(f"Deprecated table {name} in database {self.database}")
        else:
            self.info(f"The data of table {name} in database {self.database} is gone; the table stays")

    def _create(self, found: FoundTable, schemas: Schemas, listed: Sequence[S3File], taken: set[str]) -> Document:
        name = self.prefix + found.name
        if name in taken:
            name = f"{name}_{hashlib.md5(found.location.encode()).hexdigest()}"
        table = self._described(name, {}, found, schemas, listed)
        self.glue.create_table(DatabaseName=self.database, TableInput=table)
        self.changes.created += 1
        self.info(f"Created table {name} in database {self.database}")
        return table

    def _update(self, existing: Document, found: FoundTable, schemas: Schemas, listed: Sequence[S3File]) -> Document:
        name = existing["Name"]
        table = self._described(name, existing, found, schemas, listed)
        if _same(existing, table):
            return existing
        if not self.policy.updates:
            self.info(f"Table {name} in database {self.database} differs from its data; it is left as it is")
            return existing
        if existing.get("PartitionKeys") and existing["PartitionKeys"] != table["PartitionKeys"]:
            self._delete_partitions(name, self.partitions(name))
        self._put(table)
        self.changes.updated += 1
        self.info(f"Updated table {name} in database {self.database}")
        return table

    def _put(self, table: Document) -> None:
        self.glue.update_table(DatabaseName=self.database, TableInput=table)

    def _described(
        self, name: str, existing: Document, found: FoundTable, schemas: Schemas, listed: Sequence[S3File]
    ) -> Document:
        fmt = schemas[found.files[0]].format
        crawled = table_columns(found, found.files, schemas)
        before = existing.get("StorageDescriptor", {}).get("Columns", [])
        by_position = fmt.classification == "csv"
        partly = self.folders is not None and bool(existing.get("PartitionKeys"))
        merges = bool(before) and (self.policy.merges or partly)
        columns = columns_after(before, crawled, merges, by_position)
        described = self._parameters(fmt, found.files, schemas, listed, found.location)
        if partly:  # Counts and sizes describe the whole table.
            described = dict(existing["StorageDescriptor"]["Parameters"])
        kept = {key: value for key, value in existing.get("Parameters", {}).items() if key != DEPRECATED}
        return {
            "Owner": "owner",
            **{key: existing[key] for key in _KEPT_FROM_TABLE if existing.get(key)},
            "Name": name,
            "StorageDescriptor": storage(
                fmt, columns, found.location, described, _spellings(existing, found.files, schemas)
            ),
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in found.keys],
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {**kept, **described},
        }

    def _parameters(
        self, fmt: Format, files: Sequence[S3File], schemas: Schemas, listed: Sequence[S3File], location: str
    ) -> dict[str, str]:
        own_files = [file for file in listed if file.uri.startswith(location)]
        return parameters(self.crawler, fmt, own_files, sum(schemas[file].records for file in files))

    def _write_partitions(self, table: Document, found: FoundTable, schemas: Schemas, listed: Sequence[S3File]) -> None:
        known = self.partitions(table["Name"])
        wanted = {
            values: self._partition(table, values, found, files, schemas) for values, files in found.partitions.items()
        }
        self._create_partitions(table["Name"], [part for values, part in wanted.items() if values not in known])
        if self.policy.new_folders_only:
            return
        if self.policy.updates:
            changed = [part for values, part in wanted.items() if values in known and _differ(part, known[values])]
            self._update_partitions(table["Name"], changed)
        if self.folders is None:
            others = {values: part for values, part in known.items() if values not in wanted}
            self._settle_partitions(table["Name"], _without_data(others, listed))

    def settle_emptied(self, table: Document, listed: Sequence[S3File]) -> None:
        """Handle the partitions of a table in this crawl's folders that have no data left."""
        known = self.partitions(table["Name"]) if table.get("PartitionKeys") else {}
        seen = {values: part for values, part in known.items() if f"{_location(part)}/" in (self.folders or ())}
        self._settle_partitions(table["Name"], _without_data(seen, listed))

    def _settle_partitions(self, table: str, vanished: Sequence[Values]) -> None:
        if vanished and self.policy.delete == "DELETE_FROM_DATABASE":
            self._delete_partitions(table, vanished)
        elif vanished:
            self.info(f"{len(vanished)} partitions of table {table} have no data any more; they stay")

    def _partition(
        self, table: Document, values: Values, found: FoundTable, files: Sequence[S3File], schemas: Schemas
    ) -> Document:
        fmt = schemas[files[0]].format
        own = columns_after([], table_columns(found, files, schemas), merges=False, by_position=True)
        columns = table["StorageDescriptor"]["Columns"] if self.policy.inherits else own
        records = sum(schemas[file].records for file in files)
        described = parameters(self.crawler, fmt, files, records)
        location = files[0].uri.rpartition("/")[0] + "/"
        return {
            "Values": list(values),
            "StorageDescriptor": storage(fmt, columns, location, described, _spellings(table, files, schemas)),
            "Parameters": described,
        }

    def _create_partitions(self, table: str, parts: Sequence[Document]) -> None:
        for batch in _batches(parts, _BATCH):
            self.glue.batch_create_partition(
                DatabaseName=self.database, TableName=table, PartitionInputList=list(batch)
            )
        self._count("created", table, len(parts))

    def _update_partitions(self, table: str, parts: Sequence[Document]) -> None:
        for batch in _batches(parts, _BATCH):
            entries = [{"PartitionValueList": part["Values"], "PartitionInput": part} for part in batch]
            self.glue.batch_update_partition(DatabaseName=self.database, TableName=table, Entries=entries)
        self._count("updated", table, len(parts))

    def _delete_partitions(self, table: str, vanished: Iterable[Values]) -> None:
        values = [{"Values": list(each)} for each in vanished]
        for batch in _batches(values, _DELETIONS):
            self.glue.batch_delete_partition(
                DatabaseName=self.database, TableName=table, PartitionsToDelete=list(batch)
            )
        self._count("deleted", table, len(values))

    def _count(self, change: str, table: str, number: int) -> None:
        self.changes.partitions[change] += number
        if number:
            self.info(f"{change.capitalize()} {number} partitions of table {table} in database {self.database}")


def _batches(items: Sequence[Document], size: int) -> Iterator[Sequence[Document]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _spellings(table: Document, files: Iterable[S3File], schemas: Schemas) -> dict[str, str]:
    """Return column -> JSON key as the files spell it now, or as they did before."""
    known = table.get("StorageDescriptor", {}).get("SerdeInfo", {}).get("Parameters", {}).get("paths", "").split(",")
    found = {column: name for file in files for column, name in schemas[file].spellings.items()}
    return {name.lower(): name for name in known} | found


def _location(table: Document) -> str:
    location: str = table.get("StorageDescriptor", {}).get("Location") or ""
    return location.rstrip("/")


def _input(table: Document) -> Document:
    """Return the TableInput that leaves a table unchanged."""
    fields = (*_KEPT_FROM_TABLE, "Name", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")
    return {key: table[key] for key in fields if table.get(key) is not None}


def _same(existing: Document, table: Document) -> bool:
    return all(existing.get(key) == table[key] for key in ("StorageDescriptor", "PartitionKeys", "Parameters"))


def _differ(part: Document, known: Document) -> bool:
    new, old = part["StorageDescriptor"], known.get("StorageDescriptor", {})
    return any(new[key] != old.get(key) for key in ("Columns", "SerdeInfo", "Location"))


def _without_data(parts: Mapping[Values, Document], listed: Sequence[S3File]) -> list[Values]:
    folders = {file.uri.rpartition("/")[0] for file in listed}
    return [values for values, part in parts.items() if _location(part) not in folders]

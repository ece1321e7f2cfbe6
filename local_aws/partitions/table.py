"""The partitions of one table, each a document in the store."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from local_aws.context import ACCOUNT, Context
from local_aws.protocol import AwsError, Call, Document
from local_aws.store import Store

PARTITIONS = "glue_partitions"
STATISTICS = "glue_partition_statistics"
_GIVEN = ("Values", "LastAccessTime", "StorageDescriptor", "Parameters", "LastAnalyzedTime")

Values = Sequence[str]


def key_of(*names: str) -> str:
    """Return a partition's key: `["us-east-1", "shop", "sales", "2013", "1"]` (region, database, table, values)."""
    return json.dumps(names)


def prefix_of(*names: str) -> str:
    """Return the prefix of the keys of all partitions of a table, or of a database."""
    return key_of(*names)[:-1] + ", "


def values_of(key: str) -> list[str]:
    return list(json.loads(key)[3:])


def partitions_of(store: Store, region: str, database: str, table: str) -> list[Document]:
    """Return all partitions of a table, ordered by their values as text."""
    return store.under(PARTITIONS, prefix_of(region, database, table))


def forget(store: Store, *names: str) -> None:
    """Delete all partitions of a table or a database, and their statistics."""
    with store.transaction():
        for collection in (PARTITIONS, STATISTICS):
            store.delete_all(collection, store.keys(collection, prefix_of(*names)))


def opened(context: Context, call: Call) -> Table:
    """Return the table of a call. It is read from the catalog, whose error is the answer if it does not exist."""
    database, name = call.required("DatabaseName"), call.required("TableName")
    found = context.client("glue", call.region).get_table(DatabaseName=database, Name=name)["Table"]
    types = {key["Name"]: key.get("Type") or "string" for key in found.get("PartitionKeys") or []}
    return Table(context.store, call.region, database, name, types)


@dataclass(frozen=True)
class Table:
    """Attributes: `types` are the types of the partition keys, by name and in order."""

    store: Store
    region: str
    database: str
    name: str
    types: dict[str, str]

    @property
    def prefix(self) -> str:
        return prefix_of(self.region, self.database, self.name)

    def key(self, values: Values) -> str:
        return key_of(self.region, self.database, self.name, *values)

    def listed(self) -> list[str]:
        """Return the keys of all partitions, in order."""
        return self.store.keys(PARTITIONS, self.prefix)

    def check(self, values: Values) -> None:
        """Raises AwsError: InvalidInputException, unless there is a value for each partition key."""
        if not values or len(values) != len(self.types):
            message = "The number of partition keys do not match the number of partition values"
            raise AwsError("InvalidInputException", message)

    def find(self, values: Values) -> Document | None:
        return self.store.get(PARTITIONS, self.key(values))

    def found(self, keys: Sequence[str]) -> list[Document]:
        """The partitions of those keys that are there, in this order."""
        return self.store.many(PARTITIONS, keys)

    def get(self, values: Values) -> Document:
        """Raises AwsError: EntityNotFoundException."""
        found = self.find(values)
        if found is None:
            raise AwsError("EntityNotFoundException", f"Cannot find partition {list(values)} of table {self.name}.")
        return found

    def create(self, given: Document) -> None:
        """Raises AwsError: AlreadyExistsException, InvalidInputException."""
        self.check(given.get("Values") or [])
        self._refuse_known(given["Values"])
        self._put(given["Values"], given, time.time())

    def update(self, values: Values, given: Document) -> None:
        """Replace a partition; its values may change.

        Raises:
            AwsError: EntityNotFoundException, AlreadyExistsException, InvalidInputException.
        """
        with self.store.transaction():
            before, new = self.get(values), given.get("Values") or list(values)
            self.check(new)
            if list(new) != list(values):
                self._refuse_known(new)
                self.delete(values)
            self._put(new, given, before["CreationTime"])

    def delete(self, values: Values) -> None:
        """Raises AwsError: EntityNotFoundException."""
        with self.store.transaction():
            self.get(values)
            for collection in (PARTITIONS, STATISTICS):
                self.store.delete(collection, self.key(values))

    def _refuse_known(self, values: Values) -> None:
        if self.find(values):
            raise AwsError("AlreadyExistsException", "Partition already exists.")

    def _put(self, values: Values, given: Document, created: float) -> None:
        own = {"DatabaseName": self.database, "TableName": self.name, "CatalogId": ACCOUNT, "CreationTime": created}
        kept = {name: given[name] for name in _GIVEN if given.get(name) is not None}
        self.store.put(PARTITIONS, self.key(values), {**kept, **own, "Values": list(values)})

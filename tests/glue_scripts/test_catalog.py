"""What a run writes to the Data Catalog while other runs write too."""

from __future__ import annotations

from typing import Any

import pytest

from lake_etl import catalog
from lake_etl.catalog import publish_partitions, publish_table, storage_of

STORAGE = storage_of("parquet", {"id": "int"})


class Concurrent(Exception):
    """Glue reports a concurrent change of the table."""


class Exists(Exception):
    """The table exists."""


class Glue:
    """A catalog with one table that refuses the first changes."""

    class exceptions:  # noqa: N801
        AlreadyExistsException = Exists
        ConcurrentModificationException = Concurrent

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.table: dict[str, Any] = {}
        self.updates: list[dict[str, Any]] = []

    def create_table(self, **request: Any) -> None:
        if self.table:
            raise Exists
        self.table = request["TableInput"]

    def get_table(self, **request: Any) -> dict[str, Any]:
        return {"Table": self.table | {"CreateTime": "now", "VersionId": "0"}}

    def update_table(self, **request: Any) -> None:
        self._changed()
        self.updates.append(request)
        self.table = request["TableInput"]

    def batch_create_partition(self, **request: Any) -> dict[str, Any]:
        self._changed()
        return {}

    def _changed(self) -> None:
        self.refusals -= 1
        if self.refusals >= 0:
            raise Concurrent


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "PAUSES", (0, 0, 0))


def published(glue: Any, **columns: str) -> None:
    storage = storage_of("parquet", columns)
    publish_table(glue, "curated", "t", "s3://curated/t/", storage, {"part": "string"})


def test_an_unchanged_table_is_not_updated() -> None:
    glue = Glue()
    published(glue, id="int")
    published(glue, id="int")
    assert glue.updates == []


@pytest.mark.parametrize("columns", [{"id": "bigint"}, {"id": "int", "name": "string"}, {"other": "int"}])
def test_a_table_with_changed_columns_is_updated_without_keeping_a_version(columns: dict[str, str]) -> None:
    glue = Glue()
    published(glue, id="int")
    published(glue, **columns)
    assert [update["SkipArchive"] for update in glue.updates] == [True]
    assert [column["Name"] for column in glue.table["StorageDescriptor"]["Columns"]] == list(columns)


def test_an_update_waits_for_a_concurrent_change() -> None:
    glue = Glue(refusals=3)
    published(glue, id="int")
    published(glue, id="bigint")
    assert len(glue.updates) == 1


def test_the_registration_of_partitions_waits_for_a_concurrent_change() -> None:
    glue: Any = Glue(refusals=2)
    publish_partitions(glue, "curated", "t", STORAGE, {("a",): "s3://curated/t/part=a/"})
    assert glue.refusals < 0


def test_a_concurrent_change_that_takes_too_long_fails() -> None:
    glue = Glue(refusals=99)
    published(glue, id="int")
    with pytest.raises(Concurrent):
        published(glue, id="bigint")

"""The engines' documents: those put together are stored together."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_aws.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "engines.sqlite")


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    store.put("runs", "old", {"n": 1})
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.put_all("runs", {"a": {}, "b": {}})
        store.delete("runs", "old")
        raise ZeroDivisionError
    assert store.all("runs") == {"old": {"n": 1}}
    store.put("runs", "new", {})
    assert list(store.all("runs")) == ["old", "new"]


def test_many_documents_come_in_the_order_of_their_keys_without_those_that_are_not_there(store: Store) -> None:
    store.put_all("places", {"a": {"n": 1}, 'b"\u00fc': {"n": 2}, "c": {"n": 3}})
    assert store.many("places", ["c", "nowhere", 'b"\u00fc']) == [{"n": 3}, {"n": 2}]
    assert store.many("places", []) == []


def test_keys_are_found_by_what_they_begin_with_in_their_own_order(store: Store) -> None:
    store.put_all("places", {"a/2": {}, "b/1": {}, "a/10": {}, "a": {}, "a/\u00fc": {}})
    assert store.keys("places", "a/") == ["a/10", "a/2", "a/\u00fc"]
    store.delete_all("places", store.keys("places", "a/"))
    assert store.keys("places") == ["a", "b/1"]


def test_a_change_of_a_document_that_was_deleted_does_not_bring_back_a_part_of_it(store: Store) -> None:
    store.put("runs", "a", {"name": "x", "state": "RUNNING"})
    assert store.change("runs", "a", state="STOPPED")
    assert store.get("runs", "a") == {"name": "x", "state": "STOPPED"}
    store.delete("runs", "a")
    assert not store.change("runs", "a", state="STOPPED")
    assert store.all("runs") == {}

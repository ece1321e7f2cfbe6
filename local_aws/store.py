"""The engines' memory between calls and restarts: small JSON documents in SQLite."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from local_aws.disk import no_space
from local_aws.protocol import Document

_AFTER_ALL = "\U0010ffff"


class Store:
    """Documents by collection and key. Safe to use from several threads.

    On a full disk, a change raises `AwsError` and changes nothing.

    Example:
        >>> store = Store(tmp_path / "engines.sqlite")
        >>> store.put("job_runs", "jr_1", {"JobRunState": "RUNNING"})
        >>> store.get("job_runs", "jr_1")
        {'JobRunState': 'RUNNING'}
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS document (collection TEXT, key TEXT, body TEXT, PRIMARY KEY (collection, key))"
        )

    def put(self, collection: str, key: str, document: Document) -> None:
        self._run("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", collection, key, json.dumps(document))

    def put_all(self, collection: str, documents: Mapping[str, Document]) -> None:
        """Put documents by key, all of them or none."""
        rows = [(collection, key, json.dumps(document)) for key, document in documents.items()]
        with self.transaction():
            self._db.executemany("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all changes of the block durable together, or none of them."""
        with self._lock:
            if self._db.in_transaction:  # the outer block ends it
                yield
                return
            with self._translated_errors(), self._db:  # commits, or rolls back, also if the commit fails
                self._db.execute("BEGIN IMMEDIATE")
                yield

    def get(self, collection: str, key: str) -> Document | None:
        rows = self._run("SELECT body FROM document WHERE collection = ? AND key = ?", collection, key)
        return json.loads(rows[0][0]) if rows else None

    def update(self, collection: str, key: str, **fields: object) -> Document:
        """Set `fields` of a document, which is created if missing. Returns it."""
        with self._lock:
            document = {**(self.get(collection, key) or {}), **fields}
            self.put(collection, key, document)
        return document

    def change(self, collection: str, key: str, **fields: object) -> bool:
        """Set `fields` of a document. False if there is none, for example because it was deleted meanwhile."""
        with self._lock:
            found = self.get(collection, key)
            if found is not None:
                self.put(collection, key, {**found, **fields})
        return found is not None

    def delete(self, collection: str, key: str) -> None:
        self._run("DELETE FROM document WHERE collection = ? AND key = ?", collection, key)

    def put_or_delete(self, collection: str, key: str, document: Document) -> None:
        """As `put`, but an empty document is deleted."""
        if document:
            self.put(collection, key, document)
        else:
            self.delete(collection, key)

    def delete_all(self, collection: str, keys: Iterable[str]) -> None:
        """Delete documents, all of them or none."""
        with self.transaction():
            rows = [(collection, key) for key in keys]
            self._db.executemany("DELETE FROM document WHERE collection = ? AND key = ?", rows)

    def drop(self, collection: str) -> None:
        """Delete every document of a collection."""
        self._run("DELETE FROM document WHERE collection = ?", collection)

    def keys(self, collection: str, prefix: str = "") -> list[str]:
        """Return the keys with a prefix, sorted."""
        statement = "SELECT key FROM document WHERE collection = ? AND key >= ? AND key < ? ORDER BY key"
        return [key for (key,) in self._run(statement, collection, prefix, prefix + _AFTER_ALL)]

    def many(self, collection: str, keys: Sequence[str]) -> list[Document]:
        """The documents of those keys that are there, in the order of the keys given."""
        statement = "SELECT key, body FROM document WHERE collection = ? AND key IN (SELECT value FROM json_each(?))"
        found = {key: json.loads(body) for key, body in self._run(statement, collection, json.dumps(keys))}
        return [found[key] for key in keys if key in found]

    def under(self, collection: str, prefix: str) -> list[Document]:
        """Return the documents whose keys have a prefix, sorted by key."""
        statement = "SELECT body FROM document WHERE collection = ? AND key >= ? AND key < ? ORDER BY key"
        return [json.loads(body) for (body,) in self._run(statement, collection, prefix, prefix + _AFTER_ALL)]

    def all(self, collection: str) -> dict[str, Document]:
        """Return every document of a collection by key, in the order of creation."""
        rows = self._run("SELECT key, body FROM document WHERE collection = ? ORDER BY rowid", collection)
        return {key: json.loads(body) for key, body in rows}

    def collections(self) -> dict[str, list[str]]:
        """Return the keys of every collection."""
        listing: dict[str, list[str]] = {}
        for collection, key in self._run("SELECT collection, key FROM document ORDER BY collection, rowid"):
            listing.setdefault(collection, []).append(key)
        return listing

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _run(self, statement: str, *values: str) -> list[tuple[str, ...]]:
        with self._translated_errors(), self._lock:
            return self._db.execute(statement, values).fetchall()

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Raises AwsError if SQLite reports a full disk."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise no_space(self._path.parent) from None
            raise

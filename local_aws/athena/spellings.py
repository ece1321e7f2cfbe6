"""How JSON files spell their keys: read once a file, as an object that changes has another ETag."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from local_aws.mirror import S3File

_MOST = 500_000
"""Files that are remembered."""
_Known = dict[tuple[str, str], frozenset[str]]


class Spellings:
    """The keys of JSON lines by file. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: _Known = {}

    def of(self, con: duckdb.DuckDBPyConnection, files: Sequence[S3File]) -> dict[str, list[str]]:
        """The keys of all records, by what they are in lower case. Raises duckdb.Error: a file is no JSON."""
        known = self._known
        if fresh := [file for file in files if _id(file) not in known]:
            if len(known) + len(fresh) > _MOST:
                known, fresh = {}, list(files)
                self._known = known
            known.update(_read(con, fresh))
        found: dict[str, list[str]] = {}
        for name in sorted(frozenset[str]().union(*(known[_id(file)] for file in files))):
            found.setdefault(name.lower(), []).append(name)
        return found


def _id(file: S3File) -> tuple[str, str]:
    return file.uri, file.etag


def _read(con: duckdb.DuckDBPyConnection, files: Sequence[S3File]) -> _Known:
    rows = con.execute(
        "SELECT filename, list(DISTINCT name) FROM (SELECT filename, unnest(json_keys(json)) AS name "
        "FROM read_ndjson_objects(?, filename = true)) GROUP BY filename",
        [[str(file.path) for file in files]],
    ).fetchall()
    alike: dict[frozenset[str], frozenset[str]] = {}
    names = {path: alike.setdefault(each, each) for path, each in ((path, frozenset(keys)) for path, keys in rows)}
    return {_id(file): names.get(str(file.path), frozenset()) for file in files}

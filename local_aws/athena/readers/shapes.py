"""The shapes of JSON files: their keys and the kinds of values, by position."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from local_aws.athena.readers.lines import raw_lines
from local_aws.mirror import S3File


@dataclass(frozen=True)
class Shape:
    """The values at one position in a file: `kinds` are DuckDB's names of scalar types."""

    kinds: frozenset[str] = frozenset()
    fields: tuple[tuple[str, Shape], ...] = ()
    item: Shape | None = None

    @property
    def is_object(self) -> bool:
        return not self.kinds and self.item is None

    @property
    def is_array(self) -> bool:
        return not self.kinds and not self.fields and self.item is not None

    @property
    def is_null(self) -> bool:
        return not (self.kinds or self.fields or self.item)


ODD: Shape | None = None
"""The shape of a file with a line that is not an object."""


def shapes_of(con: duckdb.DuckDBPyConnection, files: Sequence[S3File]) -> Mapping[str, Shape | None]:
    """Return the shape of each file by path; ODD if a line is not a single object or has a duplicate key."""
    try:
        return _read(con, files)
    except duckdb.Error:  # A line is not JSON: find out in which file.
        if len(files) == 1:
            return {str(files[0].path): ODD}
        half = len(files) // 2
        return {**shapes_of(con, files[:half]), **shapes_of(con, files[half:])}


def _read(con: duckdb.DuckDBPyConnection, files: Sequence[S3File]) -> dict[str, Shape | None]:
    structures = f"SELECT filename, line, json_structure(line)::VARCHAR AS structure FROM {raw_lines('?')}"
    twice = f"{_keys('line')} > {_keys('structure')} AND NOT contains(structure, '[{{')"
    rows = con.execute(
        f"SELECT filename, list(DISTINCT structure), bool_or(structure IS NULL OR ({twice})) FROM ({structures}) "
        "GROUP BY filename",
        [[str(file.path) for file in files]],
    ).fetchall()
    return {path: ODD if is_odd else _merged(map(json.loads, found)) for path, found, is_odd in rows}


def _keys(text: str) -> str:
    """Return SQL that counts the keys of an object, including nested ones."""
    return f"""(length({text}) - length(replace({text}, '":', '')))"""


def _merged(structures: Iterable[Any]) -> Shape | None:
    merged: Any = None
    for structure in structures:
        if not isinstance(structure, dict):
            return ODD
        merged = _together(merged, structure)
    return _frozen(merged)


_Loose = tuple[set[str], dict[str, Any], list[Any]]


def _together(known: _Loose | None, structure: Any) -> _Loose:
    kinds, fields, items = known or (set(), {}, [])
    if isinstance(structure, dict):
        kinds.discard("")
        for name, inner in structure.items():
            fields[name] = _together(fields.get(name), inner)
    elif isinstance(structure, list):
        items[:] = [_together(items[0] if items else None, structure[0] if structure else "NULL")]
    elif structure != "NULL":
        kinds.add(structure)
    return kinds, fields, items


def _frozen(loose: _Loose | None) -> Shape:
    kinds, fields, items = loose or (set(), {}, [])
    return Shape(
        frozenset(kinds),
        tuple((name, _frozen(inner)) for name, inner in fields.items()),
        _frozen(items[0]) if items else None,
    )

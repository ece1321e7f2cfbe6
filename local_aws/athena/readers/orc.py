"""ORC, each file read by Arrow; columns match by position or by name, and columns missing in the file are null."""

from __future__ import annotations

import re
from typing import Any

from local_aws.athena.errors import DATA_ERROR, QueryFailed
from local_aws.athena.hive_types import HiveType, arrow_type, parsed
from local_aws.athena.readers.source import Scope, Source, typed_null
from local_aws.athena.tables import Column
from local_aws.athena.types import sql_name, sql_string
from local_aws.mirror import S3File


def sources(scope: Scope) -> list[Source]:
    """Return the rows of a table's files.

    Raises:
        QueryFailed: a file is not ORC.
    """
    return [_source(scope, number, file) for number, file in enumerate(scope.files)]


def _source(scope: Scope, number: int, file: S3File) -> Source:
    import pyarrow.dataset as ds  # 50 MB of memory that only ORC needs

    view = f"{scope.name}_orc_{number}"
    try:
        data = ds.dataset(str(file.path), format="orc")
    except (ValueError, OSError) as error:
        raise QueryFailed(f"HIVE_BAD_DATA: {file.uri} is no valid ORC file", DATA_ERROR) from error
    scope.con.register(view, data)
    found = zip([column.name for column in scope.table.columns], data.schema, strict=False)
    fields = dict(found) if _by_place(scope) else {field.name.lower(): field for field in data.schema}
    values = [_value(column, fields.get(column.name), file) for column in scope.table.columns]
    return Source(f"SELECT {sql_string(str(file.path))} AS filename, * FROM {view}", values)


def _value(column: Column, field: Any, file: S3File) -> str:
    if field is None:
        return typed_null(column)
    if not _fits(parsed(column.type), field.type):
        raise QueryFailed(
            f"HIVE_BAD_DATA: Field {column.name}'s type {field.type} in ORC file {file.uri} (its column {field.name}) "
            f"is incompatible with type {column.type} defined in table schema",
            DATA_ERROR,
        )
    return f"f.{sql_name(field.name)}"


def _fits(kind: HiveType, there: Any) -> bool:
    """Whether values of an Arrow type can be read as a catalog type; the fields of a struct match by name."""
    if kind.name in ("array", "map", "struct"):
        return _parts_fit(kind, there)
    here = str(arrow_type(kind))
    return any(re.match(family, here) and re.match(family, str(there)) for family in _FAMILIES)


def _parts_fit(kind: HiveType, there: Any) -> bool:
    import pyarrow.types as types  # 40 MB of memory that only ORC needs

    if kind.name == "struct":
        if not types.is_struct(there):
            return False
        fields = {field.name.lower(): field.type for field in there}
        return all(name not in fields or _fits(child, fields[name]) for name, child in kind.fields)
    parts: tuple[Any, ...]
    if kind.name == "map":
        parts = (there.key_type, there.item_type) if types.is_map(there) else ()
    else:
        parts = (there.value_type,) if types.is_list(there) else ()
    return bool(parts) and all(map(_fits, kind.children, parts))


_FAMILIES = ("int", "float|double", "(large_)?string", "(large_)?binary", "decimal", "date", "timestamp", "bool")
"""Prefixes of Arrow type names: types of one family are read as each other if the values fit."""


def _by_place(scope: Scope) -> bool:
    """Whether columns match by position, as in AWS by default."""
    given = {**scope.table.parameters, **scope.options}.get("orc.column.index.access", "true")
    return given.strip().lower() != "false"

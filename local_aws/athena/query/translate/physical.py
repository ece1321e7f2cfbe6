"""How DuckDB represents values of Trino's types."""

from __future__ import annotations

import re

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.types import DAYS, MONTHS, ZONED, ZONED_TIME, Type
from local_aws.athena.types import sql_name

_ENGINE = {
    "boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INTEGER", "bigint": "BIGINT",
    "real": "FLOAT", "double": "DOUBLE", "varchar": "VARCHAR", "char": "VARCHAR", "json": "VARCHAR",
    "varbinary": "BLOB", "date": "DATE", "time": "TIME", "timestamp": "TIMESTAMP", "uuid": "UUID",
    "ipaddress": "BLOB", "color": "INTEGER", "unknown": "INTEGER", DAYS: "BIGINT", MONTHS: "INTEGER",
    ZONED: "STRUCT(i TIMESTAMP, z VARCHAR)", ZONED_TIME: "STRUCT(i BIGINT, z INTEGER)",
    "hyperloglog": "BLOB", "p4hyperloglog": "BLOB", "setdigest": "BLOB", "tdigest": "BLOB", "qdigest": "BLOB",
}  # fmt: skip
"""A char has no trailing blanks, an interval is milliseconds or months, `i` is UTC, `z` a zone or its minutes."""


def physical(kind: Type) -> str:
    """Return the DuckDB type: `decimal(5,2)` -> `DECIMAL(5,2)`, `array(bigint)` -> `BIGINT[]`."""
    if kind.base == "decimal":
        return f"DECIMAL({kind.precision},{kind.scale})"
    if kind.base == "array":
        return f"{physical(kind.item)}[]"
    if kind.base == "map":
        return f"MAP({physical(kind.children[0])}, {physical(kind.children[1])})"
    if kind.base == "row":
        names = map(sql_name, field_names(kind))
        return f"STRUCT({', '.join(f'{n} {physical(k)}' for n, k in zip(names, kind.children, strict=True))})"
    return _ENGINE[kind.base]


def field_names(kind: Type) -> list[str]:
    """Return the names of a row's fields in DuckDB; `field0`... for those without a name or with a used one."""
    found: list[str] = []
    for i, name in enumerate(kind.names):
        if name and re.search(r"[\x00-\x1f]", name):
            raise QueryFailed(f"INVALID_COLUMN_REFERENCE: the name {name!r} of a field has a control character")
        taken = not name or name.lower() in (one.lower() for one in found)
        found.append(f"field{i}" if taken or not name else name)
    return found

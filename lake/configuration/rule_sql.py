"""The rules of `expect` as Spark SQL: the Python and the Scala job evaluate the same text."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

Literal = Callable[[Any], str]
"""Writes a value as a SQL literal."""
NOT_READ = {"in": ("values",), "between": ("least", "most"), "fresh": ("hours",)}
"""Rule kind -> settings that are already in the SQL, so that jobs need not read them."""


def evaluated(rule: dict[str, Any]) -> dict[str, str]:
    """How a job evaluates a row.

    Returns:
        `fails`: SQL that is true for a row that fails, and null for one that is not evaluated. As in DQDL, null values
        fail all rules about values. It may use `_lake_there`, true if the other dataset has the row's key, and
        `_lake_now`, the start of the run. `needs`: the type that the column must have, if any.
    """
    needs = _needs(rule)
    return {"fails": _fails(rule), **({"needs": needs} if needs else {})}


def _fails(rule: dict[str, Any]) -> str:
    columns = [_quoted(name) for name in rule["columns"]]
    match rule["kind"]:
        case "rows":
            return "false"
        case "complete":
            return f"{columns[0]} IS NULL"
        case "unique":
            return _repeated(columns, rule.get("where", "true"))
        case "refers":
            return "_lake_there IS NULL"
    return f"NOT coalesce({_holds(rule, columns[0])}, false)"


def _holds(rule: dict[str, Any], column: str) -> str:
    match rule["kind"]:
        case "in":
            values = [value for value in rule["values"] if value is not None]
            listed = _compared(column, lambda literal: f"{column} IN ({', '.join(map(literal, values))})")
            return f"{listed}, {column} IS NULL" if None in rule["values"] else listed
        case "between":
            return _compared(column, lambda literal: _within(column, rule["least"], rule["most"], literal))
        case "matches":
            entire = rf"\A(?:{rule['pattern']})\z"
            return f"{column} RLIKE {_literal(entire)}"
    return f"CAST({column} AS timestamp) >= _lake_now - make_dt_interval(0, {rule['hours']})"


def _within(column: str, least: float | None, most: float | None, literal: Literal) -> str:
    limits = {">=": least, "<=": most}
    parts = [f"{column} {sign} {literal(limit)}" for sign, limit in limits.items() if limit is not None]
    # Spark orders NaN above all numbers.
    return " AND ".join([*parts, *([f"NOT isnan({column})"] if most is None else [])])


def _compared(column: str, comparison: Callable[[Literal], str]) -> str:
    """The comparison of a column with literals. For a float column, 0.1 is the float, not the nearest double.

    typeof costs nothing: Spark evaluates it before it reads a row.
    """
    plain, of_floats = comparison(_literal), comparison(_float)
    return plain if plain == of_floats else f"if(typeof({column}) = 'float', {of_floats}, {plain})"


def _repeated(columns: list[str], where: str) -> str:
    """Whether another row has the same values. Rows with only nulls have no key and are not evaluated."""
    key = ", ".join(f"CAST({column} AS string)" for column in columns)
    # The newline ends a comment that the condition may end with.
    same = f"count(CASE WHEN {where}\nTHEN 1 END) OVER (PARTITION BY {', '.join(columns)})"
    return f"CASE WHEN coalesce({key}) IS NOT NULL THEN {same} > 1 END"


def _needs(rule: dict[str, Any]) -> str:
    texts = any(isinstance(value, str) for value in rule.get("values", []))
    return {
        "in": "string" if texts else "numeric",
        "between": "numeric",
        "matches": "string",
        "fresh": "date or timestamp or timestampntz",
    }.get(rule["kind"], "")


def _literal(value: str | float) -> str:
    if isinstance(value, str):
        # Spark would replace ${name} with a setting of its session.
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\u0024{") + "'"
    return f"{value!r}D" if isinstance(value, float) else str(value)


def _float(value: str | float) -> str:
    """A float literal, so that the comparison uses 24-bit precision."""
    if isinstance(value, str) or _is_float(value):
        return _literal(value)
    return f"float({value!r}D)" if isinstance(value, float) else f"{value}D"


def _is_float(value: float) -> bool:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0]) == value
    except OverflowError:
        return isinstance(value, float)


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"

"""SQL for the texts that LazySimpleSerDe writes: it reads the same values in them."""

from __future__ import annotations

from local_aws.athena.hive_types import HiveType
from local_aws.athena.readers.lazy_simple import Marks
from local_aws.athena.types import bound, sql_name, sql_string


def cell(value: str, kind: HiveType, marks: Marks, level: int = 1) -> str:
    """Return SQL for the text of a value; a null stays null. `level` is that of the delimiter between its parts.

    Raises:
        QueryFailed: the type is nested deeper than there are delimiters.
    """
    if kind.name == "array":
        item = f"z{level}"
        items = f"list_transform({value}, lambda {item}: {_part(item, kind.children[0], marks, level + 1)})"
        return f"array_to_string({items}, {sql_string(marks.delimiter(level))})"
    if kind.name == "map":
        return _map(value, kind, marks, level)
    if kind.name == "struct":
        return _struct(value, kind, marks, level)
    return _plain(value, kind, marks)


def _part(value: str, kind: HiveType, marks: Marks, level: int) -> str:
    return f"coalesce({cell(value, kind, marks, level)}, {sql_string(marks.null)})"


def _map(value: str, kind: HiveType, marks: Marks, level: int) -> str:
    entry = f"z{level}"
    key, own = (
        _part(f"{entry}.{part}", child, marks, level + 2)
        for part, child in zip(("key", "value"), kind.children, strict=True)
    )
    pair = f"{key} || {sql_string(marks.delimiter(level + 1))} || {own}"
    pairs = f"list_transform(map_entries({value}), lambda {entry}: {pair})"
    return f"array_to_string({pairs}, {sql_string(marks.delimiter(level))})"


def _struct(value: str, kind: HiveType, marks: Marks, level: int) -> str:
    row = f"z{level}"
    parts = [_part(f"{row}.{sql_name(name)}", child, marks, level + 1) for name, child in kind.fields]
    text = f" || {sql_string(marks.delimiter(level))} || ".join(parts)
    return bound(row, value, f"CASE WHEN {row} IS NOT NULL THEN {text} END")


def _plain(value: str, kind: HiveType, marks: Marks) -> str:
    if kind.name == "binary":
        return f"base64({value})"
    if kind.name in ("float", "double"):
        return f"athena_double_text(CAST({value} AS VARCHAR))"
    if not kind.is_text:
        return f"CAST({value} AS VARCHAR)"
    if not marks.escape:
        return value
    special = "".join(f"\\x{{{ord(mark):x}}}" for mark in marks.escape + marks.delimiters)
    escape = sql_string(marks.escape.replace("\\", "\\\\") + "\\0")
    return f"regexp_replace({value}, '[{special}]', {escape}, 'g')"

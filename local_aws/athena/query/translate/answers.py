"""Values in the text form of Athena's results, by their Trino type."""

from __future__ import annotations

from local_aws.athena.query.functions.signatures import Python
from local_aws.athena.query.python import numbers, rare
from local_aws.athena.query.translate import casts
from local_aws.athena.query.translate.expressions import Translation
from local_aws.athena.query.types import VARCHAR, Type
from local_aws.athena.types import sql_string


def shown(t: Translation, value: str, kind: Type) -> str:
    """Return SQL for a value's text in the CSV: `[1, null]`, `{a=1}`, `1.0E10`, `05:00:00.000`."""
    if kind.base == "array":
        item = t.variable()
        items = f"list_transform({value}, lambda {item}: {_or_null(t, item, kind.item)})"
        return f"('[' || array_to_string({items}, ', ') || ']')"
    if kind.base == "map":
        entry = t.variable()
        key, own = (_or_null(t, f"{entry}.{part}", k) for part, k in zip(("key", "value"), kind.children, strict=True))
        entries = f"list_transform(map_entries({value}), lambda {entry}: {key} || '=' || {own})"
        return f"('{{' || array_to_string({entries}, ', ') || '}}')"
    if kind.base == "row":
        return _row(t, value, kind)
    return _scalar(t, value, kind)


def _scalar(t: Translation, value: str, kind: Type) -> str:
    if kind.base == "real":
        large = t.python("real", Python(numbers.java_real), [value], [kind], VARCHAR)
        return f"CASE WHEN abs({value}) < 1e7 THEN athena_double_text(CAST({value} AS VARCHAR)) ELSE {large} END"
    if kind.is_floating:
        return f"athena_double_text(CAST({value} AS VARCHAR))"
    if kind.has_precision:
        return casts.moment_text(value, kind, max(kind.precision, 3))
    if kind.base == "varbinary":
        return f"rtrim(regexp_replace(lower(hex({value})), '(..)', '\\1 ', 'g'))"
    if kind.base in ("hyperloglog", "p4hyperloglog", "setdigest", "tdigest", "qdigest"):
        return t.python("digest", Python(rare.hex_of), [value], [kind], VARCHAR)
    if kind.base == "char":
        return f"rpad({value}, {kind.length}, ' ')"
    return casts.to_text(t, value, kind)


def _row(t: Translation, value: str, kind: Type) -> str:
    parts = []
    for i, (name, child) in enumerate(zip(kind.names, kind.children, strict=True)):
        label = sql_string((name or f"field{i}") + "=")
        parts.append(f"{label} || {_or_null(t, f'struct_extract_at({value}, {i + 1})', child)}")
    fields = " || ', ' || ".join(parts)
    return f"CASE WHEN {value} IS NOT NULL THEN '{{' || {fields} || '}}' END"


def _or_null(t: Translation, value: str, kind: Type) -> str:
    return f"coalesce({shown(t, value, kind)}, 'null')"

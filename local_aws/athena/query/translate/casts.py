"""CAST between all types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_aws.athena.query.functions.signatures import Python
from local_aws.athena.query.python import calendars, json_casts, numbers, rare
from local_aws.athena.query.translate.physical import field_names, physical
from local_aws.athena.query.types import DAYS, JSON, MONTHS, VARCHAR, ZONED, ZONED_TIME, Type
from local_aws.athena.types import sql_string

if TYPE_CHECKING:
    from local_aws.athena.query.translate.expressions import Translation


def cast(t: Translation, text: str, source: Type, target: Type) -> str:
    """Return the SQL of a cast value."""
    if source == target:
        return text
    if source.base == "unknown":
        return f"CAST(NULL AS {physical(target)})"
    if JSON in (source, target):
        return _json(t, text, source, target)
    if source.base in ("array", "map", "row"):
        return _nested(t, text, source, target)
    if target.is_text:
        return _bounded(to_text(t, text, source), source, target)
    if source.is_text:
        return _from_text(t, _unpadded(text, source), target)
    if target.is_number or target.base == "boolean":
        return _number(t, text, source, target)
    if source.has_precision or source.base == "date":
        return _moment(text, source, target)
    if source.base in (DAYS, MONTHS) or physical(source) == physical(target) != "BLOB":
        return text
    return _rare(t, text, source, target)


def inserted(t: Translation, text: str, source: Type, target: Type) -> str:
    """The text of a value for a column: cast, but a text is never cut."""
    if source.is_text and target.is_text and target.length is not None:
        text = f"athena_uncut({text}, {target.length}, {sql_string(f'{source} to {target}')})"
    return cast(t, text, source, target)


def _rare(t: Translation, text: str, source: Type, target: Type) -> str:
    if "BLOB" == physical(source) == physical(target) and target.base != "ipaddress":
        return text
    call = {"uuid": rare.uuid_of_bytes, "ipaddress": rare.address_of_bytes, "varbinary": rare.bytes_of_uuid}
    return t.python("rare", Python(call[target.base]), [text], [source], target)


def _unpadded(text: str, source: Type) -> str:
    return f"rpad({text}, {source.length}, ' ')" if source.base == "char" else text


def to_text(t: Translation, text: str, source: Type) -> str:
    """Return SQL for the value as CAST AS varchar writes it."""
    if source.base == "char":
        return _unpadded(text, source)
    if source.base == "real":
        return t.python("scientific", Python(numbers.scientific_real), [text], [source], VARCHAR)
    if source.base == "double":
        return t.python("scientific", Python(numbers.scientific), [f"CAST({text} AS VARCHAR)"], [VARCHAR], VARCHAR)
    if source.base == "decimal" and source.precision == source.scale:
        return f"athena_decimal_text(CAST({text} AS VARCHAR))"
    if source.has_precision:
        return moment_text(text, source, max(source.precision, 3) if "stamp" in source.base else source.precision)
    if source.base == DAYS:
        return f"athena_days_text({text})"
    if source.base == MONTHS:
        return f"athena_months_text({text})"
    if source.base in ("ipaddress", "color"):
        call = rare.address_text if source.base == "ipaddress" else rare.color_text
        return t.python("rare", Python(call), [text], [source], VARCHAR)
    return text if source.base == "varchar" else f"CAST({text} AS VARCHAR)"


def moment_text(text: str, kind: Type, digits: int) -> str:
    """Return SQL for a time or timestamp with this many fractional digits."""
    if kind.base == ZONED:
        return f"({moment_text(f'athena_local({text})', Type('timestamp', kind.args), digits)} || ' ' || {text}.z)"
    if kind.base == ZONED_TIME:
        clock = moment_text(f"athena_local_time({text})", Type("time", kind.args), digits)
        return f"({clock} || athena_offset_text({text}.z))"
    if kind.base == "time":
        text, pattern = f"(DATE '1970-01-01' + {text})", "%H:%M:%S"
    else:
        pattern = "%Y-%m-%d %H:%M:%S"
    integral = f"strftime({text}, '{pattern}')"
    return f"({integral} || '.' || left(strftime({text}, '%f'), {digits}))" if digits else integral


def _bounded(text: str, source: Type, target: Type) -> str:
    """Return SQL that truncates a text to the target's length; a value of another type must fit."""
    if target.base == "char":
        return f"rtrim(left({text}, {target.length}), ' ')"
    if target.length is None:
        return text
    if source.is_text:
        return text if (source.length or 2**31) <= target.length else f"left({text}, {target.length})"
    return f"athena_bounded({text}, {target.length}, {sql_string(str(target))})"


def _from_text(t: Translation, text: str, target: Type) -> str:
    kind = physical(target)
    if target.is_whole:
        name = {"integer": "INT"}.get(target.base, target.base.upper())
        return f"CAST(athena_whole({text}, '{name}') AS {kind})"
    if target.is_floating:
        return f"CAST(athena_floating({text}, '{target.base.upper()}') AS {kind})"
    if target.base in _READERS:
        return t.python("read", Python(_READERS[target.base], typed=True), [text], [VARCHAR], target)
    if target.base == "boolean":
        return f"athena_boolean({text})"
    if target.base == "varbinary":
        return f"encode({text})"
    if target.base == "date":
        return f"athena_date({text})"
    if target.base == "timestamp":
        return rounded(f"athena_timestamp({text})", target) if target.precision < 6 else f"athena_timestamp({text})"
    return f"CAST({text} AS {kind})"


_READERS = {
    "decimal": numbers.decimal_of, "time": calendars.time_of, ZONED: calendars.zoned_of,
    ZONED_TIME: calendars.zoned_time_of, "uuid": rare.uuid_of, "ipaddress": rare.address_of,
}  # fmt: skip


def _number(t: Translation, text: str, source: Type, target: Type) -> str:
    if target.base == "boolean":
        return f"({text} <> 0)"
    if source.is_floating and target.is_whole:
        return f"CAST(athena_rounded({text}, '{target.base}') AS {physical(target)})"
    if source.is_floating and target.base == "decimal":
        typed = Python(numbers.decimal_of_double, typed=True)
        return t.python("decimal", typed, [f"CAST({text} AS VARCHAR)"], [VARCHAR], target)
    if source.base == "decimal" and target.is_whole:
        return f"CAST(round({text}) AS {physical(target)})" if source.scale else f"CAST({text} AS {physical(target)})"
    if source.base == "decimal" and target.is_floating and source.precision > 15:
        return f"CAST(CAST({text} AS VARCHAR) AS {physical(target)})"
    return f"CAST({text} AS {physical(target)})"


_SIZES = [1000000, 100000, 10000, 1000, 100, 10, 1]


def rounded(text: str, target: Type) -> str:
    """Return SQL that rounds a time or timestamp half up to the precision of its type."""
    size, base = _SIZES[target.precision], target.base
    if size == 1:
        return text
    if base == ZONED:
        return f"{{'i': athena_round_timestamp({text}.i, {size}), 'z': {text}.z}}"
    if base == ZONED_TIME:
        return f"{{'i': athena_round_us({text}.i, {size}) % 86400000000, 'z': {text}.z}}"
    return f"athena_round_{'time' if base == 'time' else 'timestamp'}({text}, {size})"


def _moment(text: str, source: Type, target: Type) -> str:
    made = _converted(text, source.base, target.base)
    loses = source.has_precision and target.has_precision and source.precision > target.precision
    if not loses or target.base == "date":
        return made
    short = rounded(made, target)
    return f"CASE WHEN {text} IS NOT NULL THEN {short} END" if target.is_zoned else short


def _converted(text: str, source: str, target: str) -> str:
    if source == target:
        return text
    local = {ZONED: f"athena_local({text})", ZONED_TIME: f"athena_local_time({text})"}.get(source, text)
    if target == ZONED:
        if source == ZONED_TIME:
            moment = f"make_timestamp({text}.i)"
            return f"CASE WHEN {text} IS NOT NULL THEN {{'i': {moment}, 'z': athena_zone_name({text}.z)}} END"
        moment = f"(DATE '1970-01-01' + {text})" if source == "time" else f"CAST({text} AS TIMESTAMP)"
        return f"athena_zoned({moment}, 'UTC')"
    if target == ZONED_TIME:
        minutes = f"athena_zone_minutes({text})" if source == ZONED else "0"
        return f"athena_zoned_time(CAST({local} AS TIME), {minutes})"
    if target == "timestamp":
        clock = source in ("time", ZONED_TIME)
        return f"(DATE '1970-01-01' + {local})" if clock else f"CAST({local} AS TIMESTAMP)"
    return f"CAST({local} AS {'DATE' if target == 'date' else 'TIME'})"


def _json(t: Translation, text: str, source: Type, target: Type) -> str:
    typed = Python(json_casts.to_json if target == JSON else json_casts.from_json, typed=True)
    return t.python("json", typed, [text], [source], target)


def _nested(t: Translation, text: str, source: Type, target: Type) -> str:
    if physical(source) == physical(target) and _as_is(source, target):
        return text
    if source.base == "array":
        item = t.variable()
        return f"list_transform({text}, lambda {item}: {cast(t, item, source.item, target.item)})"
    if source.base == "map":
        keys, values = t.variable(), t.variable()
        new = cast(t, keys, source.children[0], target.children[0])
        made = cast(t, values, source.children[1], target.children[1])
        return (
            f"athena_map(list_transform(map_keys({text}), lambda {keys}: {new}), "
            f"list_transform(map_values({text}), lambda {values}: {made}))"
        )
    parts = [
        f"{sql_string(name)}: {cast(t, f'struct_extract_at({text}, {i})', own, due)}"
        for i, (name, own, due) in enumerate(zip(field_names(target), source.children, target.children, strict=True), 1)
    ]
    return f"CASE WHEN {text} IS NOT NULL THEN {{{', '.join(parts)}}} END"


def _as_is(source: Type, target: Type) -> bool:
    from local_aws.athena.query.analyse.coerced import same_type

    if source.children:
        return all(_as_is(own, due) for own, due in zip(source.children, target.children, strict=True))
    return same_type(source, target)

"""Operators and other syntax as DuckDB's SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from local_aws.athena.query.functions.signatures import Python
from local_aws.athena.query.nodes import Cast, Literal, Node, Special
from local_aws.athena.query.python import formats, json_functions, numbers
from local_aws.athena.query.translate.keys import keyed
from local_aws.athena.query.translate.physical import physical
from local_aws.athena.query.translate.tries import tried
from local_aws.athena.query.types import DATE, DAYS, JSON, MONTHS, VARCHAR, ZONED, ZONED_TIME, Type, decimal

if TYPE_CHECKING:
    from local_aws.athena.query.translate.expressions import Translation


def text(t: Translation, node: Special) -> str:
    return _TEXTS[node.name](t, node)


def equal(t: Translation, a: str, b: str, kind: Type, floats: tuple[bool, bool] = (True, True)) -> str:
    """Return `a = b` by value: NaN equals nothing, zones are ignored, and a null inside makes the result null."""
    if kind.is_floating:
        return _floating("=", a, b, floats)
    if kind.is_zoned:
        return f"({a}.i = {b}.i)"
    if kind.base == "row":
        parts = [
            equal(t, f"struct_extract_at({a}, {i})", f"struct_extract_at({b}, {i})", child)
            for i, child in enumerate(kind.children, 1)
        ]
        return f"({' AND '.join(parts)})"
    if kind.base == "array":
        i = t.variable()
        same = equal(t, f"{a}[{i}]", f"{b}[{i}]", kind.item)
        items = f"athena_all(list_transform(range(1, len({a}) + 1), lambda {i}: {same}))"
        return f"CASE WHEN len({a}) <> len({b}) THEN false WHEN {b} IS NOT NULL THEN {items} END"
    if kind.base == "map":
        return _equal_maps(t, a, b, kind)
    return f"({a} = {b})"


def _equal_maps(t: Translation, a: str, b: str, kind: Type) -> str:
    k = t.variable()
    same = equal(t, f"map_extract({a}, {k})[1]", f"map_extract({b}, {k})[1]", kind.children[1])
    entry = f"CASE WHEN map_contains({b}, {k}) THEN {same} ELSE false END"
    entries = f"athena_all(list_transform(map_keys({a}), lambda {k}: {entry}))"
    return f"CASE WHEN cardinality({a}) <> cardinality({b}) THEN false WHEN {b} IS NOT NULL THEN {entries} END"


def _floating(operator: str, a: str, b: str, floats: tuple[bool, bool]) -> str:
    """Compare floats with NaN, which DuckDB treats as the greatest number and as equal to itself."""
    checks = [f"NOT isnan({text})" for text, may in zip((a, b), floats, strict=True) if may]
    return f"({' AND '.join([f'{a} {operator} {b}', *checks])})"


def _may_be_nan(node: Node) -> bool:
    inner = node.value if isinstance(node, Cast) else node
    return not isinstance(inner, Literal) or isinstance(inner.value, str)  # `DOUBLE 'NaN'` is a cast of a text.


def _comparison(t: Translation, node: Special) -> str:
    a, b = map(t.of, node.arguments)
    kind, operator = node.arguments[0].type, node.name
    floats = tuple(map(_may_be_nan, node.arguments))
    if kind.is_zoned:
        return f"({a}.i {operator} {b}.i)"
    if "DISTINCT" in operator:
        return f"({keyed(t, a, kind)} {operator} {keyed(t, b, kind)})"
    if operator in ("=", "<>"):
        same = equal(t, a, b, kind, floats)  # type: ignore[arg-type]
        return same if operator == "=" else f"(NOT {same})"
    if kind.is_floating:
        return _floating(operator, a, b, floats)  # type: ignore[arg-type]
    if kind.base == "char":
        return f"(rpad({a}, {kind.length}, ' ') {operator} rpad({b}, {kind.length}, ' '))"
    return f"({keyed(t, a, kind)} {operator} {keyed(t, b, kind)})"


def _arithmetic(t: Translation, node: Special) -> str:
    a, b = map(t.of, node.arguments)
    operator, kind = node.name, physical(node.type)
    if node.type.base == "decimal":
        return _decimal(t, node, a, b)
    if node.type.is_whole:
        return f"CAST({a} {'//' if operator == '/' else operator} {b} AS {kind})"
    return f"CAST({a} {operator} {b} AS {kind})" if node.type.base == "real" else f"({a} {operator} {b})"


def _decimal(t: Translation, node: Special, a: str, b: str) -> str:
    operator, kind = node.name, node.type
    x, y = (part.type for part in node.arguments)
    if operator in ("+", "-"):
        if kind.precision < 38:
            a, b = f"CAST({a} AS {physical(kind)})", f"CAST({b} AS {physical(kind)})"
        else:
            return t.python("decimal", Python(numbers.SUMS[operator], typed=True), [a, b], [x, y], kind)
        return f"CAST({a} {operator} {b} AS {physical(kind)})"
    if operator == "*":
        if x.precision + y.precision > 38:
            return t.python("decimal", Python(numbers.product, typed=True), [a, b], [x, y], kind)
        wide = f"CAST({a} AS DECIMAL({38 - y.precision},{x.scale}))"  # DuckDB multiplies two of 18 digits in 64 bits
        return f"CAST({wide} * {b} AS {physical(kind)})"
    if operator == "%":
        return t.python("decimal", Python(numbers.remainder, typed=True), [a, b], [x, y], kind)
    return quotient(t, a, b, x, kind, y)


def quotient(t: Translation, a: str, b: str, x: Type, kind: Type, y: Type | None = None) -> str:
    """Return `a / b` at the result's scale, half up: with integers if they are large enough, else in Python."""
    y = y or decimal(19, 0)
    shift = kind.scale - x.scale + y.scale
    if x.precision + max(x.scale + 1, shift) > 38 or y.precision + y.scale + 1 > 38:
        return t.python(
            "decimal", Python(numbers.quotient, typed=True), [a, f"CAST({b} AS {physical(y)})"], [x, y], kind
        )
    unscaled = f"athena_divide({_unscaled(a, x)} * {10 ** max(shift, 0)}, {_unscaled(b, y)} * {10 ** max(-shift, 0)})"
    if not kind.scale:
        return f"CAST({unscaled} AS {physical(kind)})"
    unit = f"CAST('{'0.' + '0' * (kind.scale - 1) + '1'}' AS DECIMAL({kind.scale},{kind.scale}))"
    return f"CAST(CAST({unscaled} AS DECIMAL({38 - kind.scale},0)) * {unit} AS {physical(kind)})"


def _unscaled(text: str, kind: Type) -> str:
    if not kind.scale:
        return f"CAST({text} AS HUGEINT)"
    return f"CAST({text} * CAST('1{'0' * kind.scale}' AS DECIMAL({kind.scale + 1},0)) AS HUGEINT)"


def _negative(t: Translation, node: Special) -> str:
    return f"CAST(-{t.of(node.arguments[0])} AS {physical(node.type)})"


def plus_micros(value: str, kind: Type, micros: str) -> str:
    if kind.base == ZONED:
        return f"CASE WHEN {value} IS NOT NULL THEN {{'i': {value}.i + to_microseconds({micros}), 'z': {value}.z}} END"
    if kind.base == ZONED_TIME:
        return f"athena_shifted_time({value}, {micros})"
    if kind.base == "time":
        return f"athena_clock(((athena_micros({value}) + {micros}) % 86400000000 + 86400000000) % 86400000000)"
    return f"({value} + to_microseconds({micros}))"


def _shifted(sign: str) -> Callable[[Translation, Special], str]:
    def made(t: Translation, node: Special) -> str:
        value, step = map(t.of, node.arguments)
        step = f"(-{step})" if sign == "-" else step
        kind = node.arguments[0].type
        if node.arguments[1].type.base == DAYS:
            return (
                f"({value} + athena_day_step({step}))" if kind == DATE else plus_micros(value, kind, f"{step} * 1000")
            )
        if kind.base == ZONED:
            return f"athena_moved(athena_local({value}) + to_months({step}), {value})"
        moved = f"({value} + to_months({step}))"
        return f"CAST({moved} AS DATE)" if kind == DATE else moved

    return made


def _between_moments(t: Translation, node: Special) -> str:
    a, b = map(t.of, node.arguments)
    kind = node.arguments[0].type.base
    if kind == "date":
        return f"(CAST({a} - {b} AS BIGINT) * 86400000)"
    if kind == "time":
        return f"(athena_round_us(athena_micros({a}) - athena_micros({b}), 1000) // 1000)"
    if kind == ZONED_TIME:
        return f"(athena_round_us({a}.i - {b}.i, 1000) // 1000)"
    a, b = (f"{a}.i", f"{b}.i") if kind == ZONED else (a, b)
    return f"(athena_round_us(epoch_us({a}) - epoch_us({b}), 1000) // 1000)"


def _intervals(operator: str) -> Callable[[Translation, Special], str]:
    def made(t: Translation, node: Special) -> str:
        a, b = map(t.of, node.arguments)
        if node.arguments[1].type.is_whole and operator == "/":
            return f"CAST({a} // {b} AS {physical(node.type)})"
        return f"CAST(trunc({a} {operator} {b}) AS {physical(node.type)})"

    return made


def _case(t: Translation, node: Special) -> str:
    parts = list(map(t.of, node.arguments))
    whens = " ".join(f"WHEN {a} THEN {b}" for a, b in zip(parts[:-1:2], parts[1:-1:2], strict=True))
    return f"CASE {whens} ELSE {parts[-1]} END"


def _logic(t: Translation, node: Special) -> str:
    return f"({f' {node.name.upper()} '.join(map(t.of, node.arguments))})"


def _in(t: Translation, node: Special) -> str:
    kind = node.arguments[0].type
    texts = list(map(t.of, node.arguments))
    if kind.is_floating or kind.children or kind.is_zoned:
        return f"({' OR '.join(equal(t, texts[0], other, kind) for other in texts[1:])})"
    return f"({texts[0]} IN ({', '.join(texts[1:])}))"


def _concatenated(t: Translation, node: Special) -> str:
    parts = list(map(t.of, node.arguments))
    if node.type.base == "array":
        listed = parts[0]
        for part in parts[1:]:
            listed = f"list_concat({listed}, {part})"
        nulls = " AND ".join(f"{part} IS NOT NULL" for part in parts)
        return f"CASE WHEN {nulls} THEN {listed} END"
    if node.type.base == "char":
        padded = [f"rpad({p}, {n.type.length}, ' ')" for p, n in zip(parts, node.arguments, strict=True)]
        return f"rtrim({' || '.join(padded)}, ' ')"
    return f"({' || '.join(parts)})"


def _like(t: Translation, node: Special) -> str:
    parts = [t.cast(t.of(part), part.type, VARCHAR) for part in node.arguments]
    if len(parts) < 3:
        return f"({parts[0]} LIKE {parts[1]})"
    return t.python("like", Python(formats.like), parts, [VARCHAR] * 3, Type("boolean"))


def _now(t: Translation, node: Special) -> str:
    kind = node.type
    moment = "CAST(transaction_timestamp() AS TIMESTAMP)"
    size = 10 ** (6 - (kind.precision if kind.args else 6))
    integral = f"make_timestamp(epoch_us({moment}) // {size} * {size})"
    if kind.base == "date":
        return f"CAST({moment} AS DATE)"
    if kind.base == ZONED:
        return f"{{'i': {integral}, 'z': 'UTC'}}"
    if kind.base == ZONED_TIME:
        return f"athena_zoned_time(CAST({integral} AS TIME), 0)"
    return f"CAST({integral} AS TIME)" if kind.base == "time" else integral


def _at_zone(t: Translation, node: Special) -> str:
    value, zone = map(t.of, node.arguments)
    by = f"athena_zone_name({zone} // 60000)" if node.arguments[1].type.base == DAYS else f"athena_zone({zone})"
    if node.type.base == ZONED:
        return f"CASE WHEN {value} IS NOT NULL THEN {{'i': {value}.i, 'z': {by}}} END"
    minutes = f"CAST(athena_zone_minutes({{'i': CAST(transaction_timestamp() AS TIMESTAMP), 'z': {by}}}) AS INTEGER)"
    return f"CASE WHEN {value} IS NOT NULL THEN {{'i': {value}.i, 'z': {minutes}}} END"


def _array(t: Translation, node: Special) -> str:
    return f"CAST([{', '.join(map(t.of, node.arguments))}] AS {physical(node.type)})"


def _row(t: Translation, node: Special) -> str:
    return t.packed(node.type, list(map(t.of, node.arguments)))


def _entry(t: Translation, node: Special) -> str:
    base, key = map(t.of, node.arguments)
    kind = node.arguments[1].type
    spoken = f"CAST({key} AS VARCHAR)" if kind.children else t.text_cast(key, kind)
    return f"athena_entry({base}, {key}, {spoken})"


def _extreme(name: str) -> Callable[[Translation, Special], str]:
    def made(t: Translation, node: Special) -> str:
        parts = list(map(t.of, node.arguments))
        nulls = " OR ".join(f"{part} IS NULL" for part in parts)
        if node.type.is_floating:
            nan = " OR ".join(f"isnan({part})" for part in parts)
            nulls = f"{nulls} THEN NULL WHEN {nan} THEN CAST('nan' AS {physical(node.type)})"
            return f"CASE WHEN {nulls} ELSE {name}({', '.join(parts)}) END"
        return f"CASE WHEN {nulls} THEN NULL ELSE {name}({', '.join(parts)}) END"

    return made


def _format(t: Translation, node: Special) -> str:
    values = [_plain(t, part) for part in node.arguments]
    kinds = [
        VARCHAR if part.type.base in (ZONED_TIME, MONTHS, DAYS) or part.type.children else part.type
        for part in node.arguments
    ]
    typed = Python(formats.java_format, nulls=True, typed=True)
    return t.python("format", typed, values, kinds, node.type)


def _plain(t: Translation, part: Node) -> str:
    text = t.of(part)
    return t.text_cast(t.cast(text, part.type, JSON), JSON) if part.type.children else (
        t.text_cast(text, part.type) if part.type.base in (ZONED_TIME, MONTHS, DAYS) else text)  # fmt: skip


def _zip(t: Translation, node: Special) -> str:
    lists = list(map(t.of, node.arguments))
    i = t.variable()
    fields = t.packed(node.type.item, [f"{one}[{i}]" for one in lists])
    lengths = ", ".join(f"len({one})" for one in lists)
    nulls = " AND ".join(f"{one} IS NOT NULL" for one in lists)
    return f"CASE WHEN {nulls} THEN list_transform(range(1, greatest({lengths}) + 1), lambda {i}: {fields}) END"


def _grouping(t: Translation, node: Special) -> str:
    with t.grouped_by({}):
        parts = ", ".join(keyed(t, t.of(part), part.type) for part in node.arguments)
    return f"CAST(grouping({parts}) AS {physical(node.type)})"


def _json(call: Callable[..., object]) -> Callable[[Translation, Special], str]:
    def made(t: Translation, node: Special) -> str:
        kinds = [part.type for part in node.arguments]
        typed = Python(json_functions.bound(call, node.detail), nulls=True, typed=True)
        return t.python("json", typed, list(map(t.of, node.arguments)), kinds, node.type)

    return made


_TEXTS: dict[str, Callable[[Translation, Special], str]] = {
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"), _comparison),
    **dict.fromkeys("+-*/%", _arithmetic),
    "negative": _negative,
    "and": _logic,
    "or": _logic,
    "not": lambda t, n: f"(NOT {t.of(n.arguments[0])})",
    "is null": lambda t, n: f"({t.of(n.arguments[0])} IS NULL)",
    "in": _in,
    "like": _like,
    "case": _case,
    "coalesce": lambda t, n: f"coalesce({', '.join(map(t.of, n.arguments))})",
    "greatest": _extreme("greatest"),
    "least": _extreme("least"),
    "try": lambda t, n: tried(t, n.arguments[0], lambda: t.of(n.arguments[0])),
    "row": _row,
    "array": _array,
    "field": lambda t, n: f"struct_extract_at({t.of(n.arguments[0])}, {n.detail + 1})",
    "item": lambda t, n: f"athena_item({t.of(n.arguments[0])}, {t.of(n.arguments[1])})",
    "entry": _entry,
    "||": _concatenated,
    "now": _now,
    "at time zone": _at_zone,
    "moment + interval": _shifted("+"),
    "moment - interval": _shifted("-"),
    "moment -": _between_moments,
    "interval *": _intervals("*"),
    "interval /": _intervals("/"),
    "grouping": _grouping,
    "format": _format,
    "zip": _zip,
    "json_exists": _json(json_functions.exists),
    "json_value": _json(json_functions.value),
    "json_query": _json(json_functions.query),
    "json_object": _json(json_functions.object_of),
    "json_array": _json(json_functions.array_of),
}

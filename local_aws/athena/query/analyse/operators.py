"""Operators: their operand types and their result types."""

from __future__ import annotations

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.analyse.coerced import coerced
from local_aws.athena.query.analyse.failures import mismatch, operator_mismatch, spoken
from local_aws.athena.query.coercion import as_decimal, coerces, common, common_of
from local_aws.athena.query.nodes import Literal, Node, Special
from local_aws.athena.query.types import (
    BIGINT,
    BOOLEAN,
    DAYS,
    MONTHS,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    ZONED,
    ZONED_TIME,
    Type,
    array,
    decimal,
)

_EQUAL = ("=", "<>", "IS DISTINCT FROM", "IS NOT DISTINCT FROM")


def comparison(operator: str, a: Node, b: Node) -> Node:
    """Return a comparison.

    Raises:
        QueryFailed: TYPE_MISMATCH.
    """
    target = common(a.type, b.type)
    if target is None:
        raise operator_mismatch(operator, a.type, b.type)
    if not (target.is_comparable if operator in _EQUAL else target.is_orderable):
        raise operator_mismatch(operator, a.type, b.type)
    return Special(BOOLEAN, operator, (coerced(a, target), coerced(b, target)))


def arithmetic(operator: str, a: Node, b: Node) -> Node:
    """Return an arithmetic operation.

    Raises:
        QueryFailed: TYPE_MISMATCH.
    """
    if a.type == UNKNOWN or b.type == UNKNOWN:
        other = b.type if a.type == UNKNOWN else a.type
        a, b = coerced(a, other if other != UNKNOWN else BIGINT), coerced(b, other if other != UNKNOWN else BIGINT)
    if a.type.is_number and b.type.is_number:
        return _numbers(operator, a, b)
    if (moment := _moments(operator, a, b)) is not None:
        return moment
    raise operator_mismatch(operator, a.type, b.type)


def _numbers(operator: str, a: Node, b: Node) -> Node:
    target = common(a.type, b.type)
    if target is None or target.base != "decimal":
        target = target or a.type
        return Special(target, operator, (coerced(a, target), coerced(b, target)))
    x, y = as_decimal(a.type), as_decimal(b.type)
    return Special(_decimal(operator, x, y), operator, (coerced(a, x), coerced(b, y)))


def _decimal(operator: str, x: Type, y: Type) -> Type:
    """Return the precision and scale of Trino's decimal operators."""
    scale = max(x.scale, y.scale)
    integral = max(x.precision - x.scale, y.precision - y.scale)
    if operator in "+-":
        return decimal(min(38, integral + scale + 1), scale)
    if operator == "*":
        if x.scale + y.scale > 38:
            raise mismatch("DECIMAL scale must be in range [0, 38]")
        return decimal(min(38, x.precision + y.precision), x.scale + y.scale)
    if operator == "/":
        return decimal(min(38, x.precision + y.scale + max(y.scale - x.scale, 0)), scale)
    return decimal(min(x.precision - x.scale, y.precision - y.scale) + scale or 1, scale)


_INTERVALS = (DAYS, MONTHS)
_MOMENTS = ("date", "timestamp", ZONED, "time", ZONED_TIME)


def _moments(operator: str, a: Node, b: Node) -> Node | None:
    x, y = a.type, b.type
    if x.base in _MOMENTS and y.base in _INTERVALS and operator in "+-":
        return _shifted(operator, a, b)
    if x.base in _INTERVALS and y.base in _MOMENTS and operator == "+":
        return _shifted(operator, b, a)
    if x.base in _INTERVALS and x == y and operator in "+-":
        return Special(x, operator, (a, b))
    if x.base in _INTERVALS and y.is_number and operator in "*/":
        return Special(x, f"interval {operator}", (a, coerced(b, Type("double") if not y.is_whole else BIGINT)))
    if y.base in _INTERVALS and x.is_number and operator == "*":
        return _moments(operator, b, a)
    if x.base in _MOMENTS and x.base == y.base and operator == "-":
        return Special(Type(DAYS), "moment -", (a, b))
    return None


def _shifted(operator: str, moment: Node, interval: Node) -> Node:
    kind = moment.type
    if "time" in (kind.base, kind.base.partition(" ")[0]) and interval.type.base == MONTHS:
        raise operator_mismatch(operator, kind, interval.type)
    if kind.has_precision and interval.type.base == DAYS and kind.precision < 3:
        kind = Type(kind.base, (3,))
    return Special(kind, f"moment {operator} interval", (moment, interval))


def negative(value: Node) -> Node:
    kind = value.type
    if not (kind.is_number or kind.base in _INTERVALS or kind == UNKNOWN):
        raise mismatch(f"Cannot negate {spoken(kind)}")
    return Special(BIGINT if kind == UNKNOWN else kind, "negative", (value,))


def subscript(base: Node, index: Node) -> Node:
    kind = base.type
    if kind.base == "array":
        if not index.type.is_whole:
            raise mismatch(f"Cannot use {spoken(index.type)} for subscript of {kind}")
        return Special(kind.item, "item", (base, coerced(index, BIGINT)))
    if kind.base == "map":
        if not coerces(index.type, kind.children[0]):
            raise mismatch(f"Cannot use {spoken(index.type)} for subscript of {kind}")
        return Special(kind.children[1], "entry", (base, coerced(index, kind.children[0])))
    if kind.base == "row":
        return _field_at(base, index)
    raise mismatch(f"Subscript of {spoken(kind)} is not supported; expected an array, map or row")


def _field_at(base: Node, index: Node) -> Node:
    if not isinstance(index, Literal) or not isinstance(index.value, int):
        raise mismatch("Subscript expression on ROW requires a constant index")
    if not 1 <= index.value <= len(base.type.children):
        raise mismatch(f"ROW index out of bounds: {index.value}; the row has {len(base.type.children)} fields")
    return Special(base.type.children[index.value - 1], "field", (base,), index.value - 1)


def concatenated(parts: list[Node]) -> Node:
    """Return `||` of texts, of bytes, of arrays, or of an array and an item.

    Raises:
        QueryFailed: TYPE_MISMATCH.
    """
    kinds = [part.type for part in parts]
    if any(kind.base == "array" for kind in kinds):
        return _arrays(parts)
    if any(kind == VARBINARY for kind in kinds) and all(kind in (VARBINARY, UNKNOWN) for kind in kinds):
        return Special(VARBINARY, "||", tuple(coerced(part, VARBINARY) for part in parts))
    if not all(kind.is_text or kind == UNKNOWN for kind in kinds):
        raise operator_mismatch("||", *kinds[:2])
    if len(parts) > 127:
        raise QueryFailed("TOO_MANY_ARGUMENTS: Too many arguments for string concatenation")
    if any(kind.base == "char" for kind in kinds) and None not in [kind.length for kind in kinds if kind.is_text]:
        length = min(sum(kind.length or 0 for kind in kinds if kind.is_text), 65536)
        padded = tuple(
            coerced(part, Type("char", (part.type.length or 0 if part.type.is_text else 0,))) for part in parts
        )
        return Special(Type("char", (length,)), "||", padded)
    return Special(VARCHAR, "||", tuple(coerced(part, VARCHAR) for part in parts))


def _arrays(parts: list[Node]) -> Node:
    listed = [part.type.item for part in parts if part.type.base == "array"]
    item = common_of(listed)
    if item is None:
        raise operator_mismatch("||", *[part.type for part in parts[:2]])
    target = array(item)
    made: list[Node] = []
    for part in parts:
        if coerces(part.type, target):
            made.append(coerced(part, target))
        elif (wider := common(item, part.type)) is not None:
            return _with_item(parts, wider)
        else:
            raise operator_mismatch("||", *[part.type for part in parts[:2]])
    return Special(target, "||", tuple(made))


def _with_item(parts: list[Node], item: Type) -> Node:
    target = array(item)
    made = tuple(
        coerced(part, target)
        if part.type.base == "array" and coerces(part.type, target)
        else Special(target, "array", (coerced(part, item),))
        for part in parts
    )
    return Special(target, "||", made)


_CASTS: dict[str, tuple[str, ...]] = {
    "boolean": ("number", "text", "json"),
    "number": ("number", "text", "boolean", "json"),
    "text": ("number", "text", "boolean", "json", "moment", "interval", "uuid", "ipaddress", "varbinary"),
    "moment": ("moment", "text", "json"),
    "interval": ("interval", "text"),
    "json": ("boolean", "number", "text", "json", "moment", "array", "map", "row"),
    "uuid": ("uuid", "text", "varbinary"),
    "ipaddress": ("ipaddress", "text", "varbinary"),
    "varbinary": ("varbinary", "uuid", "ipaddress", "hyperloglog", "setdigest", "tdigest", "qdigest"),
}


def _group(kind: Type) -> str:
    if kind.is_number:
        return "number"
    if kind.is_text:
        return "text"
    return "moment" if kind.base in _MOMENTS else "interval" if kind.base in _INTERVALS else kind.base


def check_cast(source: Type, target: Type) -> None:
    """Check that a cast is possible.

    Raises:
        QueryFailed: TYPE_MISMATCH if no value of one type can be cast to the other.
    """
    if source in (UNKNOWN, target):
        return
    if source.base in ("array", "map", "row"):
        if target.base == "json":
            return
        if source.base != target.base or len(source.children) != len(target.children):
            raise _no_cast(source, target)
        for own, due in zip(source.children, target.children, strict=True):
            check_cast(own, due)
    elif _group(target) not in _CASTS.get(_group(source), ()) and source.base != target.base:
        if source.base not in ("hyperloglog", "p4hyperloglog", "setdigest", "tdigest", "qdigest"):
            raise _no_cast(source, target)
    elif not _moment_cast(source, target):
        raise _no_cast(source, target)


def _moment_cast(source: Type, target: Type) -> bool:
    clocks = ("time", ZONED_TIME)
    if (source.base == "date" and target.base in clocks) or (source.base in clocks and target.base == "date"):
        return False
    if source.base in clocks and target.base in ("timestamp", ZONED):
        return True
    return not (source.base in clocks and target.base == "json") and {source.base, target.base} != {DAYS, MONTHS}


def _no_cast(source: Type, target: Type) -> Exception:
    if source.base == target.base == "row":
        return mismatch("Cannot cast a row to one with other fields")
    return mismatch(f"Cannot cast {spoken(source)} to {target}")

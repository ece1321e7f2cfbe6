"""SQL over the leaves of a value: the values inside its arrays, maps and structs, at every level."""

from collections.abc import Callable, Iterable, Iterator

from pyspark.sql.types import ArrayType, DataType, MapType, NullType, StructField, StructType

from lake_etl.names import quoted

Condition = Callable[[str, DataType], str]  # SQL condition, from a leaf's SQL and its type


def count(value: str, type_: DataType, holds: Condition, depth: int = 0) -> str:
    """Return SQL that counts the leaves of a value (in SQL) of this type for which the condition is true.

    >>> count("x", ArrayType(IntegerType()), lambda leaf, type_: f"{leaf} IS NULL")
    "coalesce(aggregate(x, 0, (n0, each0) -> n0 + if(each0 IS NULL, 1, 0)), 0)"
    """
    if isinstance(type_, ArrayType):
        each = count(f"each{depth}", type_.elementType, holds, depth + 1)
        return f"coalesce(aggregate({value}, 0, (n{depth}, each{depth}) -> n{depth} + {each}), 0)"
    if isinstance(type_, MapType):
        sides = {"map_keys": type_.keyType, "map_values": type_.valueType}
        return _sum(count(f"{side}({value})", ArrayType(of), holds, depth) for side, of in sides.items())
    if isinstance(type_, StructType):
        return _sum(count(f"{value}.{quoted(field.name)}", field.dataType, holds, depth) for field in type_)
    return f"if({holds(value, type_)}, 1, 0)"


def leaves(type_: DataType) -> Iterator[DataType]:
    """Yield the types of a value's leaves."""
    if isinstance(type_, ArrayType):
        yield from leaves(type_.elementType)
    elif isinstance(type_, MapType):
        yield from [*leaves(type_.keyType), *leaves(type_.valueType)]
    elif isinstance(type_, StructType):
        yield from (leaf for field in type_ for leaf in leaves(field.dataType))
    else:
        yield type_


def replaced(type_: DataType, of_leaf: Callable[[DataType], DataType]) -> DataType:
    """Return the type with each leaf's type replaced."""
    if isinstance(type_, ArrayType):
        return ArrayType(replaced(type_.elementType, of_leaf))
    if isinstance(type_, MapType):
        return MapType(replaced(type_.keyType, of_leaf), replaced(type_.valueType, of_leaf))
    if isinstance(type_, StructType):
        return StructType([StructField(field.name, replaced(field.dataType, of_leaf)) for field in type_])
    return of_leaf(type_)


def shared(one: DataType, other: DataType) -> DataType:
    """Return the levels that both types have, with the first one's names. What only one of them divides is a leaf."""
    if isinstance(one, ArrayType) and isinstance(other, ArrayType):
        return ArrayType(shared(one.elementType, other.elementType))
    if isinstance(one, MapType) and isinstance(other, MapType):
        return MapType(shared(one.keyType, other.keyType), shared(one.valueType, other.valueType))
    if isinstance(one, StructType) and isinstance(other, StructType):
        pairs = zip(one, other, strict=True)
        return StructType([StructField(field.name, shared(field.dataType, like.dataType)) for field, like in pairs])
    return NullType()


def _sum(terms: Iterable[str]) -> str:
    return f"({' + '.join(['0', *terms])})"

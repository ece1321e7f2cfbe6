"""The expressions of GetPartitions: parsed by sqlglot, and evaluated by DuckDB with the partition keys' types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from local_aws.protocol import AwsError

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_TYPES = {
    **dict.fromkeys(("string", "char", "varchar"), "VARCHAR"),
    **{"date": "DATE", "timestamp": "TIMESTAMP", "int": "INTEGER", "integer": "INTEGER", "bigint": "BIGINT"},
    **{"long": "BIGINT", "tinyint": "TINYINT", "smallint": "SMALLINT", "decimal": "DECIMAL"},
}
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In, exp.Between, exp.Like)
_OPERANDS = (exp.Column, exp.Identifier, exp.Literal, exp.Neg, exp.Paren)
_ALLOWED = "=, <>, <, <=, >, >=, AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL, partition keys, texts and numbers"


def matching(expression: str, types: Mapping[str, str], rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the numbers of the rows for which an expression is true.

    Args:
        types: the types of the partition keys, by name and in order.
        rows: the values of each partition.

    Raises:
        AwsError: InvalidInputException.

    Example:
        >>> matching("year > 2012 AND month IN ('1', '2')", {"year": "int", "month": "string"}, [["2013", "1"]])
        [0]
    """
    condition = _condition(_parsed(expression), types, expression).sql("duckdb")
    # A table may have gained keys since a partition was created: the partition has no values for them.
    columns = [[row[place] if place < len(row) else None for row in rows] for place in range(len(types))]
    named = ", ".join(f"unnest(?::VARCHAR[]) AS {_name(key).sql('duckdb')}" for key in types)
    query = f"SELECT n FROM (SELECT unnest(?::INTEGER[]) AS n, {named}) WHERE {condition} ORDER BY n"
    try:
        with duckdb.connect() as con:
            return [n for (n,) in con.execute(query, [list(range(len(rows))), *columns]).fetchall()]
    except duckdb.ConversionException:
        raise _refused(expression, "a value in it is not of its partition key's type") from None


def _parsed(expression: str) -> exp.Expr:
    try:
        statements = sqlglot.parse(expression)
    except SqlglotError:
        raise _refused(expression, "it cannot be read") from None
    if len(statements) != 1 or statements[0] is None:
        raise _refused(expression, "it is not one condition")
    return statements[0]


def _condition(node: exp.Expr, types: Mapping[str, str], expression: str) -> exp.Expr:
    """Return the condition over text columns that is equivalent for the partition keys' values."""
    if isinstance(node, exp.And | exp.Or):
        sides = (_condition(side, types, expression) for side in (node.this, node.expression))
        return type(node)(**dict(zip(("this", "expression"), map(exp.paren, sides), strict=True)))
    if isinstance(node, exp.Not | exp.Paren):
        return type(node)(this=exp.paren(_condition(node.this, types, expression)))
    if isinstance(node, exp.Is) and isinstance(node.this, exp.Column) and isinstance(node.expression, exp.Null):
        return exp.EQ(this=_name(_key(node, types, expression)), expression=exp.Literal.string(NO_VALUE))
    if isinstance(node, _COMPARISONS):
        return _comparison(node, types, expression)
    raise _refused(expression, f"allowed are {_ALLOWED}")


def _comparison(node: exp.Expr, types: Mapping[str, str], expression: str) -> exp.Expr:
    parts = [part for part in node.walk() if part is not node]
    if not all(isinstance(part, _OPERANDS) for part in parts):
        raise _refused(expression, f"allowed are {_ALLOWED}")
    key = _key(node, types, expression)
    kind = "VARCHAR" if isinstance(node, exp.Like) else _duckdb_type(key, types[key], expression)

    def typed(part: exp.Expr) -> exp.Expr:
        if isinstance(part, exp.Column):
            return exp.TryCast(this=_name(key), to=exp.DataType.build(kind, dialect="duckdb"))
        return exp.cast(part, kind, dialect="duckdb") if isinstance(part, exp.Literal) else part

    return node.transform(typed)


def _key(node: exp.Expr, types: Mapping[str, str], expression: str) -> str:
    """Return the only partition key in a comparison."""
    names = {column.name.lower() for column in node.find_all(exp.Column)}
    known = {key.lower(): key for key in types}
    if len(names) != 1 or not names <= known.keys():
        raise _refused(expression, f"a comparison needs exactly one partition key; the table has {', '.join(types)}")
    return known[names.pop()]


def _duckdb_type(key: str, kind: str, expression: str) -> str:
    name, bracket, size = kind.lower().partition("(")
    if name not in _TYPES:
        raise _refused(expression, f"the partition key {key} is of the type {kind}, which has no comparisons")
    return _TYPES[name] + (bracket + size if name == "decimal" else "")


def _name(key: str) -> exp.Column:
    return exp.column(key, quoted=True)


def _refused(expression: str, reason: str) -> AwsError:
    return AwsError("InvalidInputException", f"Unsupported expression '{expression}': {reason}.")

"""An Athena query: parsed, analysed with Trino's types, and translated to DuckDB's SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
from sqlglot import exp

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.analyse.coerced import coerced
from local_aws.athena.query.analyse.expressions import Expressions
from local_aws.athena.query.analyse.queries import Statement, Tables
from local_aws.athena.query.analyse.relations import of_relation
from local_aws.athena.query.analyse.scope import Named, Scope
from local_aws.athena.query.nodes import Cast, Column, Field, Output, Query
from local_aws.athena.query.translate import macros
from local_aws.athena.query.translate.answers import shown
from local_aws.athena.query.translate.casts import cast, inserted
from local_aws.athena.query.translate.expressions import Registered, Translation
from local_aws.athena.query.translate.queries import text_of
from local_aws.athena.query.types import BOOLEAN, VARCHAR, ZONED, ZONED_TIME, Type, in_tree, of_catalog
from local_aws.athena.tables import HIDDEN
from local_aws.athena.types import sql_name


def table_fields(columns: Sequence[tuple[str, str]]) -> tuple[Field, ...]:
    """Return the fields of a table, from its column names and catalog types, and its hidden columns."""
    fields = [_field(name, of_catalog(kind)) for name, kind in columns]
    return (*fields, *(replace(_field(name, of_catalog(kind)), hidden=True) for name, kind in HIDDEN.items()))


def _field(name: str, kind: Type) -> Field:
    if kind.base == "char":
        return Field(name, kind, Cast(kind, Column(VARCHAR, "", name)))
    return Field(name, kind, Column(kind, "", name))


@dataclass
class Translated:
    """`sql` has the columns `c0`, `c1`... of `outputs`; a connection must register `functions` first."""

    sql: str
    outputs: tuple[Output, ...]
    translation: Translation = field(repr=False)

    @property
    def names(self) -> list[str]:
        """Return the column names; `_col0`... if the statement gives none."""
        return [output.name or f"_col{i}" for i, output in enumerate(self.outputs)]

    def as_texts(self) -> str:
        """Return the query with its values as the texts of the answer."""
        texts = ", ".join(
            f"{shown(self.translation, f'a.c{i}', output.type)} AS c{i}" for i, output in enumerate(self.outputs)
        )
        return f"SELECT {texts} FROM ({self.sql}) AS a"

    def as_stored(self, names: Sequence[str], kinds: Sequence[Type] | None = None) -> str:
        """The query with values as tables hold them, under these names, and of these types or their own."""
        columns = []
        given = [output.type for output in self.outputs]
        for i, (name, own, due) in enumerate(zip(names, given, kinds or given, strict=True)):
            value = inserted(self.translation, f"a.c{i}", own, due)
            if due.base == "char":
                value = cast(self.translation, value, due, VARCHAR)
            columns.append(f"{value} AS {sql_name(name)}")
        return f"SELECT {', '.join(columns)} FROM ({self.sql}) AS a"

    def prepare(self, con: duckdb.DuckDBPyConnection, *texts: str) -> None:
        """Add the macros and functions that the statement calls to a connection."""
        register(con, self.translation.functions, " ".join([self.sql, *texts]))


def register(con: duckdb.DuckDBPyConnection, functions: dict[str, Registered], sql: str) -> None:
    if statements := macros.needed(sql):
        con.execute(";".join(statements))
    for name, one in functions.items():
        make: Any = con.create_function
        make(name, one.call, list(one.takes), one.gives, null_handling="special")


def analysed(tree: exp.Expr, tables: Tables, database: str) -> Query:
    """Analyse a statement.

    Raises:
        QueryFailed: for what Trino's analysis refuses.
    """
    return Statement(tables, database).query(tree)


def translated(query: Query) -> Translated:
    translation = Translation()
    translation.query_text = lambda inner: text_of(translation, inner)
    return Translated(text_of(translation, query), query.outputs, translation)


def condition(tree: exp.Expr, columns: Sequence[tuple[str, str]], relation: str) -> tuple[str, Translation]:
    """Return a condition on the columns of one relation as DuckDB's SQL."""
    fields = tuple(
        replace(one, node=of_relation(one.node, relation)) for one in (_field(n, of_catalog(k)) for n, k in columns)
    )
    node = Expressions(Statement({}), Scope((Named(None, fields),))).of(tree)
    translation = Translation()
    return translation.of(coerced(node, BOOLEAN)), translation


_CATALOG = {"real": "float", "integer": "int", "varbinary": "binary"}
_STORED = {
    "boolean", "tinyint", "smallint", "integer", "bigint", "real", "double", "decimal", "varchar", "char", "date",
    "timestamp", "varbinary", "array", "map", "row",
}  # fmt: skip


def catalog_type(kind: Type) -> str:
    """Return the catalog's type of a column that CREATE TABLE AS makes: `array<int>`.

    Raises:
        QueryFailed: NOT_SUPPORTED for a type that tables do not have.
    """
    for part in in_tree(kind):
        if part.base not in _STORED:
            raise QueryFailed(
                f"NOT_SUPPORTED: Unsupported Hive type: {part}; cast the column to one that a table can have"
            )
    return view_type(kind)


def view_type(kind: Type) -> str:
    """Return the catalog's type of a view's column; a type that tables do not have is a string there."""
    if kind.base == "array":
        return f"array<{view_type(kind.item)}>"
    if kind.base == "map":
        return f"map<{view_type(kind.children[0])},{view_type(kind.children[1])}>"
    if kind.base == "row":
        pairs = zip(kind.names, kind.children, strict=True)
        return f"struct<{','.join(_struct_field(name, i, own) for i, (name, own) in enumerate(pairs))}>"
    if kind.base == "decimal":
        return f"decimal({kind.precision},{kind.scale})"
    if kind.base in ("varchar", "char"):
        return f"{kind.base}({kind.length})" if kind.base == "char" else "string"
    if kind.base in ("timestamp", "date", "boolean", "tinyint", "smallint", "bigint", "double"):
        return kind.base
    return _CATALOG.get(kind.base, "timestamp" if kind.base in (ZONED, ZONED_TIME) else "string")


def _struct_field(name: str | None, place: int, kind: Type) -> str:
    return f"{name or f'field{place}'}:{view_type(kind)}"


__all__ = ["Translated", "analysed", "catalog_type", "condition", "table_fields", "translated"]

"""The analysed statement: expressions with their Trino type, and the relations that they read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_aws.athena.query.types import Type

if TYPE_CHECKING:
    from local_aws.athena.query.functions.signatures import Function


@dataclass(frozen=True)
class Node:
    type: Type


@dataclass(frozen=True)
class Literal(Node):
    """`value` is None, a bool, int, str, bytes, or a number's text."""

    value: Any


@dataclass(frozen=True)
class Column(Node):
    relation: str
    name: str


@dataclass(frozen=True)
class Variable(Node):
    """A parameter of a lambda; its name is unique in the statement."""

    name: str


@dataclass(frozen=True)
class Lambda(Node):
    parameters: tuple[Variable, ...]
    body: Node


@dataclass(frozen=True)
class Cast(Node):
    value: Node
    safe: bool = False


@dataclass(frozen=True)
class Call(Node):
    """A call of a function in the table; `arguments` have its parameter types."""

    function: Function
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Special(Node):
    """An expression with its own syntax: `and`, `=`, `case`, `row`, `array`, `field`, `[]`, `try`..."""

    name: str
    arguments: tuple[Node, ...]
    detail: Any = None


@dataclass(frozen=True)
class Order:
    value: Node
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True)
class Aggregate(Node):
    function: Function
    arguments: tuple[Node, ...]
    distinct: bool = False
    order: tuple[Order, ...] = ()
    condition: Node | None = None


@dataclass(frozen=True)
class Window(Node):
    """`inner` is an aggregate or a Call of a window function; `frame` is the text of the frame with `{}` for values."""

    inner: Node
    partition: tuple[Node, ...]
    order: tuple[Order, ...]
    frame: str = ""
    bounds: tuple[Node, ...] = ()
    ignores_nulls: bool = False


@dataclass(frozen=True)
class Subquery(Node):
    """`kind` is `scalar`, `exists`, `in` or an operator with `any` or `all`: `>= all`."""

    query: Query
    kind: str = "scalar"
    value: Node | None = None


@dataclass(frozen=True)
class Field:
    """A column of a relation: its name in SQL (None without one) and how it is reached."""

    name: str | None
    type: Type
    node: Node
    hidden: bool = False


@dataclass(frozen=True)
class Output:
    """A column of a query; the SQL below names it `c0`, `c1`..."""

    name: str | None
    type: Type


@dataclass(frozen=True)
class Query:
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Select(Query):
    items: tuple[Node, ...]
    source: Relation | None = None
    where: Node | None = None
    groups: tuple[tuple[tuple[Node, ...], ...], ...] | None = None
    having: Node | None = None
    distinct: bool = False
    tail: Tail = field(default_factory=lambda: Tail())
    ctes: tuple[Cte, ...] = ()


@dataclass(frozen=True)
class SetOperation(Query):
    operator: str
    left: Query
    right: Query
    tail: Tail = field(default_factory=lambda: Tail())
    ctes: tuple[Cte, ...] = ()


@dataclass(frozen=True)
class Values(Query):
    rows: tuple[tuple[Node, ...], ...]
    tail: Tail = field(default_factory=lambda: Tail())
    ctes: tuple[Cte, ...] = ()


@dataclass(frozen=True)
class Tail:
    """ORDER BY, OFFSET and LIMIT; an int in `order` is the position of an output, from 0."""

    order: tuple[tuple[Node | int, bool, bool], ...] = ()
    limit: Node | None = None
    offset: Node | None = None
    ties: bool = False


@dataclass(frozen=True)
class Cte:
    name: str
    query: Query
    recursive: bool = False


@dataclass(frozen=True)
class Relation:
    pass


@dataclass(frozen=True)
class Scan(Relation):
    """A table, or a CTE, under an alias."""

    name: str
    alias: str
    sample: float | None = None


@dataclass(frozen=True)
class Derived(Relation):
    query: Query
    alias: str
    lateral: bool = False
    sample: float | None = None


@dataclass(frozen=True)
class Unnest(Relation):
    values: tuple[Node, ...]
    alias: str
    ordinality: bool = False


@dataclass(frozen=True)
class Join(Relation):
    """`kind` is `CROSS`, `INNER`, `LEFT`, `RIGHT` or `FULL`."""

    left: Relation
    right: Relation
    kind: str
    condition: Node | None = None

"""Expressions as DuckDB's SQL."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from local_aws.athena.query.functions.signatures import BAR, CLOSE, OPEN, Python, aggregated
from local_aws.athena.query.nodes import (
    Aggregate,
    Call,
    Cast,
    Column,
    Lambda,
    Literal,
    Node,
    Order,
    Query,
    Special,
    Subquery,
    Variable,
    Window,
)
from local_aws.athena.query.python import lists, regexps
from local_aws.athena.query.python.maps import to_engine, to_python
from local_aws.athena.query.translate import casts, keys, operators
from local_aws.athena.query.translate.physical import field_names, physical
from local_aws.athena.query.translate.tries import tried
from local_aws.athena.query.types import DAYS, MONTHS, VARCHAR, ZONED, ZONED_TIME, Type, array, row
from local_aws.athena.types import sql_name, sql_string

_AGGREGATE = re.compile(f"{OPEN}(\\w+){BAR}([^{OPEN}{CLOSE}]*){CLOSE}")
_NUMBERS = itertools.count()
"""Numbers the functions: one connection may have those of several statements."""
_QUOTED = r"""'[^']*'|"[^"]*\""""
_PLACE = re.compile(r"\{(\d|\*|r)\}")


class LambdaText(str):
    """`lambda v1, v2: body`; `apply` returns the body with other values for its parameters."""

    parameters: list[str]
    body: str

    @classmethod
    def of(cls, parameters: list[str], body: str) -> LambdaText:
        made = cls(f"lambda {', '.join(parameters)}: {body}")
        made.parameters, made.body = parameters, body
        return made

    def apply(self, *values: str) -> str:
        given = dict(zip(self.parameters, values, strict=True))
        pattern = rf"{_QUOTED}|\b(?:{'|'.join(given)})\b"
        return f"({re.sub(pattern, lambda found: given.get(found[0], found[0]), self.body)})"


@dataclass(frozen=True)
class Registered:
    """A Python function with its DuckDB parameter and result types."""

    call: Callable[..., Any]
    takes: tuple[str, ...]
    gives: str


@dataclass
class Translation:
    """Builds the SQL of a statement, and collects the Python functions that it calls."""

    functions: dict[str, Registered] = field(default_factory=dict)
    query_text: Callable[[Query], str] = lambda query: ""
    steps: dict[str, str] = field(default_factory=dict)
    """The relation that a recursive name stands for in the step that is being translated."""
    _known: dict[Any, str] = field(default_factory=dict)
    _variables: int = 0

    _shown: dict[Node, str] = field(default_factory=dict)

    physical = staticmethod(physical)

    def of(self, node: Node) -> str:
        if self._shown and (shown := self._shown.get(node)) is not None:
            return shown
        return _TEXTS[type(node)](self, node)

    @contextmanager
    def grouped_by(self, shown: dict[Node, str]) -> Iterator[None]:
        """Within, these expressions, and no others, have these texts."""
        outer, self._shown = self._shown, shown
        try:
            yield
        finally:
            self._shown = outer

    def showing(self, shown: dict[Node, str]) -> AbstractContextManager[None]:
        """Within, these expressions have these texts too."""
        return self.grouped_by({**self._shown, **shown})

    def variable(self) -> str:
        self._variables += 1
        return f"x{self._variables}"

    def cast(self, text: str, source: Type, target: Type) -> str:
        return casts.cast(self, text, source, target)

    def text_cast(self, text: str, source: Type) -> str:
        return casts.cast(self, text, source, VARCHAR)

    def packed(self, kind: Type, texts: list[str]) -> str:
        """Return SQL for a row of these values."""
        names = map(sql_string, field_names(kind))
        return "{" + ", ".join(f"{name}: {text}" for name, text in zip(names, texts, strict=True)) + "}"

    def python(self, name: str, python: Python, texts: list[str], kinds: list[Type], result: Type) -> str:
        """Return the call of a Python function, which the connection must register under the name used here."""
        key = (python, tuple(kinds), result)
        if key not in self._known:
            self._known[key] = f"py_{name}_{next(_NUMBERS)}"
            takes = tuple(map(physical, kinds)) or ("INTEGER",)
            call = _callable(python, kinds, result)
            gives = "VARCHAR" if result.is_floating else physical(result)
            self.functions[self._known[key]] = Registered(call, takes, gives)
        text = f"{self._known[key]}({', '.join(texts) or '1'})"
        return f"CAST({text} AS {physical(result)})" if result.is_floating else text

    def emitted(self, node: Call | Aggregate) -> str:
        """Return a function's SQL from its entry in the table; `<<f|x>>` of an aggregate stays marked."""
        one, kinds = node.function, [part.type for part in node.arguments]
        texts = keys.arguments(self, one.name, [self.of(part) for part in node.arguments], kinds)
        if isinstance(one.emit, str):
            return _template(one.emit, texts, physical(node.type))
        if isinstance(one.emit, Python):
            return self.python(one.name, one.emit, texts, kinds, node.type)
        return one.emit(self, texts, kinds, node.type)

    def plus_micros(self, value: str, kind: Type, micros: str) -> str:
        return operators.plus_micros(value, kind, micros)

    def average(self, text: str, result: Type) -> str:
        total = f"CAST({aggregated('sum', text)} AS DECIMAL(38,{result.scale}))"
        return operators.quotient(self, total, aggregated("count", text), Type("decimal", (38, result.scale)), result)

    def replaced_by_lambda(self, texts: list[Any]) -> str:
        """regexp_replace with a lambda: joins the pieces between matches with the lambda's result for each match."""
        pieces = array(row(("text", VARCHAR), ("groups", array(VARCHAR))))
        found = self.python("pieces", Python(regexps.pieces), texts[:2], [VARCHAR, VARCHAR], pieces)
        piece = self.variable()
        made = texts[2].apply(f"{piece}.groups")
        text = f"{piece}.text || CASE WHEN {piece}.groups IS NULL THEN '' ELSE {made} END"
        joined = f"list_transform({found}, lambda {piece}: {text})"
        nulls = f"len(list_filter({joined}, lambda {piece}: {piece} IS NULL)) > 0"
        return f"CASE WHEN {nulls} THEN NULL WHEN {texts[0]} IS NOT NULL THEN array_to_string({joined}, '') END"


def _template(template: str, texts: list[str], result: str) -> str:
    places = {"r": result, "*": ", ".join(texts), **{str(i): text for i, text in enumerate(texts)}}
    marked = re.sub(r"<<(\w+)\|", f"{OPEN}\\1{BAR}", template).replace(">>", CLOSE)
    return _PLACE.sub(lambda found: places[found[1]], marked)


def _callable(python: Python, kinds: list[Type], result: Type) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        if not python.nulls and any(value is None for value in values):
            return None
        given = [to_python(kind, value) for kind, value in zip(kinds, values, strict=True)] if kinds else []
        made = python.call(tuple(kinds), result, *given) if python.typed else python.call(*given)
        # As a text, since DuckDB takes Python's NaN for null.
        return repr(float(made)) if result.is_floating and made is not None else to_engine(result, made)

    # DuckDB inspects the number of parameters.
    names = ", ".join(f"a{i}" for i in range(max(1, len(kinds))))
    return eval(f"lambda {names}: call({names})", {"call": call})  # type: ignore[no-any-return]


def literal(node: Literal) -> str:
    kind, value = node.type, node.value
    if value is None:
        return f"CAST(NULL AS {physical(kind)})"
    if kind.base == "boolean":
        return "true" if value else "false"
    if kind.base in ("varchar", "char", "json"):
        return _quoted(value)
    if kind.base == "varbinary":
        return f"from_hex('{value.hex()}')"
    if kind.base == ZONED:
        return f"athena_zoned(TIMESTAMP '{value[0]}', {_quoted(value[1])})"
    if kind.base == ZONED_TIME:
        return f"athena_zoned_time(TIME '{value[0]}', {value[1]})"
    if kind.base in (DAYS, MONTHS) or kind.is_whole or kind.base == "unknown":
        return f"CAST({value} AS {physical(kind)})"
    return f"CAST({sql_string(str(value))} AS {physical(kind)})"


def _quoted(text: str) -> str:
    """Quote a text; control characters are escaped, because some of them mark places in our SQL."""
    pieces = re.split(r"([\x00-\x08\x0b-\x1f])", text)
    if len(pieces) == 1:
        return sql_string(text)
    parts = [f"chr({ord(p)})" if i % 2 else sql_string(p) for i, p in enumerate(pieces) if p]
    return f"({' || '.join(parts)})"


def _lambda(t: Translation, node: Lambda) -> str:
    return LambdaText.of([one.name for one in node.parameters], t.of(node.body))


def _cast(t: Translation, node: Cast) -> str:
    if isinstance(node.value, Literal) and (node.value.type.is_whole and node.type.is_whole) and not node.safe:
        return f"CAST({node.value.value} AS {physical(node.type)})"
    text = casts.cast(t, t.of(node.value), node.value.type, node.type)
    if not node.safe or text == t.of(node.value):
        return text
    return tried(t, node.value, lambda: casts.cast(t, t.of(node.value), node.value.type, node.type))


def _finished(text: str, modifiers: Callable[[str], str]) -> str:
    """Return the SQL with every marked aggregate called."""
    while OPEN in text:
        text = _AGGREGATE.sub(lambda found: modifiers(f"{found[1]}({found[2]}"), text)
    return text


def _of_rows(t: Translation, node: Aggregate) -> str:
    with t.grouped_by({}):
        if node.distinct and node.function.name == "array_agg" and keys.has_zone(node.type):
            listed = _aggregate(t, replace(node, distinct=False))
            return t.python("distinct", Python(lists.distinct), [listed], [node.type], node.type)
        return _aggregate(t, node)


def _aggregate(t: Translation, node: Aggregate, over: str = "", nulls: str = "") -> str:
    order = f" ORDER BY {orders(t, node.order)}" if node.order else ""
    kept = f" FILTER (WHERE {t.of(node.condition)})" if node.condition is not None else ""

    def called(head: str) -> str:
        name, _, inside = head.partition("(")
        inside = f"DISTINCT {inside}" if node.distinct and not inside.startswith("DISTINCT ") else inside
        return f"{name}({inside}{order}{nulls}){kept}{over}"

    return _finished(t.emitted(node), called)


def orders(t: Translation, given: tuple[Order, ...]) -> str:
    values = [keys.keyed(t, t.of(one.value), one.value.type) for one in given]
    return ", ".join(ordered(value, one.descending, one.nulls_first) for value, one in zip(values, given, strict=True))


def ordered(text: str, descending: bool, nulls_first: bool) -> str:
    return f"{text} {'DESC' if descending else 'ASC'} NULLS {'FIRST' if nulls_first else 'LAST'}"


def _window(t: Translation, node: Window) -> str:
    parts = [keys.keyed(t, t.of(part), part.type) for part in node.partition]
    partition = f"PARTITION BY {', '.join(parts)}" if parts else ""
    order = f"ORDER BY {orders(t, node.order)}" if node.order else ""
    frame = node.frame.format(*[_bound(t, node, one) for one in node.bounds])
    over = f" OVER ({' '.join(part for part in (partition, order, frame) if part)})"
    nulls = " IGNORE NULLS" if node.ignores_nulls else ""
    if isinstance(node.inner, Aggregate):
        return _aggregate(t, node.inner, over, nulls)
    return _finished(t.emitted(node.inner), lambda head: f"{head}{nulls}){over}")  # type: ignore[arg-type]


def _bound(t: Translation, node: Window, bound: Node) -> str:
    text = t.of(bound)
    if bound.type.base == DAYS:
        return f"to_microseconds({text} * 1000)"
    if bound.type.base == MONTHS:
        return f"to_months({text})"
    return text if node.frame.startswith("RANGE") else f"CAST(least({text}, 1000000000) AS BIGINT)"


def _subquery(t: Translation, node: Subquery) -> str:
    text = t.query_text(node.query)
    if node.kind == "scalar":
        return f"({text})"
    if node.kind == "exists":
        return f"EXISTS ({text})"
    if node.kind == "row":
        names = [f"s.c{i}" for i in range(len(node.query.outputs))]
        return f"(SELECT {t.packed(node.type, names)} FROM ({text}) AS s)"
    value, kind = t.of(node.value), node.value.type  # type: ignore[arg-type,union-attr]
    if node.kind == "in":
        names = [f"s.c{i}" for i in range(len(node.query.outputs))]
        found = names[0] if len(names) == 1 else t.packed(kind, names)
        return f"({keys.keyed(t, value, kind)} IN (SELECT {keys.keyed(t, found, kind)} FROM ({text}) AS s))"
    operator, _, how = node.kind.rpartition(" ")
    compared = f"SELECT {keys.keyed(t, 's.c0', kind)} FROM ({text}) AS s"
    return f"({keys.keyed(t, value, kind)} {operator} {how.upper()} ({compared}))"


_TEXTS: dict[type, Callable[[Translation, Any], str]] = {
    Literal: lambda t, n: literal(n),
    Column: lambda t, n: f"{n.relation}.{sql_name(n.name)}",
    Variable: lambda t, n: n.name,
    Lambda: _lambda,
    Cast: _cast,
    Call: lambda t, n: t.emitted(n),
    Special: lambda t, n: operators.text(t, n),
    Aggregate: _of_rows,
    Window: _window,
    Subquery: _subquery,
}

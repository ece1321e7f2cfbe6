"""The functions of Athena that sqlglot carries over by name, but that mean something else in DuckDB."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

import sqlglot
from sqlglot import exp
from sqlglot.errors import UnsupportedError

_WHOLE = (exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT)
_TEXT = (exp.DType.TEXT, exp.DType.VARCHAR, exp.DType.CHAR)
_TIMES = (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ)


def rewritten(node: exp.Expr, maps: Collection[str]) -> exp.Expr:
    """The node itself, or what says the same in DuckDB. Its children are rewritten already."""
    if isinstance(node, exp.Unnest):
        return _unnest(node, maps)
    if isinstance(node, exp.Anonymous):
        return _ANONYMOUS.get(node.name.upper(), _same)(node)
    return _TYPED.get(type(node), _same)(node)


def call(name: str, *arguments: exp.Expr | str | int | None) -> exp.Anonymous:
    values = [exp.convert(a) if isinstance(a, str | int) else a for a in arguments if a is not None]
    return exp.Anonymous(this=name, expressions=values)


def _same(node: exp.Expr) -> exp.Expr:
    return node


def _date_diff(node: exp.Expr) -> exp.Expr:
    return call("date_sub", node.text("unit").lower(), node.expression, node.this)


def _date_add(node: exp.Expr) -> exp.Expr:
    return call("athena_plus", node.this, exp.Interval(this=node.expression, unit=node.args["unit"]))


def _interval_sum(name: str) -> Callable[[exp.Expr], exp.Expr]:
    def rewrite(node: exp.Expr) -> exp.Expr:
        if isinstance(node.expression, exp.Interval):
            return call(name, node.this, node.expression)
        if isinstance(node.this, exp.Interval):
            return call(name, node.expression, node.this)
        return node

    return rewrite


def _cast(node: exp.Expr) -> exp.Expr:
    kind = node.args["to"]
    if kind.this in _TIMES:
        kind.set("expressions", [])
    if kind.this == exp.DType.JSON:
        return call("to_json", node.this)
    if kind.this in _TEXT:
        return _text_cast(node, kind)
    if kind.this in _WHOLE and not node.this.is_int:
        cast = exp.Cast(this=call("athena_whole", node.this), to=kind)
        return exp.Try(this=cast) if isinstance(node, exp.TryCast) else cast
    return node


def _text_cast(node: exp.Expr, kind: exp.Expr) -> exp.Expr:
    text = call("athena_varchar", node.this)
    return call("left", text, kind.expressions[0].this) if kind.expressions else text


def _subscript(node: exp.Expr) -> exp.Expr:
    """`a[9]` fails beyond the end where element_at(a, 9) is null; sqlglot counts the first from 0."""
    index = node.expressions[0]
    if node.args.get("safe") or not isinstance(index, exp.Literal):
        return node
    if index.is_string:
        return call("athena_entry", node.this, index)
    return call("athena_item", node.this, int(index.name) + 1)


def _slice(node: exp.Expr) -> exp.Expr:
    start, length = node.args["start"], node.args["end"]
    end = exp.Sub(this=exp.Add(this=exp.paren(start.copy()), expression=exp.paren(length)), expression=exp.convert(1))
    return call("list_slice", node.this, start, end)


def _regexp_replace(node: exp.Expr) -> exp.Expr:
    replacement = node.args.get("replacement") or exp.convert("")
    if isinstance(replacement, exp.Literal):
        replacement = exp.convert(re.sub(r"\$(\d)", r"\\\1", replacement.name))
    return call("regexp_replace", node.this, node.expression, replacement, "g")


def _json(name: str) -> Callable[[exp.Expr], exp.Expr]:
    def rewrite(node: exp.Expr) -> exp.Expr:
        path = node.expression
        text = path.sql(dialect="duckdb").strip("'") if isinstance(path, exp.JSONPath) else path
        return call(name, node.this, text)

    return rewrite


def _reduce(node: exp.Expr) -> exp.Expr:
    finish = node.args.get("finish")
    node.set("finish", None)
    if finish is None:
        return node
    variable, body = finish.expressions[0].name, exp.paren(finish.this.copy())
    return body.transform(lambda part: exp.paren(node.copy()) if _names(part, variable) else part)


def _names(part: exp.Expr, variable: str) -> bool:
    return isinstance(part, exp.Identifier | exp.Column) and part.name == variable


def _unnest(node: exp.Unnest, maps: Collection[str]) -> exp.Expr:
    """Several arrays, a map or an array of rows become a lateral SELECT; one array stays as it is."""
    alias = node.args.get("alias")
    names = len(alias.columns) if alias else 0
    lists = node.expressions
    if len(lists) == 1 and names <= 1:
        return node
    spread = names > len(lists)
    items = [_unnested(part, spread, maps) for part in lists]
    if alias and node.args.get("offset"):
        lengths = ", ".join(f"len({part.sql('duckdb')})" for part in lists)
        items.append(f"unnest(range(1, greatest({lengths}) + 1))")
        alias.append("columns", node.args["offset"])
    select = sqlglot.parse_one(f"SELECT {', '.join(items)}", read="duckdb")
    return exp.Lateral(this=exp.Subquery(this=select), alias=alias)


def _unnested(part: exp.Expr, spread: bool, maps: Collection[str]) -> str:
    text = part.sql("duckdb")
    if not spread:
        return f"unnest({text})"
    is_map = isinstance(part, exp.Map | exp.MapFromEntries) or part.name.lower() in {
        *maps,
        "athena_map_agg",
        "histogram",
    }
    return f"unnest({f'map_entries({text})' if is_map else text}, max_depth := 2)"


_JAVA = {
    "yyyy": "%Y", "YYYY": "%Y", "y": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B",
    "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M",
    "ss": "%S", "s": "%-S", "SSS": "%g", "SSSSSS": "%f", "a": "%p", "EEE": "%a", "E": "%a", "EEEE": "%A",
    "DDD": "%j", "D": "%-j", "Z": "%z", "ZZ": "%z",
}  # fmt: skip
_JAVA_PART = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>(?P<one>[A-Za-z])(?P=one)*)|(?P<other>[^A-Za-z'])")


def strftime_pattern(java: str) -> str:
    """A date pattern of Java as strftime's: `yyyy-MM-dd'T'HH` -> `%Y-%m-%dT%H`.

    Raises:
        UnsupportedError: for a letter that has no counterpart.
    """

    def counterpart(part: re.Match[str]) -> str:
        letters = part["letters"]
        if letters and letters not in _JAVA:
            raise UnsupportedError(f"the date pattern {java!r} has {letters!r}; known are {', '.join(_JAVA)}")
        return _JAVA[letters] if letters else (part["quoted"] or part["other"] or "'").replace("%", "%%")

    return _JAVA_PART.sub(counterpart, java)


def _java_pattern(name: str, value: exp.Expr, pattern: exp.Expr) -> exp.Expr:
    if not isinstance(pattern, exp.Literal):
        raise UnsupportedError("a date pattern must be a string literal here")
    return call(name, value, strftime_pattern(pattern.name))


def _renamed(name: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: call(name, *node.expressions)


def _match(combine: str) -> Callable[[exp.Expr], exp.Expr]:
    def rewrite(node: exp.Expr) -> exp.Expr:
        tested = exp.Transform(this=node.expressions[0], expression=node.expressions[1])
        return call(combine, tested)

    return rewrite


def _number(text: str) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: exp.cast(exp.convert(text), "double")


_TYPED: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.DateDiff: _date_diff,
    exp.DateAdd: _date_add,
    exp.Add: _interval_sum("athena_plus"),
    exp.Sub: _interval_sum("athena_minus"),
    exp.TimestampTrunc: lambda n: call("athena_trunc", n.text("unit").lower(), n.this),
    exp.DateTrunc: lambda n: call("athena_trunc", n.text("unit").lower(), n.this),
    exp.AtTimeZone: lambda n: call("athena_at_timezone", n.this, n.args["zone"]),
    exp.Substring: lambda n: call("athena_substr", n.this, n.args.get("start"), n.args.get("length")),
    exp.SplitPart: lambda n: call("athena_split_part", n.this, n.args["delimiter"], n.args["part_index"]),
    exp.RegexpExtract: lambda n: call("athena_regexp_extract", n.this, n.expression, n.args.get("group") or 0),
    exp.RegexpReplace: _regexp_replace,
    exp.JSONExtractScalar: _json("athena_json_scalar"),
    exp.JSONExtract: _json("athena_json_extract"),
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Bracket: _subscript,
    exp.ArraySlice: _slice,
    exp.ArrayPosition: lambda n: call("athena_position", n.this, n.expression),
    exp.ArraySize: lambda n: call("athena_cardinality", n.this),
    exp.GenerateSeries: lambda n: call("athena_sequence", n.args["start"], n.args["end"], n.args.get("step")),
    exp.Reduce: _reduce,
    exp.ParseDatetime: lambda n: _java_pattern("strptime", n.this, n.args["format"]),
    exp.Typeof: lambda n: call("lower", call("typeof", n.this)),
    exp.Format: lambda n: call("printf", n.this, *n.expressions),
    exp.Div: lambda n: call("athena_divide", n.this, n.expression),
}
_ANONYMOUS: dict[str, Callable[[exp.Expr], exp.Expr]] = {
    "AT_TIMEZONE": _renamed("athena_at_timezone"),
    "WITH_TIMEZONE": lambda n: call("timezone", n.expressions[1], n.expressions[0]),
    "FORMAT_DATETIME": lambda n: _java_pattern("strftime", *n.expressions),
    "MAP_AGG": _renamed("athena_map_agg"),
    "EVERY": _renamed("bool_and"),
    "ANY_MATCH": _match("list_bool_or"),
    "ALL_MATCH": _match("list_bool_and"),
    "NONE_MATCH": lambda n: exp.Not(this=_match("list_bool_or")(n)),
    "ARRAY_UNION": lambda n: call("list_distinct", call("list_concat", *n.expressions)),
    "ARRAYS_OVERLAP": _renamed("list_has_any"),
    "ZIP": _renamed("list_zip"),
    "CODEPOINT": _renamed("unicode"),
    "GEOMETRIC_MEAN": _renamed("geomean"),
    "IS_FINITE": _renamed("isfinite"),
    "IS_INFINITE": _renamed("isinf"),
    "INFINITY": _number("infinity"),
    "NAN": _number("nan"),
    "MAP_CONCAT": _renamed("map_concat"),
    "URL_EXTRACT_HOST": lambda n: call("athena_regexp_extract", *n.expressions, r"^\w+://([^/:?#]+)", 1),
    "URL_EXTRACT_PATH": lambda n: call("regexp_extract", *n.expressions, r"^\w+://[^/?#]*([^?#]*)", 1),
    "URL_EXTRACT_PROTOCOL": lambda n: call("regexp_extract", *n.expressions, r"^(\w+)://", 1),
    "TO_ISO8601": _renamed("athena_iso8601"),
}

"""The SQL/JSON functions: `json_exists`, `json_value`, `json_query`, `json_object`, `json_array`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.analyse.coerced import coerced
from local_aws.athena.query.analyse.failures import mismatch, spoken, syntax
from local_aws.athena.query.nodes import Literal, Node, Special
from local_aws.athena.query.python import json_path
from local_aws.athena.query.types import BOOLEAN, JSON, UNKNOWN, VARBINARY, VARCHAR, Type, parsed

if TYPE_CHECKING:
    from local_aws.athena.query.analyse.expressions import Expressions


def of(within: Expressions, tree: exp.Expr) -> Node:
    """Analyse an SQL/JSON function.

    Raises:
        QueryFailed: TYPE_MISMATCH, INVALID_PATH.
    """
    name, options = str(tree.this), dict(tree.args.get("options") or {})
    if name == "format_json":
        raise syntax("FORMAT JSON stands in the arguments of SQL/JSON functions")
    if name in ("json_object", "json_array"):
        return _constructed(within, name, tree.expressions, options)
    return _queried(within, name, tree.expressions, options)


def _argument(within: Expressions, tree: exp.Expr) -> tuple[Node, str]:
    """Return an argument and its kind: `json` for a text with FORMAT JSON, `value` for any other."""
    if type(tree).__name__ == "Clauses" and str(tree.this) == "format_json":
        node = within.of(tree.expressions[0])
        encoding = dict(tree.args.get("options") or {}).get("encoding")
        if node.type == UNKNOWN:
            node = Literal(VARCHAR, None)
        if node.type != VARBINARY and (encoding or not node.type.is_text):
            raise mismatch(f"Cannot read input of type {spoken(node.type)} as JSON")
        return node, encoding or "utf8"
    inner = tree
    if type(inner).__name__ == "Clauses":
        return within.of(tree), "utf8" if str(inner.this) in ("json_query", "json_object", "json_array") else "value"
    node = within.of(tree)
    if not (node.type.is_text or node.type.is_number or node.type.base in _VALUES or node.type.has_precision):
        raise mismatch(f"Cannot read input of type {spoken(node.type)} as JSON")
    return node, "value"


_VALUES = ("boolean", "unknown", "json", "date", "uuid", "ipaddress", "varbinary")


def _queried(within: Expressions, name: str, trees: list[exp.Expr], options: dict[str, Any]) -> Node:
    path = options["path"]
    if not isinstance(path, exp.Literal) or not path.is_string:
        raise syntax("the path of a JSON function is a text")
    _check_variables(json_path.parsed(path.name).root, options.get("names", ()))
    source, how = _argument(within, trees[0])
    if source.type == UNKNOWN:
        source = Literal(VARCHAR, None)
    if not source.type.is_text and source.type not in (VARBINARY, JSON):
        raise mismatch(f"Cannot read input of type {spoken(source.type)} as JSON using formatting JSON")
    passed = [_argument(within, tree) for tree in trees[1:]]
    passed = [(Literal(VARCHAR, None) if node.type == UNKNOWN else node, form) for node, form in passed]
    returning = parsed(options["returning"]) if "returning" in options else VARCHAR
    kind = BOOLEAN if name == "json_exists" else returning
    detail: dict[str, Any] = {
        "path": path.name, "names": tuple(options.get("names", ())), "how": (how, *(h for _, h in passed)),
        "wrapper": options.get("wrapper", "without"), "quotes": options.get("quotes", "keep"),
    }  # fmt: skip
    _check_returning(name, kind)
    defaults: list[Node] = []
    for clause in ("on_empty", "on_error"):
        given = options.get(clause, "false" if name == "json_exists" else "null")
        if isinstance(given, exp.Expr):
            defaults.append(coerced(within.of(given), kind))
            given = f"default {len(defaults) - 1}"
        detail[clause] = given
    if detail["wrapper"] != "without" and "quotes" in options:
        raise syntax("KEEP QUOTES and OMIT QUOTES cannot stand beside an ARRAY WRAPPER")
    nodes = (source, *(node for node, _ in passed), *defaults)
    return Special(kind, name, nodes, _frozen({**detail, "passed": len(passed)}))


def _check_variables(step: Any, names: Any) -> None:
    if isinstance(step, json_path.Step):
        if step.name == "variable" and step.inner[0] not in names:
            raise QueryFailed(f"INVALID_PATH: no value passed for parameter {step.inner[0]} of the JSON path")
        step = step.inner
    for part in step if isinstance(step, tuple) else ():
        _check_variables(part, names)


def _check_returning(name: str, kind: Type) -> None:
    if name == "json_query" and not kind.is_text and kind != VARBINARY and kind != JSON:
        raise mismatch(f"Cannot output JSON value as {kind} using formatting JSON")
    allowed = kind.is_text or kind.is_number or kind.base in ("boolean", "date") or kind.has_precision
    if name == "json_value" and not allowed:
        raise mismatch(f"Invalid return type of function JSON_VALUE: {kind}")


def _frozen(detail: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(detail.items()))


def _constructed(within: Expressions, name: str, trees: list[exp.Expr], options: dict[str, Any]) -> Node:
    values = [_argument(within, tree) for tree in trees]
    returning = parsed(options["returning"]) if "returning" in options else VARCHAR
    if not returning.is_text and returning not in (VARBINARY, JSON):
        raise mismatch(f"Cannot output JSON value as {returning} using formatting JSON")
    if name == "json_object":
        for node, _ in values[::2]:
            if not node.type.is_text:
                raise mismatch(f"Invalid type of JSON object key: {spoken(node.type)}; expected varchar or char")
    detail = {
        "how": tuple(how for _, how in values),
        "on_null": options.get("on_null"),
        "unique": bool(options.get("unique")),
    }
    nodes = tuple(Literal(VARCHAR, None) if node.type == UNKNOWN else node for node, _ in values)
    return Special(returning, name, nodes, _frozen(detail))

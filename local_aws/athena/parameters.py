"""`?` in a statement, and statements that were prepared under a name."""

from __future__ import annotations

import re
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from local_aws.protocol import AwsError

_EXECUTE = re.compile(r"EXECUTE\s+(\w+)(?:\s+USING\s+(.*))?\Z", re.I | re.S)
_PREPARE = re.compile(r"PREPARE\s+(\w+)\s+FROM\s+(.*)\Z", re.I | re.S)


def filled(sql: str, given: list[str], workgroup: str, client: Any) -> str:
    """The statement with a literal for every `?`; EXECUTE becomes the statement it names.

    Raises:
        AwsError: when there is no such prepared statement, or the number of parameters is not that of `?`.
    """
    execute = _EXECUTE.match(sql)
    if execute:
        sql = _prepared(execute[1], workgroup, client)
        given = [*given, *_listed(execute[2])]
    if "?" not in sql or _PREPARE.match(sql):
        return sql
    tree = _parsed(sql)
    places = sorted(tree.find_all(exp.Placeholder), key=lambda node: node.meta.get("start", 0)) if tree else []
    return _replaced(tree, given, sql) if tree is not None and places else sql


def _replaced(tree: exp.Expr, given: list[str], sql: str) -> str:
    places = [node for node in tree.dfs() if isinstance(node, exp.Placeholder)]
    if len(places) != len(given):
        raise AwsError(
            "InvalidRequestException",
            f"Incorrect number of parameters: expected {len(places)} but found {len(given)}",
        )
    literals = iter(given)
    tokens = sqlglot.tokenize(sql, read="athena")
    out, last = [], 0
    for token in tokens:
        if token.text == "?" and token.token_type == sqlglot.TokenType.PLACEHOLDER:
            out += [sql[last : token.start], _literal(next(literals))]
            last = token.end + 1
    return "".join([*out, sql[last:]])


def _literal(text: str) -> str:
    value = _parsed(f"SELECT {text}")
    if value is None or value.find(exp.Column, exp.Query) is not value and value.find(exp.Column):
        raise AwsError(
            "InvalidRequestException",
            f"the execution parameter {text!r} must be a literal of SQL; a string needs quotes: '{text}'",
        )
    return text


def _parsed(sql: str) -> exp.Expr | None:
    try:
        return sqlglot.parse_one(sql, read="athena")
    except SqlglotError:
        return None


def _listed(text: str | None) -> list[str]:
    tree = _parsed(f"SELECT {text}") if text else None
    return [item.sql(dialect="athena") for item in tree.expressions] if tree is not None else []


def _prepared(name: str, workgroup: str, client: Any) -> str:
    try:
        answer = client.get_prepared_statement(StatementName=name, WorkGroup=workgroup)
        return str(answer["PreparedStatement"]["QueryStatement"])
    except (client.exceptions.ClientError, KeyError) as error:
        raise AwsError("InvalidRequestException", f"PreparedStatement {name} was not found in workGroup {workgroup}") from error

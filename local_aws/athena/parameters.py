"""`?` parameters in a statement, and named prepared statements."""

from __future__ import annotations

import re
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.errors import QueryFailed, syntax
from local_aws.protocol import AwsError

_UNFILLED = re.compile(r"PREPARE\s", re.I)


def filled(sql: str, given: list[str], workgroup: str, client: Any) -> str:
    """Replace every `?` by a literal, and EXECUTE by the statement that it names.

    Raises:
        AwsError: the prepared statement does not exist, or the number of parameters is not that of `?`.
    """
    if execute := _execute(sql):
        sql, given = _prepared(execute[0], workgroup, client), [*given, *_listed(execute[1])]
    if _UNFILLED.match(sql) or not ("?" in sql or given):
        return sql
    places = [token.start for token in _tokens(sql) if token.token_type == TokenType.PLACEHOLDER]
    if len(places) != len(given):
        message = f"Incorrect number of parameters: expected {len(places)} but found {len(given)}"
        raise AwsError("InvalidRequestException", message)
    for place, literal in reversed(list(zip(places, map(_literal, given), strict=True))):
        sql = sql[:place] + literal + sql[place + 1 :]
    return sql


def _execute(sql: str) -> tuple[str, str] | None:
    """Return the name in `EXECUTE name [USING values]` and the text of the values; None for any other statement."""
    cursor = Cursor(sql)
    cursor.of_trino = True
    if not cursor.take("EXECUTE"):
        return None
    try:
        name = cursor.name("the name of a prepared statement")
        values = cursor.rest().strip() if cursor.take("USING") else ""
        cursor.end()
    except QueryFailed as error:
        raise AwsError("InvalidRequestException", str(error).removeprefix("SYNTAX_ERROR: ")) from error
    return name, values


def _literal(text: str) -> str:
    """Return the SQL of a parameter; what is no plain literal stands in brackets, so that `5-?` of -1 is no comment."""
    try:
        tokens = sqlglot.tokenize(text, read="athena")
        tree = sqlglot.parse_one(f"SELECT {text}", read="athena")
    except SqlglotError:
        tokens, tree = [], exp.Null()
    is_one = [name for name, value in tree.args.items() if value] == ["expressions"] and len(tree.expressions) == 1
    has_more = any(token.comments or token.token_type == TokenType.SEMICOLON for token in tokens)
    if not is_one or has_more or tree.find(exp.Column, exp.Table, exp.Alias, exp.Star):
        raise AwsError(
            "InvalidRequestException",
            f"The execution parameter {text} must be one SQL literal; a string stands in quotes: '{text}'",
        )
    return text if len(tokens) == 1 else f"({text})"


def _tokens(sql: str) -> list[Any]:
    try:
        return sqlglot.tokenize(sql, read="athena")
    except SqlglotError as error:
        raise AwsError("InvalidRequestException", syntax(error, sql)) from error


def _listed(text: str | None) -> list[str]:
    if not text:
        return []
    try:
        return [item.sql(dialect="athena") for item in sqlglot.parse_one(f"SELECT {text}", read="athena").expressions]
    except SqlglotError as error:
        raise AwsError("InvalidRequestException", f"EXECUTE ... USING {text}: {syntax(error, text)}") from error


def _prepared(name: str, workgroup: str, client: Any) -> str:
    try:
        answer = client.get_prepared_statement(StatementName=name, WorkGroup=workgroup)
        return str(answer["PreparedStatement"]["QueryStatement"]).rstrip().rstrip(";")
    except (client.exceptions.ClientError, KeyError) as error:
        message = f"PreparedStatement {name} was not found in workGroup {workgroup}"
        raise AwsError("InvalidRequestException", message) from error

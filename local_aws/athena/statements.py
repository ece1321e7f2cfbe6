"""Recognises the kind of a statement and runs it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from sqlglot import exp
from sqlglot.errors import SqlglotError

from local_aws.athena import results, writes
from local_aws.athena.ddl import alter, create_table, databases, describe, explain, prepared, repair, show, show_create
from local_aws.athena.ddl import views as views_
from local_aws.athena.ddl.cursor import Cursor
from local_aws.athena.ddl.statement import Run, Statement
from local_aws.athena.errors import QueryFailed, syntax
from local_aws.athena.query.parse import parse, parse_all
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.protocol import AwsError

LONGEST = 262_144
"""Maximum bytes of a statement in UTF-8."""
_BEGIN = 200
"""The number of characters to inspect for the kind of a statement."""
_QUERY = ("SELECT", "WITH", "VALUES", "TABLE", "(")
_GRAMMAR: dict[str, tuple[str, Callable[[Cursor], Run]]] = {
    "INSERT INTO": ("DML", writes.insert),
    "UNLOAD": ("DML", writes.unload),
    "CREATE EXTERNAL TABLE": ("DDL", create_table.external),
    "CREATE TABLE": ("DDL", create_table.plain),
    "CREATE OR REPLACE VIEW": ("DDL", views_.replace),
    "CREATE VIEW": ("DDL", views_.create),
    "CREATE DATABASE": ("DDL", databases.create),
    "CREATE SCHEMA": ("DDL", databases.create),
    "ALTER DATABASE": ("DDL", databases.alter),
    "ALTER SCHEMA": ("DDL", databases.alter),
    "DROP DATABASE": ("DDL", databases.drop),
    "DROP SCHEMA": ("DDL", databases.drop),
    "DROP VIEW": ("DDL", views_.drop_view),
    "DROP TABLE": ("DDL", views_.drop_table),
    "ALTER TABLE": ("DDL", alter.table),
    "MSCK REPAIR TABLE": ("DDL", repair.repair),
    "PREPARE": ("DDL", prepared.prepare),
    "DEALLOCATE PREPARE": ("DDL", prepared.deallocate),
    "SHOW DATABASES": ("UTILITY", show.databases),
    "SHOW SCHEMAS": ("UTILITY", show.databases),
    "SHOW TABLES": ("UTILITY", show.tables),
    "SHOW VIEWS": ("UTILITY", show.views),
    "SHOW PARTITIONS": ("UTILITY", show.partitions),
    "SHOW COLUMNS": ("UTILITY", show.columns),
    "SHOW TBLPROPERTIES": ("UTILITY", show.properties),
    "SHOW CREATE TABLE": ("UTILITY", show_create.table),
    "SHOW CREATE VIEW": ("UTILITY", show_create.view),
    "DESCRIBE": ("UTILITY", describe.describe),
    "DESC": ("UTILITY", describe.describe),
    "EXPLAIN": ("UTILITY", explain.explain),
}
_REFUSED = {
    "ALTER VIEW": "it is of multi-dialect views",
    "CREATE PROTECTED": "it is of multi-dialect views",
    "DELETE": "it is for Iceberg tables",
    "UPDATE": "it is for Iceberg tables",
    "MERGE": "it is for Iceberg tables",
    "OPTIMIZE": "it is for Iceberg tables",
    "VACUUM": "it is for Iceberg tables",
    "SHOW FUNCTIONS": "Athena's manual lists the functions",
}
"""Athena statements that the embedded AWS recognises but does not run, with the reason."""
_KINDS = {"ALTER VIEW": "DDL", "CREATE PROTECTED": "DDL", "SHOW FUNCTIONS": "UTILITY"}


def cleaned(sql: str) -> str:
    """Return the statement without leading comments and the trailing semicolon."""
    return re.sub(r"\A(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)+", "", sql, flags=re.S).rstrip().rstrip(";").rstrip()


def statement_type(sql: str) -> str:
    """Return `DML`, `DDL` or `UTILITY`."""
    begin = Cursor(sql[:_BEGIN])
    kinds = {**{words: kind for words, (kind, _) in _GRAMMAR.items()}, **_KINDS}
    return next((kind for words, kind in kinds.items() if begin.take(*words.split())), "DML")


def is_query(sql: str) -> bool:
    """Whether the result is a CSV; the result of any other statement is text."""
    return sql.upper().startswith(_QUERY)


def check(sql: str) -> None:
    """Refuse immediately what AWS refuses immediately.

    Raises:
        AwsError: InvalidRequestException for text that is not an SQL statement, is too long, or has several.
    """
    if (size := len(sql.encode())) > LONGEST:
        limit = f"Member must have length less than or equal to {LONGEST}"
        raise _invalid(f"Value at 'queryString' failed to satisfy constraint: {limit}; it has {size} bytes")
    try:
        if not is_query(sql):
            parsed(sql)
        elif len(parse_all(sql)) > 1:
            raise _invalid(f"Only one sql statement is allowed. Got: {sql}")
    except SqlglotError as error:
        raise _invalid(syntax(error, sql)) from error
    except RecursionError as error:
        raise _invalid("line 1:1: statement is too large") from error
    except QueryFailed as error:
        if not (why := str(error)).startswith("SYNTAX_ERROR: "):
            return  # The query starts and then fails.
        if ";" in [token.raw for token in Cursor(sql).tokens]:
            why = f"Only one sql statement is allowed. Got: {sql}"
        raise _invalid(why.removeprefix("SYNTAX_ERROR: ")) from error


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidRequestException", message)


def parsed(sql: str) -> Statement:
    """Parse a statement that is not a query.

    Raises:
        QueryFailed: it is not an Athena statement, has leftover text, or the embedded AWS does not run it.
    """
    cursor = Cursor(sql)
    for words, (kind, grammar) in _GRAMMAR.items():
        if cursor.take(*words.split()):
            run = grammar(cursor)
            cursor.end()
            return Statement(kind, run)
    for words, why in _REFUSED.items():
        if cursor.take(*words.split()):
            raise QueryFailed(f"NOT_SUPPORTED: the embedded AWS does not run this statement: {words}: {why}")
    word = (sql.split() or ["<EOF>"])[0]
    raise QueryFailed(f"SYNTAX_ERROR: line 1:1: mismatched input '{word}'. Expecting: a SQL statement")


def run(sql: str, session: Session, file: Path) -> Answer:
    """Run one statement; its result is written to `file` (without suffix).

    Raises:
        QueryFailed, QueryCancelled, duckdb.Error, SqlglotError: depending on the SQL.
    """
    if is_query(sql):
        return _select(sql, session, file.with_suffix(".csv"))
    return parsed(sql).run(session, file.with_suffix(".txt"))


def _select(sql: str, session: Session, file: Path) -> Answer:
    query = parse(sql)
    if not isinstance(query, exp.Query | exp.Values):
        raise QueryFailed(f"SYNTAX_ERROR: line 1:1: not a query: {sql[:80]}")
    return results.of_query(session.con, session.translated(query), file)

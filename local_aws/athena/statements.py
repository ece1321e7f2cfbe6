"""Which statement is it, and who runs it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from sqlglot import exp
from sqlglot.errors import SqlglotError

from local_aws.athena import ddl, results, writes
from local_aws.athena.errors import QueryFailed, syntax
from local_aws.athena.query.parse import parse, parse_all
from local_aws.athena.results import Answer
from local_aws.athena.session import Session
from local_aws.protocol import AwsError

_QUERY = ("SELECT", "WITH", "VALUES", "TABLE", "(")
_RUNNERS: dict[str, tuple[str, Callable[[str, Session, Path], Answer]]] = {
    r"INSERT\s+INTO": ("DML", writes.insert),
    r"UNLOAD": ("DML", writes.unload),
    r"CREATE\s+TABLE\s+.*?\bAS\b\s*(?:SELECT|WITH|VALUES|TABLE|\()": ("DDL", writes.create_table_as),
    r"CREATE\s+(?:OR\s+REPLACE\s+)?VIEW": ("DDL", ddl.create_view),
    r"CREATE\s+EXTERNAL\s+TABLE": ("DDL", ddl.create_table),
    r"CREATE\s+(?:DATABASE|SCHEMA)": ("DDL", ddl.create_database),
    r"DROP\s+(?:DATABASE|SCHEMA)": ("DDL", ddl.drop_database),
    r"DROP\s+(?:VIEW|TABLE)": ("DDL", ddl.drop_table),
    r"ALTER\s+TABLE\s+\S+\s+ADD\s": ("DDL", ddl.add_partitions),
    r"ALTER\s+TABLE\s+\S+\s+DROP\s": ("DDL", ddl.drop_partitions),
    r"MSCK\s+REPAIR\s+TABLE": ("DDL", ddl.repair),
    r"SHOW\s+(?:DATABASES|SCHEMAS)": ("UTILITY", ddl.show_databases),
    r"SHOW\s+TABLES": ("UTILITY", ddl.show_tables),
    r"SHOW\s+VIEWS": ("UTILITY", ddl.show_views),
    r"SHOW\s+PARTITIONS": ("UTILITY", ddl.show_partitions),
    r"SHOW\s+COLUMNS": ("UTILITY", ddl.show_columns),
    r"DESC(?:RIBE)?\s": ("UTILITY", ddl.describe),
    r"EXPLAIN\s": ("UTILITY", lambda sql, session, file: _explain(sql, session, file)),
}
_UTILITY = ("SHOW", "DESC", "EXPLAIN")
_DDL = ("CREATE", "DROP", "ALTER", "MSCK", "PREPARE", "DEALLOCATE")
_KNOWN = (
    *_QUERY,
    *_UTILITY,
    *_DDL,
    "INSERT",
    "UNLOAD",
    "EXECUTE",
    "DELETE",
    "UPDATE",
    "MERGE",
    "VACUUM",
    "OPTIMIZE",
)


def cleaned(sql: str) -> str:
    """The statement without comments before it and the semicolon after it."""
    return re.sub(r"\A(?:\s|--[^\n]*\n|/\*.*?\*/)+", "", sql, flags=re.S).rstrip().rstrip(";").rstrip()


def statement_type(sql: str) -> str:
    """`DML`, `DDL` or `UTILITY`."""
    for pattern, (kind, _) in _RUNNERS.items():
        if re.match(pattern, sql, re.I | re.S):
            return kind
    return "UTILITY" if _starts(sql, _UTILITY) else "DDL" if _starts(sql, _DDL) else "DML"


def is_query(sql: str) -> bool:
    """Whether the result is a CSV; that of any other statement is text."""
    return _starts(sql, _QUERY)


def check(sql: str) -> None:
    """Refuse at once what AWS refuses at once.

    Raises:
        AwsError: InvalidRequestException for text that is no SQL statement, or more than one.
    """
    if not _starts(sql, _KNOWN):
        word = (sql.split() or ["<EOF>"])[0]
        raise AwsError("InvalidRequestException", f"line 1:1: mismatched input '{word}'. Expecting: a SQL statement")
    if not _starts(sql, _QUERY):
        return
    try:
        if len(parse_all(sql)) > 1:
            raise AwsError("InvalidRequestException", "Only one sql statement is allowed. Got: " + sql)
    except SqlglotError as error:
        raise AwsError("InvalidRequestException", syntax(error, sql)) from error
    except RecursionError as error:
        raise AwsError("InvalidRequestException", "line 1:1: statement is too large") from error


def run(sql: str, session: Session, file: Path) -> Answer:
    """Run one statement; its result goes to `file` (without suffix).

    Raises:
        QueryFailed, QueryCancelled, duckdb.Error, SqlglotError: as the SQL deserves.
    """
    for pattern, (_, runner) in _RUNNERS.items():
        if re.match(pattern, sql, re.I | re.S):
            return runner(sql, session, file.with_suffix(".txt"))
    if _starts(sql, _QUERY):
        return _select(sql, session, file.with_suffix(".csv"))
    raise QueryFailed(f"NOT_SUPPORTED: the embedded AWS does not run this statement: {' '.join(sql.split()[:3])}")


def _select(sql: str, session: Session, file: Path) -> Answer:
    query = parse(sql)
    if not isinstance(query, exp.Query | exp.Values):
        raise QueryFailed(f"SYNTAX_ERROR: line 1:1: not a query: {sql[:80]}")
    return results.of_query(session.con, session.translated(query), file)


def _explain(sql: str, session: Session, file: Path) -> Answer:
    inner = re.sub(r"\AEXPLAIN\s+(?:ANALYZE\s+)?(?:\([^)]*\)\s*)?", "", sql, flags=re.I)
    tree = parse(inner)
    if not isinstance(tree, exp.Query | exp.Values):
        at, word = len(sql) - len(inner) + 1, inner.split()[0]
        raise QueryFailed(f"SYNTAX_ERROR: line 1:{at}: mismatched input '{word}'")
    query = session.translated(tree)
    query.prepare(session.con)
    session.scanned = 0
    rows = session.con.execute(f"EXPLAIN {query.sql}").fetchall()
    return results.of_lines([line for row in rows for line in row[-1].splitlines()], ["Query Plan"], file)


def _starts(sql: str, words: tuple[str, ...]) -> bool:
    return sql.upper().startswith(words)

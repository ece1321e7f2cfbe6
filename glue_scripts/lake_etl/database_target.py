"""What a table may do to a load: triggers or rules that keep rows out or undeleted, and tables changed by cascades."""

from __future__ import annotations

from lake_etl.database import Session, quoted
from lake_etl.errors import JobError
from lake_etl.names import double_quoted

# The table, and its partitions and child tables, whose rows are its rows too.
TREE = (
    "WITH RECURSIVE tree AS (SELECT CAST(to_regclass(?) AS oid) AS oid "
    "UNION SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = tree.oid) "
)


def check_truncate(session: Session, table: str) -> None:
    """Raise JobError if a truncate would change another table, or would not see all rows of this one."""
    if session.rows("SELECT 1 FROM pg_class WHERE oid = to_regclass(?) AND relkind NOT IN ('r', 'p')", quoted(table)):
        raise JobError("truncate needs a table, and this is not one. Name the table that holds its rows")
    for child, name, action in session.rows(
        f"{TREE}SELECT format('%s.%s', nspname, relname), conname, CASE confdeltype WHEN 'c' THEN 'CASCADE' "
        "WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid "
        "JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd') "
        "AND confrelid IN (SELECT oid FROM tree) AND conrelid NOT IN (SELECT oid FROM tree) ORDER BY conrelid LIMIT 1",
        quoted(table),
    ):
        raise JobError(
            f"truncate would change rows of {child}, which refers to it with ON DELETE {action} (constraint {name}). "
            "Use upsert, or change the constraint to ON DELETE NO ACTION"
        )
    if session.rows("SELECT 1 WHERE row_security_active(CAST(to_regclass(?) AS oid))", quoted(table)):
        raise JobError(
            "row-level security may hide rows of it from this user, and truncate would leave them. "
            "Use another user, or upsert"
        )


def empty(session: Session, table: str) -> None:
    """Delete all rows. TRUNCATE would block readers, and show an empty table to older snapshots."""
    session.execute(f"DELETE FROM {quoted(table)}")
    for (left,) in session.rows(f"SELECT count(*) FROM {quoted(table)} HAVING count(*) > 0"):
        raise JobError(
            f"{left} rows are left after the DELETE: {_kept_by(session, table)}, or another program adds some. "
            "Nothing is changed. Drop that, or use upsert"
        )


def insert(session: Session, table: str, columns: dict[str, str], given: str, keys: list[str], rows: int) -> None:
    """Insert the rows of a query into columns (name -> type), replacing rows with the same keys, if there are any.

    Raises JobError unless all of them arrive, by the counts of the statements.
    """
    into = ", ".join(map(double_quoted, columns))
    arrived = session.execute(f"INSERT INTO {quoted(table)} ({into}) {given}{_on_conflict(list(columns), keys)}")
    if arrived != rows and keys:
        arrived = rows - _missing(session, table, columns, given, keys)
    if arrived != rows:
        raise JobError(
            f"{arrived} of {rows} rows arrived: {_kept_by(session, table)}. Nothing is changed. "
            "Drop that, filter these rows in a step, or write into the table that they belong to"
        )


def _on_conflict(columns: list[str], keys: list[str]) -> str:
    if not keys:
        return ""
    changes = ", ".join(
        f"{double_quoted(name)} = EXCLUDED.{double_quoted(name)}" for name in columns if name not in keys
    )
    return f" ON CONFLICT ({', '.join(map(double_quoted, keys))}) DO " + (
        f"UPDATE SET {changes}" if changes else "NOTHING"
    )


def _missing(session: Session, table: str, columns: dict[str, str], given: str, keys: list[str]) -> int:
    """Count the rows that are missing. An upsert does not report rows that needed no change, but they are present."""
    same = [f"kept.{key} = given.{key}" for key in map(double_quoted, keys)] + [
        f"CAST(kept.{column} AS text) IS NOT DISTINCT FROM CAST(CAST(given.{column} AS {type_}) AS text)"
        for column, type_ in ((double_quoted(name), type_) for name, type_ in columns.items() if name not in keys)
    ]
    present = f"SELECT FROM {quoted(table)} AS kept WHERE {' AND '.join(same)}"
    return int(str(session.rows(f"SELECT count(*) FROM ({given}) AS given WHERE NOT EXISTS ({present})")[0][0]))


def _kept_by(session: Session, table: str) -> str:
    """Name what may have kept rows out or undeleted."""
    ((names,),) = session.rows(
        f"{TREE}SELECT string_agg(name, ', ' ORDER BY name) FROM ("
        "SELECT tgname AS name FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM tree) AND NOT tgisinternal "
        "UNION SELECT rulename FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM tree) AND rulename <> '_RETURN') "
        "AS found",
        quoted(table),
    )
    return f"a trigger or rule of the table keeps rows{f' ({names})' if names else ''}"

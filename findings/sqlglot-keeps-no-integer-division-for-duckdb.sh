#!/usr/bin/env bash
# sqlglot 30.30.0 with duckdb 2.0.1 (PyPI): an integer division of literals or counts comes out as one of doubles.
#
# In SQLite, PostgreSQL, Trino and Athena, 7 / 2 is 3. In DuckDB `/` always gives a DOUBLE, and `//` is the integer
# division. sqlglot writes `//` where both sides are casts to an integer, but keeps `/` where a side is a literal or a
# count, whose types need no schema either. So a query that was translated returns another number. With annotate_types
# before the translation, all are right.
#
# Observed output:
#   SELECT CAST(7 AS INT) / CAST(2 AS INT) | SQLite 3 | DuckDB, plain and annotated 3 3
#   SELECT CAST(7 AS INT) / 2 | SQLite 3 | DuckDB, plain and annotated 3.5 3
#   SELECT 7 / 2 | SQLite 3 | DuckDB, plain and annotated 3.5 3
#   SELECT COUNT(*) / 2  | SQLite 1 | DuckDB, plain and annotated 1.5 1
#   postgres SELECT 7 / 2
#   trino SELECT 7 / 2
#   athena SELECT 7 / 2
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install sqlglot==30.30.0 duckdb==2.0.1
cat >show.py <<'PY'
import sqlite3

import duckdb
import sqlglot
from sqlglot.optimizer.annotate_types import annotate_types

ROWS = "FROM (SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3) AS t"
CASTS = "SELECT CAST(7 AS INT) / CAST(2 AS INT)"
QUERIES = (CASTS, "SELECT CAST(7 AS INT) / 2", "SELECT 7 / 2", f"SELECT COUNT(*) / 2 {ROWS}")
for query in QUERIES:
    tree = sqlglot.parse_one(query, read="sqlite")
    texts = tree.sql("duckdb"), annotate_types(tree).sql("duckdb")
    values = (duckdb.connect().execute(text).fetchone()[0] for text in texts)
    in_sqlite = sqlite3.connect(":memory:").execute(query).fetchone()[0]
    print(query.removesuffix(ROWS), "| SQLite", in_sqlite, "| DuckDB, plain and annotated", *values)
for dialect in ("postgres", "trino", "athena"):
    print(dialect, sqlglot.transpile("SELECT 7 / 2", read=dialect, write="duckdb")[0])
PY
diff <(venv/bin/python show.py) - <<'SEEN'
SELECT CAST(7 AS INT) / CAST(2 AS INT) | SQLite 3 | DuckDB, plain and annotated 3 3
SELECT CAST(7 AS INT) / 2 | SQLite 3 | DuckDB, plain and annotated 3.5 3
SELECT 7 / 2 | SQLite 3 | DuckDB, plain and annotated 3.5 3
SELECT COUNT(*) / 2  | SQLite 1 | DuckDB, plain and annotated 1.5 1
postgres SELECT 7 / 2
trino SELECT 7 / 2
athena SELECT 7 / 2
SEEN
echo "as stated"

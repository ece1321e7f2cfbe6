#!/usr/bin/env bash
# ibis-framework 12.0.0 with sqlglot 30.30.0 (PyPI): drop_table sends DROP TABLE without a name.
#
# sqlglot moved the names of a DROP from `this` to a list, `tables`, so that a statement can drop several. ibis builds a
# Drop with `this`, which sqlglot renders without the table and without a warning, so the database refuses the
# statement. ibis allows this sqlglot, so pip installs the two together. With 30.8.0 the same call drops the table.
#
# Observed output:
#   sqlglot 30.30.0: 'DROP TABLE IF EXISTS' | ibis: ParserException, tables ['t']
#   sqlglot 30.8.0: 'DROP TABLE IF EXISTS t' | ibis: dropped, tables []
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
cat >show.py <<'PY'
import ibis
import sqlglot
from sqlglot import exp

con = ibis.duckdb.connect()
con.create_table("t", schema={"a": "int64"})
try:
    con.drop_table("t")
    outcome = "dropped"
except Exception as error:
    outcome = type(error).__name__
text = exp.Drop(kind="TABLE", this=exp.to_table("t"), exists=True).sql("duckdb")
left = [name for (name,) in con.raw_sql("SHOW TABLES").fetchall()]
print(f"sqlglot {sqlglot.__version__}: {text!r} | ibis: {outcome}, tables {left}")
PY
python3 -m venv venv
for version in 30.30.0 30.8.0; do
    venv/bin/pip --quiet --disable-pip-version-check install 'ibis-framework[duckdb]==12.0.0' "sqlglot==$version" duckdb==2.0.1
    venv/bin/python -W ignore show.py
done >seen
diff seen - <<'SEEN'
sqlglot 30.30.0: 'DROP TABLE IF EXISTS' | ibis: ParserException, tables ['t']
sqlglot 30.8.0: 'DROP TABLE IF EXISTS t' | ibis: dropped, tables []
SEEN
echo "as stated"

#!/usr/bin/env bash
# duckdb 2.0.0 (PyPI; correct in 1.5.6 and 2.0.1): read_parquet(..., schema = MAP) returns the value of another field.
#
# A file holds a struct whose fields are in another order than in the schema that the query passes. DuckDB maps the
# whole struct by name, which is correct. A query that reads only one of its fields (projection pushdown) takes the
# field at that position instead: st.a is the value of b, without an error. Tables written over the years by several
# writers have such files. Two queries of one column disagree.
#
# Observed output:
#   whole {'a': 'apple', 'b': 'bread'}
#   alone bread
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install duckdb==2.0.0
cat >show.py <<'PY'
import duckdb

connection = duckdb.connect()
connection.execute("COPY (SELECT {'b': 'bread', 'a': 'apple'} AS st) TO 'other_order.parquet'")
schema = "MAP {'st': {name: 'st', type: 'STRUCT(a VARCHAR, b VARCHAR)', default_value: NULL}}"
table = f"read_parquet('other_order.parquet', schema = {schema})"
print("whole", connection.execute(f"SELECT st FROM {table}").fetchone()[0])
print("alone", connection.execute(f"SELECT st.a FROM {table}").fetchone()[0])
PY
diff <(venv/bin/python show.py) - <<'SEEN'
whole {'a': 'apple', 'b': 'bread'}
alone bread
SEEN
echo "as stated"

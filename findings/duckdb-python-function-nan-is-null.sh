#!/usr/bin/env bash
# duckdb 2.0.1 (PyPI): a NaN returned by a Python function becomes NULL; a NaN passed to one stays NaN.
#
# A scalar function registered with create_function may return NaN, which is a regular DOUBLE value. DuckDB turns it
# into NULL, also inside a list, and null_handling="special" does not change that. So isnan() of the result is NULL,
# a filter on it drops the row, and avg() skips it, whereas the same NaN written in SQL is counted.
#
# Observed output:
#   in: nan
#   out: (None, True, None)
#   in a list: [None, 1.0]
#   in SQL: (nan, False, True)
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install duckdb==2.0.1 numpy==2.3.5
cat >show.py <<'PY'
import math

import duckdb

con = duckdb.connect()
for name, call, gives in (
    ("text_of", lambda value: str(value), "VARCHAR"),
    ("nan_of", lambda value: math.nan, "DOUBLE"),
    ("nans_of", lambda value: [math.nan, value], "DOUBLE[]"),
):
    con.create_function(name, call, ["DOUBLE"], gives, null_handling="special")
print("in:", con.execute("SELECT text_of('nan'::DOUBLE)").fetchone()[0])
print("out:", con.execute("SELECT nan_of(1), nan_of(1) IS NULL, isnan(nan_of(1))").fetchone())
print("in a list:", con.execute("SELECT nans_of(1)").fetchone()[0])
print("in SQL:", con.execute("SELECT 'nan'::DOUBLE, 'nan'::DOUBLE IS NULL, isnan('nan'::DOUBLE)").fetchone())
PY
diff <(venv/bin/python show.py) - <<'SEEN'
in: nan
out: (None, True, None)
in a list: [None, 1.0]
in SQL: (nan, False, True)
SEEN
echo "as stated"

#!/usr/bin/env bash
# duckdb 2.0.1 with pyarrow 26.0.1 (PyPI): a filter on a Parquet file that pyarrow wrote loses the rows with NaN.
#
# In DuckDB, NaN is the greatest DOUBLE and equal to itself. pyarrow leaves NaN out of the minimum and maximum of a row
# group, as Parquet's format allows; it says that a reader who looks for NaN has to ignore the two. DuckDB skips the row
# group by them. So the query finds no row in the file, and finds the row in a table loaded from that file, or in a file
# that DuckDB wrote. Even isnan(x) and `x = 'nan'` find nothing. The option can_have_nan of read_parquet makes it look; it
# is off unless one asks for it.
#
# Observed output:
#   x = 'nan'::DOUBLE: file [], asked for NaN [2], loaded [2], file of DuckDB [2]
#   x > 5: file [], asked for NaN [2], loaded [2], file of DuckDB [2]
#   x <> 1: file [], asked for NaN [2], loaded [2], file of DuckDB [2]
#   isnan(x): file [], asked for NaN [2], loaded [2], file of DuckDB [2]
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install duckdb==2.0.1 pyarrow==26.0.1
cat >show.py <<'PY'
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

pq.write_table(pa.table({"id": [1, 2, 3], "x": [1.0, float("nan"), 1.0]}), "by_pyarrow.parquet")
ASKED = "read_parquet('by_pyarrow.parquet', can_have_nan = true)"
con = duckdb.connect()
con.execute("CREATE TABLE loaded AS FROM 'by_pyarrow.parquet'")
con.execute("COPY loaded TO 'by_duckdb.parquet'")
for where in ("x = 'nan'::DOUBLE", "x > 5", "x <> 1", "isnan(x)"):
    found = [
        con.execute(f"SELECT list(id) FROM {source} WHERE {where}").fetchone()[0] or []
        for source in ("'by_pyarrow.parquet'", ASKED, "loaded", "'by_duckdb.parquet'")
    ]
    print("{}: file {}, asked for NaN {}, loaded {}, file of DuckDB {}".format(where, *found))
PY
diff <(venv/bin/python show.py) - <<'SEEN'
x = 'nan'::DOUBLE: file [], asked for NaN [2], loaded [2], file of DuckDB [2]
x > 5: file [], asked for NaN [2], loaded [2], file of DuckDB [2]
x <> 1: file [], asked for NaN [2], loaded [2], file of DuckDB [2]
isnan(x): file [], asked for NaN [2], loaded [2], file of DuckDB [2]
SEEN
echo "as stated"

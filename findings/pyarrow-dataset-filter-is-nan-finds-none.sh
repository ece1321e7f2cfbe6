#!/usr/bin/env bash
# pyarrow 26.0.1 (PyPI): the filter is_nan finds no row of a Parquet file that pyarrow wrote.
#
# A row group holds 1.0 and NaN. pyarrow writes 1.0 as its minimum and maximum and reads that as "every value is 1.0"
# when it filters: is_nan(x) and x != 1 are then false for the whole row group, which is skipped. The same filters on
# the table in memory return the row. With another number in the row group is_nan finds it, but ~(x <= 5) does not.
#
# Observed output:
#   [1.0, nan, 1.0]
#     is_nan(x): file [], memory [2]
#     x != 1: file [], memory [2]
#     ~(x <= 5): file [], memory [2]
#   [1.0, nan, 2.0]
#     is_nan(x): file [2], memory [2]
#     x != 1: file [2, 3], memory [2, 3]
#     ~(x <= 5): file [], memory [2]
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install pyarrow==26.0.1
cat >show.py <<'PY'
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

x = pc.field("x")
for values in ([1.0, float("nan"), 1.0], [1.0, float("nan"), 2.0]):
    table = pa.table({"row": [1, 2, 3], "x": values})
    pq.write_table(table, "x.parquet")
    print(values)
    for name, where in (("is_nan(x)", pc.is_nan(x)), ("x != 1", x != 1), ("~(x <= 5)", ~(x <= 5))):
        file = ds.dataset("x.parquet").to_table(filter=where)["row"].to_pylist()
        print(f"  {name}: file {file}, memory {table.filter(where)['row'].to_pylist()}")
PY
diff <(venv/bin/python show.py) - <<'SEEN'
[1.0, nan, 1.0]
  is_nan(x): file [], memory [2]
  x != 1: file [], memory [2]
  ~(x <= 5): file [], memory [2]
[1.0, nan, 2.0]
  is_nan(x): file [2], memory [2]
  x != 1: file [2, 3], memory [2, 3]
  ~(x <= 5): file [], memory [2]
SEEN
echo "as stated"

#!/usr/bin/env bash
# datafusion 55.0.0 with pyarrow 26.0.1 (PyPI): rows with -0.0 equal 0.0, and are lost by IN and by a Bloom filter.
#
# x = 0.0 is true for -0.0, as in SQL and in IEEE 754. In a list of more than a few values, IN does not find it, because
# it looks the bits up in a hash set. A Parquet file with a Bloom filter loses the rows for `=` too: it holds the
# bits of -0.0, and the row group is skipped. pyarrow wrote both files; they differ in the Bloom filter alone.
#
# Observed output:
#   x = 0.0 | memory 100, file 100, file with Bloom filter 0
#   x IN (0.0, 11, 12) | memory 100, file 100, file with Bloom filter 0
#   x IN (0.0, 11, 12, 13, 14) | memory 0, file 0, file with Bloom filter 0
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install datafusion==55.0.0 pyarrow==26.0.1
cat >show.py <<'PY'
import pyarrow as pa
import pyarrow.parquet as pq
from datafusion import SessionContext

table = pa.table({"x": [-0.0, 1.5, -2.5, 9.5] * 100})
pq.write_table(table, "plain.parquet")
pq.write_table(table, "bloom.parquet", bloom_filter_options={"x": True})
con = SessionContext()
con.from_arrow(table, "memory")
for name in ("plain", "bloom"):
    con.register_parquet(name, f"{name}.parquet")
for where in ("x = 0.0", "x IN (0.0, 11, 12)", "x IN (0.0, 11, 12, 13, 14)"):
    counts = (con.sql(f"SELECT count(*) AS n FROM {name} WHERE {where}") for name in ("memory", "plain", "bloom"))
    print(where, "| memory {}, file {}, file with Bloom filter {}".format(*(c.to_pydict()["n"][0] for c in counts)))
PY
diff <(venv/bin/python show.py) - <<'SEEN'
x = 0.0 | memory 100, file 100, file with Bloom filter 0
x IN (0.0, 11, 12) | memory 100, file 100, file with Bloom filter 0
x IN (0.0, 11, 12, 13, 14) | memory 0, file 0, file with Bloom filter 0
SEEN
echo "as stated"

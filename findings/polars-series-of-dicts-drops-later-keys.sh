#!/usr/bin/env bash
# polars 2.1.0 (PyPI): a Series of dictionaries has the fields of the first one; the other keys are lost.
#
# A DataFrame made from the same dictionaries has a column for every key. A Series takes its struct
# type from the first dictionary alone and drops what the later ones have besides, without an error, also with
# strict=True. pyarrow's array of the same dictionaries keeps them. A column of nested JSON records loses fields that
# way when the first record happens to lack them.
#
# Observed output:
#   DataFrame: [{'id': 1, 'coupon': None}, {'id': 2, 'coupon': 'X'}]
#   Series: [{'id': 1}, {'id': 2}]
#   column: [{'id': 1}, {'id': 2}]
#   from pyarrow: [{'id': 1, 'coupon': None}, {'id': 2, 'coupon': 'X'}]
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install polars==2.1.0 pyarrow==26.0.1
cat >show.py <<'PY'
import polars as pl
import pyarrow as pa

ROWS = [{"id": 1}, {"id": 2, "coupon": "X"}]
print("DataFrame:", pl.DataFrame(ROWS).to_dicts())
print("Series:", pl.Series(ROWS, strict=True).to_list())
print("column:", pl.DataFrame({"order": ROWS})["order"].to_list())
print("from pyarrow:", pl.from_arrow(pa.array(ROWS)).to_list())
PY
diff <(venv/bin/python show.py) - <<'SEEN'
DataFrame: [{'id': 1, 'coupon': None}, {'id': 2, 'coupon': 'X'}]
Series: [{'id': 1}, {'id': 2}]
column: [{'id': 1}, {'id': 2}]
from pyarrow: [{'id': 1, 'coupon': None}, {'id': 2, 'coupon': 'X'}]
SEEN
echo "as stated"

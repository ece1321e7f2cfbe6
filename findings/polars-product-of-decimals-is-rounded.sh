#!/usr/bin/env bash
# polars 2.1.0 with duckdb 2.0.1 (PyPI): a product of decimals is rounded to the scale of its factors.
#
# In SQL the product of two decimals has the digits of both: 0.05 * 0.05 is 0.0025. polars keeps the larger scale of the
# two, so 0.05 * 0.05 is 0.00 and 7 % of 1.25 is 0.09. A sum of products (price times rate) rounds every row first. The
# scale of the columns decides: the same numbers in columns with a scale of 4 give the right product.
#
# Observed output:
#   scale 2: polars 0.00 0.09 | duckdb 0.0025 0.0875
#   scale 4: polars 0.0025 0.0875 | duckdb 0.0025 0.0875
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install polars==2.1.0 duckdb==2.0.1 pyarrow==26.0.1
cat >show.py <<'PY'
from decimal import Decimal

import duckdb
import polars as pl

for scale in (2, 4):
    rows = pl.DataFrame(
        {"price": [Decimal("0.05"), Decimal("1.25")], "rate": [Decimal("0.05"), Decimal("0.07")]},
        schema={"price": pl.Decimal(18, scale), "rate": pl.Decimal(18, scale)},
    )
    products = rows.select(pl.col("price") * pl.col("rate"))["price"].to_list()
    in_sql = [product for (product,) in duckdb.sql("SELECT price * rate FROM rows").fetchall()]
    print(f"scale {scale}: polars", *products, "| duckdb", *(f"{product.normalize()}" for product in in_sql))
PY
diff <(venv/bin/python show.py) - <<'SEEN'
scale 2: polars 0.00 0.09 | duckdb 0.0025 0.0875
scale 4: polars 0.0025 0.0875 | duckdb 0.0025 0.0875
SEEN
echo "as stated"

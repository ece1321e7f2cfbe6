#!/usr/bin/env bash
# pyiceberg 0.12.0 (PyPI): NOT IN with two or more values returns rows with null.
#
# In SQL neither `v != 'x'` nor `v NOT IN (...)` is true for a null. pyiceberg follows this for a list of one value, but
# returns the row with null as soon as the list has a second value, in scans and in counts. So a filter built from a
# list of values changes its meaning when the list grows from one value to two.
#
# Observed output:
#   v != 'x' [2]
#   v NOT IN ('x') [2]
#   v NOT IN ('x', 'z') [2, 3]
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install "pyiceberg[sql-sqlite,pyarrow]==0.12.0"
cat >show.py <<'PY'
import warnings
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

warnings.filterwarnings("ignore")
here = Path.cwd()
catalog = SqlCatalog("local", uri=f"sqlite:///{here}/catalog.db", warehouse=f"file://{here}")
catalog.create_namespace("shop")
SCHEMA = pa.schema([("id", pa.int64()), ("v", pa.string())])


def table(name, *files):
    """A table with a data file for each list of rows."""
    made = catalog.create_table(f"shop.{name}", SCHEMA)
    for rows in files:
        made.append(pa.Table.from_pylist(rows, schema=SCHEMA))
    return made


def ids(scan):
    return sorted(scan.to_arrow()["id"].to_pylist())


rows = table("visits", [{"id": 1, "v": "x"}, {"id": 2, "v": "y"}, {"id": 3, "v": None}])
for row_filter in ("v != 'x'", "v NOT IN ('x')", "v NOT IN ('x', 'z')"):
    found = rows.scan(row_filter=row_filter)
    assert found.count() == len(ids(found))
    print(row_filter, ids(found))
PY
diff <(venv/bin/python show.py) - <<'SEEN'
v != 'x' [2]
v NOT IN ('x') [2]
v NOT IN ('x', 'z') [2, 3]
SEEN
echo "as stated"

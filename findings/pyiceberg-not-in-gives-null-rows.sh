#!/usr/bin/env bash
# pyiceberg 0.12.0 (PyPI): NOT IN gives rows with null, but only from two values on.
#
# In SQL neither `v != 'x'` nor `v NOT IN (...)` is true for a null. pyiceberg holds to that for one value, and gives the
# row with null as soon as the list has a second value, in scans and in counts. A filter that is built from a list of
# values changes its meaning between a list of one and a list of two.
#
# Output seen:
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
for given in ("v != 'x'", "v NOT IN ('x')", "v NOT IN ('x', 'z')"):
    found = rows.scan(row_filter=given)
    assert found.count() == len(ids(found))
    print(given, ids(found))
PY
diff <(venv/bin/python show.py) - <<'SEEN'
v != 'x' [2]
v NOT IN ('x') [2]
v NOT IN ('x', 'z') [2, 3]
SEEN
echo "as stated"

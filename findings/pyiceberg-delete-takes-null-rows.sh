#!/usr/bin/env bash
# pyiceberg 0.12.0 (PyPI): Table.delete deletes rows that its filter does not match.
#
# A scan with `v != 'x'` does not return the row whose v is null, as in SQL. A delete with the same filter keeps that
# row if its data file also holds a row with 'x' (the file is rewritten), and deletes it if the file holds none (the
# whole file is dropped). So the result depends on how rows are spread over files, and compaction changes it.
#
# Observed output:
#   scan of the filter: [2]
#   left where all rows share a file: [1, 3]
#   left where 'x' lies in a file of its own: [1]
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


one, two, null = {"id": 1, "v": "x"}, {"id": 2, "v": "y"}, {"id": 3, "v": None}
together, apart = table("together", [one, two, null]), table("apart", [one], [two, null])
print("scan of the filter:", ids(apart.scan(row_filter="v != 'x'")))
for made in (together, apart):
    made.delete("v != 'x'")
print("left where all rows share a file:", ids(together.scan()))
print("left where 'x' lies in a file of its own:", ids(apart.scan()))
PY
diff <(venv/bin/python show.py) - <<'SEEN'
scan of the filter: [2]
left where all rows share a file: [1, 3]
left where 'x' lies in a file of its own: [1]
SEEN
echo "as stated"

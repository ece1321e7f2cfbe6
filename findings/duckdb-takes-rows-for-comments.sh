#!/usr/bin/env bash
# duckdb 2.0.1 (PyPI): read_csv drops rows whose first value begins with #, without an error.
#
# The sniffer may settle on # as the sign of a comment although nothing says that the file has comments. It does so
# where the other rows then have a number in the first column: flats numbered 12, #3 and 14 give two rows. Where no row
# has a number there (colours such as #ff0000), all rows are read. comment = '' reads all rows in both cases.
#
# Observed output:
#   flats: [(12, 900), (14, 1000)]
#   flats, comment = '': [('12', 900), ('#3', 700), ('14', 1000)]
#   colours: [('none', 'none'), ('#ff0000', 'red'), ('#0000ff', 'blue')]
#   colours, comment = '': [('none', 'none'), ('#ff0000', 'red'), ('#0000ff', 'blue')]
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install duckdb==2.0.1
cat >show.py <<'PY'
from pathlib import Path

import duckdb

FLATS = "flat,rent\n12,900\n#3,700\n14,1000\n"
COLOURS = "colour,name\nnone,none\n#ff0000,red\n#0000ff,blue\n"
for name, text in (("flats", FLATS), ("colours", COLOURS)):
    Path("rows.csv").write_text(text)
    for options in ("", ", comment = ''"):
        rows = duckdb.sql(f"FROM read_csv('rows.csv'{options})").fetchall()
        print(f"{name}{options}: {rows}")
PY
diff <(venv/bin/python show.py) - <<'SEEN'
flats: [(12, 900), (14, 1000)]
flats, comment = '': [('12', 900), ('#3', 700), ('14', 1000)]
colours: [('none', 'none'), ('#ff0000', 'red'), ('#0000ff', 'blue')]
colours, comment = '': [('none', 'none'), ('#ff0000', 'red'), ('#0000ff', 'blue')]
SEEN
echo "as stated"

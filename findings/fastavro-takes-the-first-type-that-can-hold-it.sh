#!/usr/bin/env bash
# fastavro 1.13.1 (PyPI): in a union, a long is written as a double and a text as a date, without an error.
#
# For a value of a union the writer takes the first branch that accepts it, not the branch of its own type. A double
# accepts an int, so in ["null", "double", "long"] an identifier of 17 digits is rounded to another one. A date accepts
# a text in ISO form, so in [date, "string"] a text comes back as a date. The same union in another order keeps the
# values.
#
# Observed output:
#   null, double, long: [1.2345678901234568e+16]
#   null, long, double: [12345678901234567]
#   date, string: [datetime.date(2026, 1, 31)]
#   string, date: ['2026-01-31']
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install fastavro==1.13.1
cat >show.py <<'PY'
import io

import fastavro

DATE = {"type": "int", "logicalType": "date"}


def back(union, *values):
    """The values after they were written and read."""
    schema = {"type": "record", "name": "r", "fields": [{"name": "v", "type": union}]}
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(schema), [{"v": value} for value in values])
    file.seek(0)
    return [row["v"] for row in fastavro.reader(file)]


print("null, double, long:", back(["null", "double", "long"], 12345678901234567))
print("null, long, double:", back(["null", "long", "double"], 12345678901234567))
print("date, string:", back([DATE, "string"], "2026-01-31"))
print("string, date:", back(["string", DATE], "2026-01-31"))
PY
diff <(venv/bin/python show.py) - <<'SEEN'
null, double, long: [1.2345678901234568e+16]
null, long, double: [12345678901234567]
date, string: [datetime.date(2026, 1, 31)]
string, date: ['2026-01-31']
SEEN
echo "as stated"

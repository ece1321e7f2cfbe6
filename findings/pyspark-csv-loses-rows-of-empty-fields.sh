#!/usr/bin/env bash
# pyspark 3.5.6 (PyPI): a row whose fields are all empty is no row, if the separator is a tab or a control character.
#
# The CSV reader skips empty lines. It takes a line for empty if nothing is left of it without blanks, and to Java each
# character up to the blank is one: the tab, and \x01, with which Hive separates fields. So a row of separators alone is
# lost in such a file, in every mode, and is no corrupt record. With commas it is a row of nulls.
#
# Observed output:
#   ',': 3 rows, [('a', 'b'), (None, None), ('c', 'd')]
#   '\t': 2 rows, [('a', 'b'), ('c', 'd')]
#   '\x01': 2 rows, [('a', 'b'), ('c', 'd')]
#   '\t', FAILFAST: 2 rows
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install pyspark==3.5.6
cat >show.py <<'PY'
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()


def read(separator, mode="PERMISSIVE"):
    with open("rows.csv", "w") as file:
        file.write("\n".join(separator.join(row) for row in (("a", "b"), ("", ""), ("c", "d"))))
    found = spark.read.schema("x string, y string").csv("rows.csv", sep=separator, mode=mode)
    return [tuple(row) for row in found.collect()]


for separator in (",", "\t", "\x01"):
    print(f"{separator!r}: {len(rows := read(separator))} rows, {rows}")
print(f"{chr(9)!r}, FAILFAST: {len(read(chr(9), 'FAILFAST'))} rows")
PY
diff <(venv/bin/python show.py 2>log) - <<'SEEN'
',': 3 rows, [('a', 'b'), (None, None), ('c', 'd')]
'\t': 2 rows, [('a', 'b'), ('c', 'd')]
'\x01': 2 rows, [('a', 'b'), ('c', 'd')]
'\t', FAILFAST: 2 rows
SEEN
echo "as stated"

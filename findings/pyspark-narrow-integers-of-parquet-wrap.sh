#!/usr/bin/env bash
# pyspark 3.5.6 (PyPI): an INT32 of Parquet that a narrower type cannot hold becomes another number.
#
# Parquet has no column type below 32 bits, so each file says by an annotation how wide its numbers are. Spark takes the
# schema that it is given for that: without an error, 70000 read as smallint or tinyint is what its lowest bits are. A
# plain cast of 70000 to smallint in ANSI mode is an error, and ANSI mode changes nothing here. Numbers of ORC become
# null. A number read as a date is so many days after 1970.
#
# Observed output:
#   smallint: 4464
#   tinyint: 112
#   date: 2161-08-27
#   array<smallint>: [4464]
#   smallint, ANSI mode: 4464
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install pyspark==3.5.6
cat >show.py <<'PY'
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.sql("SELECT 70000 AS v, array(70000) AS a").coalesce(1).write.parquet("numbers")


def read(column, type_):
    return spark.read.schema(f"{column} {type_}").parquet("numbers").first()[0]


for column, type_ in (("v", "smallint"), ("v", "tinyint"), ("v", "date"), ("a", "array<smallint>")):
    print(f"{type_}: {read(column, type_)}")
spark.conf.set("spark.sql.ansi.enabled", "true")
print(f"smallint, ANSI mode: {read('v', 'smallint')}")
PY
diff <(venv/bin/python show.py 2>log) - <<'SEEN'
smallint: 4464
tinyint: 112
date: 2161-08-27
array<smallint>: [4464]
smallint, ANSI mode: 4464
SEEN
echo "as stated"

#!/usr/bin/env bash
# pandera 0.35.0 with polars 2.1.0 (PyPI): a LazyFrame passes checks that the same DataFrame fails.
#
# validate() on a LazyFrame looks at names and types only, also when the result is collected, and drops the checks of
# values, of nulls and of uniqueness without a word. So a pipeline that becomes lazy goes on calling validate and lets
# everything through. The validation depth SCHEMA_AND_DATA brings the checks back.
#
# Observed output:
#   DataFrame: failed ['DATAFRAME_CHECK', 'SERIES_CONTAINS_DUPLICATES', 'SERIES_CONTAINS_NULLS']
#   LazyFrame: passed [(1, -5.0), (1, None), (2, 3.0)]
#   LazyFrame, schema and data: failed ['DATAFRAME_CHECK', 'SERIES_CONTAINS_DUPLICATES', 'SERIES_CONTAINS_NULLS']
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install "pandera[polars]==0.35.0" polars==2.1.0
cat >show.py <<'PY'
import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context

SCHEMA = pa.DataFrameSchema({"id": pa.Column(int, unique=True), "price": pa.Column(float, pa.Check.gt(0))})
ROWS = {"id": [1, 1, 2], "price": [-5.0, None, 3.0]}


def outcome(frame):
    try:
        return "passed", SCHEMA.validate(frame, lazy=True).lazy().collect().rows()
    except pa.errors.SchemaErrors as errors:
        return "failed", sorted({str(error.reason_code.name) for error in errors.schema_errors})


print("DataFrame:", *outcome(pl.DataFrame(ROWS)))
print("LazyFrame:", *outcome(pl.LazyFrame(ROWS)))
with config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA):
    print("LazyFrame, schema and data:", *outcome(pl.LazyFrame(ROWS)))
PY
diff <(venv/bin/python show.py) - <<'SEEN'
DataFrame: failed ['DATAFRAME_CHECK', 'SERIES_CONTAINS_DUPLICATES', 'SERIES_CONTAINS_NULLS']
LazyFrame: passed [(1, -5.0), (1, None), (2, 3.0)]
LazyFrame, schema and data: failed ['DATAFRAME_CHECK', 'SERIES_CONTAINS_DUPLICATES', 'SERIES_CONTAINS_NULLS']
SEEN
echo "as stated"

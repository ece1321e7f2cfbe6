#!/usr/bin/env bash
# pyarrow 26.0.1 (PyPI): a sum of decimals that does not fit is negative, without an error.
#
# The digits of a decimal128 are limited to 38, which a product of columns is checked for. The aggregation sum
# does not: twenty times 1e37 is a negative number of 39 digits, alone and in a group_by, though all values are
# positive. A cast to decimal256 before the sum gives the right one.
#
# Observed output:
#   sum: -140282366920938463463374607431768211456
#   group_by: -140282366920938463463374607431768211456
#   decimal256: 200000000000000000000000000000000000000
#   multiply: ArrowInvalid
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install pyarrow==26.0.1
cat >show.py <<'PY'
import pyarrow as pa
import pyarrow.compute as pc

values = pa.array([10**37] * 20, pa.decimal128(38, 0))
print("sum:", pc.sum(values))
print("group_by:", pa.table({"k": ["a"] * 20, "v": values}).group_by("k").aggregate([("v", "sum")])["v_sum"][0])
print("decimal256:", pc.sum(values.cast(pa.decimal256(76, 0))))
try:
    pc.multiply(values, pa.scalar(20, pa.decimal128(2, 0)))
except pa.ArrowInvalid as error:
    print("multiply:", type(error).__name__)
PY
diff <(venv/bin/python show.py) - <<'SEEN'
sum: -140282366920938463463374607431768211456
group_by: -140282366920938463463374607431768211456
decimal256: 200000000000000000000000000000000000000
multiply: ArrowInvalid
SEEN
echo "as stated"

#!/usr/bin/env bash
# pyorc 0.12.0 with pyarrow 26.0.1 (PyPI): an integer that its type cannot hold is written, and readers disagree on it.
#
# A smallint of 70000 and an int of 2^40 are written without an error. pyorc reads them back as they were, so a round
# trip looks right. pyarrow, which keeps to the types of the file, reads other numbers. A tinyint of 300 is 44 for both.
# A decimal with too many places loses them.
#
# Observed output:
#   tinyint 300: pyorc 44, pyarrow 44
#   smallint 70000: pyorc 70000, pyarrow 4464
#   int 1099511627776: pyorc 1099511627776, pyarrow 0
#   decimal(10,2) 1.005: pyorc 1.00, pyarrow 1.00
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install pyorc==0.12.0 pyarrow==26.0.1
cat >show.py <<'PY'
from decimal import Decimal

import pyarrow.orc
import pyorc

for kind, value in (("tinyint", 300), ("smallint", 70000), ("int", 2**40), ("decimal(10,2)", Decimal("1.005"))):
    with open("v.orc", "wb") as file, pyorc.Writer(file, f"struct<v:{kind}>") as writer:
        writer.write((value,))
    with open("v.orc", "rb") as file:
        ((by_pyorc,),) = pyorc.Reader(file)
    by_pyarrow = pyarrow.orc.read_table("v.orc")["v"][0].as_py()
    print(f"{kind} {value}: pyorc {by_pyorc}, pyarrow {by_pyarrow}")
PY
diff <(venv/bin/python show.py) - <<'SEEN'
tinyint 300: pyorc 44, pyarrow 44
smallint 70000: pyorc 70000, pyarrow 4464
int 1099511627776: pyorc 1099511627776, pyarrow 0
decimal(10,2) 1.005: pyorc 1.00, pyarrow 1.00
SEEN
echo "as stated"

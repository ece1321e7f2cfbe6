#!/usr/bin/env bash
# jq 1.13.0 (PyPI, Python bindings): integers beyond 2^53 are compared exactly and then returned rounded.
#
# The identity filter changes an integer. Inside a program the digits are still there: the two numbers are not equal, tostring shows both, and as
# object keys they are two. The binding rounds them to a double when it hands them to Python. So unique returns one
# number twice, and identifiers of 18 digits come out as those of another record.
#
# Observed output:
#   . => [1000000000000000000, 1000000000000000000]
#   .[0] == .[1] => False
#   unique => [1000000000000000000, 1000000000000000000]
#   map(tostring) => ['1000000000000000001', '1000000000000000002']
#   INDEX(.) => {'1000000000000000001': 1000000000000000000, '1000000000000000002': 1000000000000000000}
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install jq==1.13.0
cat >show.py <<'PY'
import jq

TEXT = "[1000000000000000001, 1000000000000000002]"
for program in (".", ".[0] == .[1]", "unique", "map(tostring)", "INDEX(.)"):
    print(program, "=>", jq.compile(program).input_text(TEXT).first())
PY
diff <(venv/bin/python show.py) - <<'SEEN'
. => [1000000000000000000, 1000000000000000000]
.[0] == .[1] => False
unique => [1000000000000000000, 1000000000000000000]
map(tostring) => ['1000000000000000001', '1000000000000000002']
INDEX(.) => {'1000000000000000001': 1000000000000000000, '1000000000000000002': 1000000000000000000}
SEEN
echo "as stated"

#!/usr/bin/env bash
# ruamel.yaml 0.19.1 (PyPI): a key that a merge brings in is in the mapping but has no line.
#
# The round-trip loader gives the line and column of each key by `lc.key(name)`. A key that a merge (<<) brings in is
# listed by the mapping, found by `in` and read by name like any other, but lc.key raises KeyError for it. A program
# that reports the line of each value fails on the first file with a merge.
#
# Observed output:
#   orders: partitions, format
#   partitions: line 5
#   format: KeyError
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install ruamel.yaml==0.19.1
cat >show.py <<'PY'
from ruamel.yaml import YAML

TEXT = """\
base: &base
  format: csv
orders:
  <<: *base
  partitions: [day]
"""
orders = YAML().load(TEXT)["orders"]
print("orders:", ", ".join(orders))
for name in orders:
    try:
        print(f"{name}: line {orders.lc.key(name)[0] + 1}")
    except KeyError as error:
        print(f"{name}: {type(error).__name__}")
PY
diff <(venv/bin/python show.py) - <<'SEEN'
orders: partitions, format
partitions: line 5
format: KeyError
SEEN
echo "as stated"

#!/usr/bin/env bash
# apache-arrow 21.2.0 (npm) with pyarrow 26.0.1 (PyPI): a decimal read in JavaScript is a hundred times too large.
#
# A value of a decimal column is an object whose text, and whose number, are the digits without the scale: 1.23 of
# decimal(38, 2) is 123, and a page or a chart shows that without an error. The type of the column has the right scale,
# which the reader has to apply.
#
# Observed output:
#   column: Decimal[38e+2]
#   values: 123 -123 12345678901234567
#   as numbers: 123 -123
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install pyarrow==26.0.1
npm install --silent --no-audit --no-fund apache-arrow@21.2.0
venv/bin/python - <<'PY'
from decimal import Decimal

import pyarrow as pa

values = [Decimal("1.23"), Decimal("-1.23"), Decimal("123456789012345.67")]
prices = pa.table({"price": pa.array(values, pa.decimal128(38, 2))})
with pa.OSFile("prices.arrow", "wb") as file, pa.ipc.new_file(file, prices.schema) as writer:
    writer.write_table(prices)
PY
cat >show.mjs <<'JS'
import { readFileSync } from "node:fs";
import { tableFromIPC } from "apache-arrow";

const prices = tableFromIPC(readFileSync("prices.arrow")).getChild("price");
const values = [0, 1, 2].map((row) => prices.get(row));
console.log(`column: ${prices.type}`);
console.log(`values: ${values.join(" ")}`);
console.log(`as numbers: ${values.slice(0, 2).map(Number).join(" ")}`);
JS
diff <(node show.mjs) - <<'SEEN'
column: Decimal[38e+2]
values: 123 -123 12345678901234567
as numbers: 123 -123
SEEN
echo "as stated"

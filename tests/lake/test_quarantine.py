"""`lake quarantine`: the rows that a run set aside, and sending them again, on an embedded AWS."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from tests.embedded import client
from tests.local_aws.conftest import free_port, started, stopped

ROOT = Path(__file__).parents[2]
ACCOUNT = "000000000000"
RAW, ZONE = f"shop-local-raw-{ACCOUNT}", f"shop-local-quarantine-{ACCOUNT}"
LAKE = """\
project: shop
environments: {{local: {{endpoint: "http://127.0.0.1:{port}", region: us-east-1}}}}
datasets:
  orders: {{format: csv}}
  sales: {{format: json, partitions: [month]}}
  stock: {{format: parquet}}
jobs:
  totals: {{source: sales, steps: [{{join: {{with: orders, on: id}}}}], sink: {{table: totals}}}}
  idle: {{source: sales, sink: {{table: idle}}}}
  own: {{script: own.py, type: shell}}
"""
SALES = f"s3://{RAW}/sales/month=1/a b.json.gz"
ORDERS = f"s3://{RAW}/orders/a.csv"
BROKEN = '{"id": 1, "total": '
ROWS = [
    ("sales", SALES.replace(" ", "%20"), BROKEN, "the line is not valid JSON", "reader"),
    ("sales", SALES.replace(" ", "%20"), BROKEN, "the line is not valid JSON", "reader"),
    ("orders", ORDERS, "2,x,y", "the row does not have 2 fields", "reader"),
    ("sales", f"s3://{RAW}/sales/month=1/empty.json", None, "the file is empty (0 bytes)", "reader"),
    ("sales", SALES, '{"id":7,"total":"?","month":"1"}', "column total: '?' is not int", "step 2 (map)"),
    ("sales", None, '{"id":8,"late":true,"month":"2"}', "column id: '8' is bad", "expect"),
]


class Shop:
    """A lake whose job has run twice, and set rows aside in the first run, as lake_etl/quarantine.py writes them."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.file = folder, folder / "lake.yaml"
        self.file.write_text(LAKE.format(port=port))
        (folder / "own.py").write_text("")
        self.s3, self.glue = (client(service, f"http://127.0.0.1:{port}") for service in ("s3", "glue"))
        for bucket in (RAW, ZONE):
            self.s3.create_bucket(Bucket=bucket)
        self.glue.create_database(DatabaseInput={"Name": "shop_local_raw"})
        columns = [{"Name": name, "Type": "int"} for name in ("id", "total")]
        storage: Any = {"Columns": columns, "Location": f"s3://{RAW}/sales/"}
        table = {"Name": "sales", "StorageDescriptor": storage, "PartitionKeys": [{"Name": "month", "Type": "string"}]}
        self.glue.create_table(DatabaseName="shop_local_raw", TableInput=table)
        lines = ['{"id": 0, "total": 1}', BROKEN, '{"id": 5}', BROKEN]
        self.put(SALES, gzip.compress("\r\n".join(lines).encode()))
        self.put(ORDERS, b"id,name\n1,a\n2,x,y\n")
        run = "jr_1abc"
        names = ("dataset", "source_file", "raw", "reason", "found_by")
        shown = {"job": "totals", "run_id": run, "quarantined_at": "2099-01-01T00:00:00+00:00"}
        rows = [{name: value for name, value in zip(names, row, strict=True) if value} | shown for row in ROWS]
        body = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
        self.put(f"s3://{ZONE}/totals/run_date=2099-01-01/{run}/part-0.json", body)

    def put(self, uri: str, body: bytes) -> None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.s3.put_object(Bucket=bucket, Key=key, Body=body)

    def raw(self) -> dict[str, str]:
        """The mended files of the raw zone: their texts by their keys without their digests."""
        keys = [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=RAW)["Contents"] if "mended-" in entry["Key"]]
        bodies = {key: self.s3.get_object(Bucket=RAW, Key=key)["Body"].read().decode() for key in keys}
        return {key.partition("mended-")[0]: body for key, body in bodies.items()}

    def sent(self, folder: str) -> list[str]:
        """The lines of all mended files in a folder that the reader's rows were sent to."""
        entries = self.s3.list_objects_v2(Bucket=RAW, Prefix=folder)["Contents"]
        bodies = (self.s3.get_object(Bucket=RAW, Key=e["Key"])["Body"] for e in entries if "mended-" in e["Key"])
        return sorted(line for body in bodies for line in body.read().decode().splitlines() if '"id": 7' not in line)

    def lake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lake", "--file", str(self.file), "quarantine", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    def mended(self, *rows: dict[str, Any]) -> str:
        file = self.folder / "mended.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return str(file)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder, port = tmp_path_factory.mktemp("quarantine"), free_port()
    process = started(port, folder / ".local/local/aws")
    try:
        yield Shop(folder, port)
    finally:
        stopped(process)


def test_rejected_rows_are_shown_with_file_line_reason_and_text(shop: Shop) -> None:
    found = json.loads(shop.lake("totals", "--json").stdout)

    assert [(row["source_file"], row["line"], row["raw"]) for row in found] == [
        (SALES, 2, BROKEN),
        (SALES, 4, BROKEN),
        (ORDERS, 3, "2,x,y"),
        (f"s3://{RAW}/sales/month=1/empty.json", None, None),
        (SALES, None, ROWS[4][2]),
        (None, None, ROWS[5][2]),
    ]
    assert [row["reason"] for row in found] == [row[3] for row in ROWS]


def test_an_unknown_line_is_left_empty_and_explained(shop: Shop) -> None:
    done = shop.lake("totals", "--rows", "5", "--run", "1ab")

    assert "The line is unknown if a step rejected the row" in done.stderr
    assert "5 of 6 rows. `--rows N` shows more, `--export FILE` has all" in done.stderr


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_all_rows_are_exported(shop: Shop, suffix: str) -> None:
    file = shop.folder / f"rows{suffix}"
    done = shop.lake("totals", "--export", str(file))

    assert done.stdout.strip() == f"totals: 6 of 6 rows of the run jr_1abc are in {file}"
    if suffix == ".parquet":
        rows = pq.read_table(file).to_pylist()
    elif suffix == ".jsonl":
        rows = [json.loads(line) for line in file.read_text().splitlines()]
    else:
        with file.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
    assert [str(row["line"] or "") for row in rows] == ["2", "4", "3", "", "", ""]
    assert [row["raw"] or None for row in rows] == [row[2] for row in ROWS]


def test_corrected_rows_become_files_of_their_datasets_once(shop: Shop) -> None:
    rows = [dict(zip(("dataset", "source_file", "raw", "reason", "found_by"), row, strict=True)) for row in ROWS]
    sale, order, late = (
        rows[0] | {"source_file": SALES, "raw": '{"id": 1, "total": 2}'},
        rows[2] | {"raw": "2,x"},
        rows[5],
    )
    file = shop.mended(
        sale,
        order,
        rows[4] | {"raw": '{"id":7,"total":123456789012345678.10,"month":"1"}'},
        late | {"raw": '{"id":8,"month":2}'},
    )
    done = shop.lake("retry", "totals", "--file", file)

    assert done.stdout.strip() == "3 rows of sales, 1 rows of orders are in the raw zone. `lake run totals` reads them"
    assert shop.raw() == {
        "sales/month=1/": '{"id": 1, "total": 2}\n{"id": 7, "total": 123456789012345678.10}\n',
        "sales/month=2/": '{"id": 8}\n',
        "orders/": "id,name\n2,x\n",
    }
    again = shop.lake("retry", "totals", "--file", file)
    assert again.stdout.strip() == "3 rows of sales, 1 rows of orders were sent before: nothing to do"
    # A later export has the old row again, since its file still has it, beside a new one.
    shop.lake("retry", "totals", "--file", shop.mended(sale, sale | {"raw": '{"id": 9, "total": 4}'}))
    assert shop.sent("sales/month=1/") == ['{"id": 1, "total": 2}', '{"id": 9, "total": 4}']


def test_a_row_rejected_by_a_step_becomes_csv_in_the_datasets_dialect(shop: Shop) -> None:
    row = {"dataset": "orders", "source_file": ORDERS, "found_by": "expect"}
    values = {"id": "0.10", "name": 'say "hi", \\ bye\u2028'}
    text = json.dumps(values).replace('"0.10"', "0.10")
    assert shop.lake("retry", "totals", "--file", shop.mended(row | {"raw": text})).returncode == 0

    assert list(shop.raw().values()).count('id,name\n0.10,"say \\"hi\\", \\\\ bye\u2028"\n') == 1


def test_an_invalid_row_is_reported_with_a_fix_and_nothing_is_sent(shop: Shop) -> None:
    before = shop.raw()
    good = {"dataset": "orders", "source_file": ORDERS, "found_by": "reader", "raw": "2,x"}
    for row, shown in (
        (good | {"raw": "2,x,y"}, "line 2: raw has 3 fields. orders has 2: id,name"),
        (good | {"dataset": "sales", "raw": BROKEN}, "line 2: raw is not a JSON object"),
        (good | {"dataset": "stock"}, "line 2: the files of stock do not have one row per line."),
        (good | {"dataset": "none"}, "line 2: there is no dataset 'none'. Allowed: orders, sales, stock"),
        (good | {"raw": None}, "line 2: raw must be the corrected row as one line of text."),
        ({"id": 1}, "line 2: is not a row of `lake quarantine JOB --export FILE.jsonl`"),
        (good | {"dataset": "sales", "source_file": None, "raw": "{}"}, "gives the value of month"),
        (
            {"dataset": "sales", "source_file": SALES, "found_by": "expect", "raw": '{"late": 1}'},
            "sales has no late: expect rejected the row after other steps had changed it.",
        ),
    ):
        done = shop.lake("retry", "totals", "--file", shop.mended(good, row))
        assert (done.returncode, shown in done.stderr, len(done.stderr.splitlines())) == (2, True, 1), done.stderr
    assert shop.raw() == before


def test_missing_rows_and_runs_are_reported(shop: Shop) -> None:
    for arguments, code, line in (
        (("idle",), 1, "the job idle has no run that has ended. Start one: `lake run idle`"),
        (("own",), 2, "own is your own script, and only jobs of steps quarantine rows"),
        (("none",), 2, "there is no job 'none' in lake.yaml. Allowed: totals, idle, own"),
        (
            ("totals", "--export", "rows.xlsx"),
            2,
            "--export rows.xlsx: .xlsx is not a supported format. Allowed: .csv, .jsonl, .parquet",
        ),
    ):
        done = shop.lake(*arguments)
        assert (done.returncode, done.stderr.strip()) == (code, line)

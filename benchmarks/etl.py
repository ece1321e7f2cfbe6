"""The sample job on 1 and 10 million flights, compared with the same steps written directly in PySpark (direct.py).

Both run as Glue jobs on the embedded AWS, in turns, measured from start to end of their process. Targets: for 10
million flights at most 1.15 of the direct job's time; 10 times the rows take at most 10 times as long; for a typical
query, Athena reads at most 1/20 of the raw JSON from the curated table.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from examples import sample
from lake.aws import Aws
from lake.configuration.reading import load
from tests.e2e.conftest import Checkout, checkout_in

ROUNDS = {3: 3, 30: 3}
"""Copies of the 336,776 flights (1 and 10 million rows) -> the number of measurements."""
COST, GROWTH, SCANNED = 1.15, 1.0, 1 / 20
DATASETS = ("flights", "weather", "airlines", "airports", "planes")
QUERY = "SELECT carrier, avg(arr_delay) AS delay FROM {} WHERE month = '7' GROUP BY carrier ORDER BY delay DESC"
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Run:
    """A job's process: its wall time, and the most memory (USS) that it and its children held at once."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Size:
    """The measurements for one number of copies. report is that of the lake's job."""

    lake: list[Run]
    direct: list[Run]
    report: dict[str, Any]
    bytes_in: int

    @property
    def ratio(self) -> float:
        return seconds(self.lake) / seconds(self.direct)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        for checkout in checkout_in(Path(folder) / "lake"):
            flights = _deployed(checkout, Path(folder))
            sizes = [_measured(checkout, flights, copies) for copies in ROUNDS]
            scanned = [_scanned(checkout, table) for table in ("flights_local_raw.flights", "flights_enriched")]
    return _shown(sizes, scanned)


def seconds(runs: list[Run]) -> float:
    return median(run.seconds for run in runs)


def _deployed(checkout: Checkout, folder: Path) -> Path:
    """Deploy a lake with the sample's data. Returns the folder of the flights."""
    files = sample.write(folder / "sample")
    checkout.lake("local", "start")
    checkout.lake("up", "storage", "catalog", "etl", "athena")
    for dataset in DATASETS:
        checkout.lake("put", dataset, str(files / dataset))
    checkout.lake("crawl")
    _create_direct(_aws(checkout))
    return files / "flights"


def _aws(checkout: Checkout) -> Aws:
    return Aws(load(checkout.root / "lake.yaml", "local"))


def _create_direct(aws: Aws) -> None:
    """Create the direct job, with the settings of the lake's job."""
    script = Path(__file__).with_name("direct.py").read_bytes()
    bucket, job = aws.names.bucket("etl"), aws.glue.get_job(JobName=aws.names.job("flights_enriched"))["Job"]
    aws.s3.put_object(Bucket=bucket, Key="benchmark/direct.py", Body=script)
    aws.glue.create_job(
        Name="direct",
        Role=job["Role"],
        GlueVersion=job["GlueVersion"],
        WorkerType=job["WorkerType"],
        NumberOfWorkers=job["NumberOfWorkers"],
        Command=job["Command"] | {"ScriptLocation": f"s3://{bucket}/benchmark/direct.py"},
        DefaultArguments={
            "--raw": f"s3://{aws.names.bucket('raw')}",
            "--out": f"s3://{aws.names.bucket('curated')}/direct/",
        },
    )


def _measured(checkout: Checkout, flights: Path, copies: int) -> Size:
    aws = _aws(checkout)
    bytes_in = sum(_replicated(aws, flights, copies))
    lake, direct, report = [], [], {}
    for _ in range(ROUNDS[copies]):
        lake.append(_timed(checkout, lambda: report.update(checkout.lake_json("run", "flights_enriched"))))
        direct.append(_timed(checkout, lambda: _run_direct(aws)))
    return Size(lake, direct, report, bytes_in)


def _replicated(aws: Aws, flights: Path, copies: int) -> Iterator[int]:
    """Upload each file of a day with every line repeated. Yields the bytes of each."""
    for file in flights.rglob("*.json"):
        body = file.read_bytes() * copies
        key = f"flights/{file.relative_to(flights).as_posix()}"
        aws.s3.put_object(Bucket=aws.names.bucket("raw"), Key=key, Body=body)
        yield len(body)


def _run_direct(aws: Aws) -> None:
    run = aws.glue.start_job_run(JobName="direct")["JobRunId"]
    while (found := aws.glue.get_job_run(JobName="direct", RunId=run)["JobRun"])["JobRunState"] != "SUCCEEDED":
        assert found["JobRunState"] in ("STARTING", "RUNNING"), found.get("ErrorMessage")
        time.sleep(POLL_SECONDS)


def _timed(checkout: Checkout, run: Callable[[], object]) -> Run:
    """Run a job and measure the process that the embedded AWS starts for it."""
    process = (checkout.root / ".local" / "local" / "aws" / "process.json").read_text()
    server = psutil.Process(json.loads(process)["pid"])
    begun = ended = peak = 0.0
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(run)
        while not job.done():
            with suppress(psutil.NoSuchProcess):
                for process in server.children():
                    begun, ended = process.create_time(), time.time()
                    peak = max(peak, _memory(process))
            time.sleep(POLL_SECONDS)
    job.result()
    return Run(ended - begun, int(peak))


def _memory(process: psutil.Process) -> int:
    return sum(each.memory_full_info().uss for each in (process, *process.children(recursive=True)))


def _scanned(checkout: Checkout, table: str) -> int:
    return int(checkout.lake_json("query", QUERY.format(table))["bytes_scanned"])


def _shown(sizes: list[Size], scanned: list[int]) -> int:
    table = Table(
        *("rows in", "rows out", "MB in", "MB out", "lake, s", "rows/s", "peak, GB"),
        *("PySpark, s", "peak, GB", "ratio", "target"),
    )
    for size in sizes:
        report, lake = size.report, seconds(size.lake)
        table.add_row(
            *(f"{report['rows_in']:,}", f"{report['rows_out']:,}"),
            *(f"{size.bytes_in / 1e6:.0f}", f"{report['bytes'] / 1e6:.0f}"),
            *(f"{lake:.1f}", f"{report['rows_in'] / lake:,.0f}", _peak(size.lake)),
            *(f"{seconds(size.direct):.1f}", _peak(size.direct), f"{size.ratio:.2f}", f"{COST}"),
        )
    small, large = sizes
    rows = large.report["rows_in"] / small.report["rows_in"]
    growth = seconds(large.lake) / seconds(small.lake) / rows
    share = scanned[1] / scanned[0]
    Console(width=140).print(
        table,
        f"{rows:.0f} times the rows take {growth * rows:.1f} times as long.",
        f"Athena reads {scanned[0]:,} bytes of raw JSON, {scanned[1]:,} of the curated table: 1/{1 / share:.0f}. "
        "Target: 1/20.",
        sep="\n",
    )
    return int(large.ratio > COST or growth > GROWTH or share > SCANNED)


def _peak(runs: list[Run]) -> str:
    return f"{max(run.peak_bytes for run in runs) / 1e9:.1f}"


if __name__ == "__main__":
    sys.exit(main())

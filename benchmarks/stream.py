"""Streams on the embedded AWS: `python -m benchmarks.stream --events 1000000 --kills 3`.

1. `PutRecords` of 200,000 records, compared with an earlier commit, in turns on one machine.
2. `lake send` sends events to a Kinesis stream with two shards, Firehose writes Parquet, and Athena counts. Meanwhile,
   the embedded AWS and the producer are killed (kill -9) in turn, `--kills` times. Every event has a number, so the
   result shows missing and duplicate events.

The last line is `exact`, or the difference. Exit code 1 if there is one, or if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import boto3
import psutil
from botocore.config import Config

from benchmarks.stream_lake import STREAM, StreamLake, wait_until_it_answers
from benchmarks.worktrees import BEFORE, ROOT, worktree
from local_aws.credentials import Keys, read_keys
from tests.local_aws.conftest import free_port

RECORDS = 200_000
ROUNDS = 3
ATTEMPTS = 5
PUT_TARGET = 0.4
"""The maximum ratio to the earlier time."""
RATE_TARGET = 25_000
"""Events per second, from the first put to the last row that Athena counts, minus the last buffer interval."""
FILES_TARGET = 200
EVENT = {"time_hour": "2013-01-01T05:00:00Z", "carrier": "UA", "flight": 1545, "origin": "EWR", "dep_delay": 2.0}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=0, help="of the embedded AWS, and of the producer")
    parser.add_argument("--no-put", action="store_true", help="leave out the comparison of puts")
    options = parser.parse_args(arguments)
    is_fast = options.no_put or puts()
    differs = through(options.events, options.kills)
    print(differs or "exact")
    return 0 if is_fast and not differs else 1


def puts() -> bool:
    """Whether PutRecords meets its target."""
    seconds: dict[str, list[float]] = {"before": [], "now": []}
    with tempfile.TemporaryDirectory() as folder, worktree(Path(folder) / "before", BEFORE) as before:
        for number in range(ROUNDS):
            for name, checkout in (("before", before), ("now", ROOT)):
                with _served(checkout, Path(folder) / f"{name}-{number}") as (port, keys, process):
                    wall, processor = _put(port, keys, process)
                print(f"put of {RECORDS:,}, {name}: {wall:.1f} s, {processor:.1f} s of processor time")
                seconds[name].append(wall)
    ratio = median(seconds["now"]) / median(seconds["before"])
    print(f"put of {RECORDS:,}: {ratio:.2f} of the earlier time (target {PUT_TARGET})")
    return ratio <= PUT_TARGET


def through(events: int, kills: int) -> str:
    """The difference between sent events and Athena's count; empty if there is none."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.jsonl"
        with file.open("w") as lines:
            lines.writelines(json.dumps({"seq": seq, **EVENT}) + "\n" for seq in range(1, events + 1))
        lake = StreamLake(Path(folder) / "lake", free_port())
        lake.start()
        try:
            lake.deploy()
            return _measured(lake, file, events, kills)
        finally:
            lake.stop()


def _measured(lake: StreamLake, file: Path, events: int, kills: int) -> str:
    begun = time.monotonic()
    _send(lake, file, kills)
    sent = time.monotonic() - begun
    rows, distinct, files = lake.wait_for(events)
    seconds = time.monotonic() - begun
    print(f"{events:,} events sent in {sent:.1f} s, all in {files} files after {seconds:.1f} s")
    print(f"{events / max(sent, seconds - lake.buffer_seconds):,.0f} events a second (target {RATE_TARGET:,})")
    print(f"{rows - distinct:,} rows are duplicates, which Firehose may write after a kill")
    if distinct != events:
        return f"{events - distinct:,} of {events:,} events are in no file: {lake.missing(events)}"
    if rows != distinct and not kills:
        return f"{rows - distinct:,} rows are duplicates, though nothing was killed"
    return "" if files <= FILES_TARGET else f"{files} files, more than {FILES_TARGET}"


def _send(lake: StreamLake, file: Path, kills: int) -> None:
    """Run `lake send` to its end. It and the embedded AWS are killed in turn, and it is resumed until all is sent."""
    arguments = ("send", STREAM, str(file), "--rate", "1000000")
    producer = lake.lake(*arguments)
    for number in range(2 * kills):
        if not lake.sends_more(producer):
            break
        if number % 2:
            lake.kill()
            lake.start()
        else:
            producer.kill()
            producer.wait()
            producer = lake.lake(*arguments, "--resume")
    for _ in range(ATTEMPTS):
        if producer.wait() == 0:
            return
        producer = lake.lake(*arguments, "--resume")
    raise RuntimeError("lake send failed repeatedly")


def _put(port: int, keys: Keys, process: psutil.Process) -> tuple[float, float]:
    """(wall seconds, the server's processor seconds) for RECORDS records in batches of 500."""
    session = boto3.session.Session(keys.id, keys.secret, region_name="us-east-1")
    # The client's own cost is part of both sides, so it is kept minimal.
    config = Config(parameter_validation=False)
    kinesis = session.client("kinesis", endpoint_url=f"http://127.0.0.1:{port}", config=config)
    kinesis.create_stream(StreamName="bench", ShardCount=2)
    data = json.dumps({"seq": 100_000, **EVENT}).encode()
    before, begun = _processor(process), time.monotonic()
    for batch in range(RECORDS // 500):
        records: list[Any] = [{"PartitionKey": f"{batch}.{place}", "Data": data} for place in range(500)]
        assert not kinesis.put_records(StreamName="bench", Records=records)["FailedRecordCount"]
    return time.monotonic() - begun, _processor(process) - before


def _processor(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _served(checkout: Path, folder: Path) -> Iterator[tuple[int, Keys, psutil.Process]]:
    """The embedded AWS of a checkout: its port, keys and process."""
    port = free_port()
    command = [sys.executable, "-m", "local_aws", "--port", str(port), "--folder", str(folder)]
    surroundings = {**os.environ, "PYTHONPATH": str(checkout)}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=checkout, env=surroundings, stdout=quiet, stderr=quiet)
    try:
        wait_until_it_answers(port)
        file = folder / "credentials"
        yield port, read_keys(file) if file.exists() else Keys("any", "any"), psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())

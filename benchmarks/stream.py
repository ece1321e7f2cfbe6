"""Streams on the embedded AWS: `python -m benchmarks.stream --events 1000000 --kills 3`.

1. `PutRecords` of 200,000 records, against this project at an earlier commit, in turns on one machine.
2. Events by `lake send` into a Kinesis stream of two shards, by Firehose into Parquet and by Flink into windows, which
   are compared with Athena's answer over the files. Meanwhile the producer, Flink, Flink's client (the Python that
   submits the job) and the whole embedded AWS are killed (kill -9) in turn, as often as asked for. Every event has a
   number, so the answer shows what is missing and what is there twice.

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
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

import boto3
import psutil
from botocore.config import Config

from benchmarks.stream_lake import STREAM, StreamLake, killed, until
from benchmarks.worktrees import BEFORE, ROOT, worktree
from lake.data.puts import Puts
from local_aws.credentials import Keys, read_keys
from tests.local_aws.conftest import free_port

RECORDS = 200_000
ROUNDS = 3
ATTEMPTS = 5
PUT_TARGET = 0.4
"""The maximum ratio to the earlier time."""
RATE_TARGET = 25_000
"""Events a second, from the first put to the last window that Athena finds."""
FILES_TARGET = 200
BUFFER_SECONDS = 5
"""Of Firehose: 300, by a clock that is 60 times as fast."""
PUTS = 30
EVENT = {"time_hour": "2013-01-01T05:00:00Z", "carrier": "UA", "flight": 1545, "origin": "EWR", "dep_delay": 2.0}
FIRST, LAST, LAST_SEQ = datetime(2013, 1, 1), "2014-01-01T00:00:00Z", 0
CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=0, help="of the producer, Flink, its client and the embedded AWS")
    parser.add_argument("--no-put", action="store_true", help="leave out the comparison of puts")
    parser.add_argument("--only-put", action="store_true", help="and nothing else")
    options = parser.parse_args(arguments)
    is_fast = options.no_put or puts()
    if options.only_put:
        return int(not is_fast)
    differs = through(options.events, options.kills)
    print(differs or "exact")
    return 0 if is_fast and not differs else 1


def puts() -> bool:
    """Whether PutRecords takes no more of the time before than the target."""
    seconds: dict[str, list[tuple[float, float]]] = {"before": [], "now": []}
    with tempfile.TemporaryDirectory() as folder, worktree(Path(folder) / "before", BEFORE) as before:
        for number in range(ROUNDS):
            for name, checkout in (("before", before), ("now", ROOT)):
                with _served(checkout, Path(folder) / f"{name}-{number}") as (port, keys, process):
                    wall, processor = _put(port, keys, process)
                print(f"put of {RECORDS:,}, {name}: {wall:.1f} s, {processor:.1f} s of processor time")
                seconds[name].append((wall, processor))
    wall, processor = (
        median(each[part] for each in seconds["now"]) / median(each[part] for each in seconds["before"])
        for part in (0, 1)
    )
    print(f"put of {RECORDS:,}: {wall:.2f} of the time before, {processor:.2f} of the server's processor time")
    print(f"(target {PUT_TARGET} of the time)")
    return wall <= PUT_TARGET


def through(events: int, kills: int) -> str:
    """What differs between what was sent, what Athena counts and what Flink does; empty where nothing does."""
    with tempfile.TemporaryDirectory(prefix="stream-") as folder:
        file = Path(folder) / "events.jsonl"
        with file.open("w") as lines:
            lines.writelines(json.dumps(event(seq)) + "\n" for seq in range(1, events + 1))
        lake = StreamLake(Path(folder) / "lake", free_port())
        try:
            lake.deploy()
            if not (differs := _measured(lake, file, events, kills)):
                _freshness(lake, events)
            return differs
        finally:
            lake.stop()


def event(seq: int) -> dict[str, Any]:
    """Events of 10 ms each, so that a call to Kinesis holds 5 s, and a window 6,000 of them."""
    moment = FIRST + timedelta(milliseconds=10 * seq)
    delay = float(seq % 97)
    return {**EVENT, "seq": seq, "time_hour": f"{moment:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z", "dep_delay": delay,
            "carrier": CARRIERS[seq % len(CARRIERS)]}  # fmt: skip


def _measured(lake: StreamLake, file: Path, events: int, kills: int) -> str:
    before, begun = lake.processor(), time.monotonic()
    _send(lake, file, events, kills)
    sent = time.monotonic() - begun
    _put_event(lake, LAST_SEQ)
    # A count of rows reads no rows. Which events they are is looked at when nothing is measured any more.
    until(lambda: lake.rows() > events, lake.rows)
    in_files = time.monotonic() - begun
    until(lambda: lake.counted()[0] == events, lake.counted)
    seconds = time.monotonic() - begun
    print(
        f"{events:,} events sent after {sent:.1f} s, in files after {in_files:.1f} s, in windows after {seconds:.1f} s"
    )
    print(f"{events / seconds:,.0f} events a second (target {RATE_TARGET:,})")
    if not kills:
        spent = {what: after - before[what] for what, after in lake.processor().items()}
        print("processor: " + ", ".join(f"{what} {value:.1f} s" for what, value in spent.items()))
    until(lambda: lake.counts()[1] == events + 1, lake.counts)
    return _differences(lake, events, kills)


def _differences(lake: StreamLake, events: int, kills: int) -> str:
    (rows, distinct, files), (_, again) = lake.counts(), lake.counted()
    print(f"{files} files; again after kills: {rows - distinct:,} events in files, {again:,} results of windows")
    if distinct != events + 1:
        return f"{events + 1 - distinct:,} of {events:,} events are in no file: {lake.missing(events)}"
    if rows + again != distinct and not kills:
        return "rows or results are there twice, though nothing was killed"
    if wrong := lake.windows_that_differ():
        return f"{wrong:,} windows differ from the batch answer"
    if missing := lake.check()["missing"]:
        return "; ".join(missing)
    return "" if kills or files <= FILES_TARGET else f"{files} files, more than {FILES_TARGET}"


def _put_event(lake: StreamLake, seq: int) -> None:
    """An event that is newer than all that were sent, so that it ends their windows."""
    data = json.dumps({**event(seq), "time_hour": LAST}).encode()
    lake.aws.kinesis.put_record(StreamName=lake.aws.names.stream(STREAM), Data=data, PartitionKey=str(seq))


def _freshness(lake: StreamLake, events: int) -> None:
    """From put to queryable, less the buffer's second."""
    seconds = []
    for seq in range(events + 1, events + 1 + PUTS):
        begun = time.monotonic()
        _put_event(lake, seq)
        while not lake.numbers(f"SELECT count(*) FROM {STREAM} WHERE seq = {seq}")[0]:
            time.sleep(0.02)
        seconds.append(time.monotonic() - begun - BUFFER_SECONDS)
    worst = sorted(seconds)[int(0.99 * len(seconds))]
    print(f"put to queryable after the buffer: median {median(seconds):.1f} s, 99 % {worst:.1f} s (targets 1 s, 3 s)")


def _send(lake: StreamLake, file: Path, events: int, kills: int) -> None:
    """Run `lake send` to its end. Meanwhile it and all others are killed in turn; it is resumed until all is sent."""
    arguments = ("send", STREAM, str(file), "--rate", "1000000")
    producer = lake.lake(*arguments)
    for number in range(4 * kills):
        _wait_for(lake, producer, events * number // (4 * kills))
        what = ("producer", "Flink", "Flink's client", "embedded AWS")[number % 4]
        if what == "producer":
            producer.kill()
        elif what == "embedded AWS":
            killed(lake.server())
            lake.start()
        else:
            until(lake.java if what == "Flink" else lake.client)
            killed(lake.java() if what == "Flink" else lake.client())
        print(f"killed: {what}, after {lake.sent():,} events", flush=True)
        if producer.poll() is not None:
            producer = lake.lake(*arguments, "--resume")
    for _ in range(ATTEMPTS):
        if producer.wait() == 0 or lake.sent() == events:
            return
        producer = lake.lake(*arguments, "--resume")
    raise RuntimeError("lake send failed repeatedly")


def _wait_for(lake: StreamLake, producer: subprocess.Popen[bytes], events: int) -> None:
    """Until so many were sent, or the producer has ended."""
    until(lambda: lake.sent() > events or producer.poll() is not None, lake.sent)


def _put(port: int, keys: Keys, process: psutil.Process) -> tuple[float, float]:
    """(wall seconds, the server's processor seconds) for RECORDS records in batches of 500."""
    session = boto3.session.Session(keys.id, keys.secret, region_name="us-east-1")
    # The client's own cost is part of both sides, so it is kept minimal: it is that of `lake send`.
    config = Config(parameter_validation=False)
    kinesis = session.client("kinesis", endpoint_url=f"http://127.0.0.1:{port}", config=config)
    kinesis.create_stream(StreamName="bench", ShardCount=2)
    puts, data = Puts(kinesis), json.dumps({"seq": 100_000, **EVENT}).encode()
    before, begun = _processor(process), time.monotonic()
    for batch in range(RECORDS // 500):
        records: list[Any] = [{"PartitionKey": f"{batch}.{place}", "Data": data} for place in range(500)]
        assert not any("ErrorCode" in result for result in puts.put("bench", records))
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
        _wait_until_it_answers(port)
        file = folder / "credentials"
        yield port, read_keys(file) if file.exists() else Keys("any", "any"), psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _wait_until_it_answers(port: int) -> None:
    for _ in range(600):
        try:
            urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing answers on port {port}")


if __name__ == "__main__":
    sys.exit(main())

"""A lake of one stream on an embedded AWS of its own, deployed as a person would; and what there is to be killed."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil

from benchmarks.worktrees import ROOT
from lake.aws import Aws
from lake.configuration.reading import load
from lake.data.sending import Ledger
from lake.data.sql import query
from lake.embedded.local import LocalAws

STREAM, WINDOW = "flights", "minutely"
_APPLICATION = "local_aws.flink.Application"
WAIT_SECONDS = 180
"""For the last file or window, after which what is not there counts as missing."""
CONFIG = """\
project: bench
environments:
  local: {{endpoint: "http://127.0.0.1:{port}", region: us-east-1, destroyable: true}}
streams:
  {stream}:
    columns: {{seq: int, time_hour: timestamp, carrier: string, flight: int, origin: string, dep_delay: double}}
    shards: 2
    delivery: {{buffer: {{seconds: 300}}}}
    event_time: {{column: time_hour, lateness: 60}}
    windows: {{{window}: {{by: carrier, seconds: 60, compute: {{events: count, delay: sum(dep_delay)}}}}}}
    application: {{begin: earliest, checkpoint_seconds: 5}}
"""
_BATCH = f"""
WITH batch AS (
  SELECT date_trunc('minute', time_hour) AS window_start, carrier, count(*) AS events, sum(dep_delay) AS delay
  FROM (SELECT DISTINCT * FROM {STREAM}) WHERE time_hour < timestamp '2014-01-01' GROUP BY 1, 2
), streamed AS (SELECT DISTINCT window_start, carrier, events, delay FROM {STREAM}_{WINDOW})
"""


class StreamLake:
    """The folder holds lake.yaml, Terraform's state, and all that the embedded AWS keeps."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "lake.yaml").write_text(CONFIG.format(port=port, stream=STREAM, window=WINDOW))
        for file in ("main.py", "cdktf.json"):
            shutil.copy(ROOT / file, folder / file)
        for tools in (".venv", ".tools", "node_modules"):
            (folder / tools).symlink_to(ROOT / tools)

    @cached_property
    def aws(self) -> Aws:
        return Aws(load(self.folder / "lake.yaml"))

    def lake(self, *arguments: str, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """A `lake` command, which runs beside this process."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAKE_"))}
        command = [sys.executable, "-m", "lake", *arguments]
        return subprocess.Popen(command, cwd=self.folder, env={**own, "PYTHONPATH": str(ROOT)}, stdout=stdout)

    def deploy(self) -> None:
        self.start()
        assert self.lake("up", "storage", "athena", "streaming").wait() == 0

    def start(self) -> None:
        assert self.lake("local", "start").wait() == 0

    def stop(self) -> None:
        self.lake("local", "stop").wait()

    def sent(self) -> int:
        return sum(run.done for run in Ledger(self.aws, STREAM).runs)

    def server(self) -> psutil.Process:
        pid = LocalAws.of(self.aws.lake).pid()
        assert pid is not None
        return psutil.Process(pid)

    def java(self) -> psutil.Process | None:
        """Flink, in the process of the application."""
        return next((child for child in self._children() if _APPLICATION in child.cmdline()), None)

    def client(self) -> psutil.Process | None:
        """The application's Python, which submits the job and ends."""
        java = self.java()
        return next(iter(java.children()), None) if java else None

    def _children(self) -> Iterator[psutil.Process]:
        for child in self.server().children():
            with suppress(psutil.NoSuchProcess):
                if child.cmdline():
                    yield child

    def processor(self) -> dict[str, float]:
        """Processor seconds so far: of the embedded AWS, of Flink, and of the commands that have ended."""
        ended, java = resource.getrusage(resource.RUSAGE_CHILDREN), self.java()
        return {
            "embedded AWS": _spent(self.server()),
            "Flink": _spent(java) if java else 0.0,
            "lake send": ended.ru_utime + ended.ru_stime,
        }

    def numbers(self, statement: str) -> list[int]:
        """The first row of a query's answer."""
        return [int(value or 0) for value in query(self.aws, statement, "streams").rows[0]]

    def rows(self) -> int:
        return self.numbers(f"SELECT count(*) FROM {STREAM}")[0]

    def counts(self) -> tuple[int, int, int]:
        """(rows, events among them, files)."""
        rows, distinct, files = self.numbers(
            f'SELECT count(*), count(DISTINCT seq), count(DISTINCT "$path") FROM {STREAM}'
        )
        return rows, distinct, files

    def missing(self, events: int) -> str:
        """The first and the last of the numbers that are nowhere."""
        wanted = f"SELECT n FROM UNNEST(sequence(0, {events})) AS t(n)"
        first, last = self.numbers(
            f"SELECT min(n), max(n) FROM ({wanted} EXCEPT SELECT CAST(seq AS bigint) FROM {STREAM})"
        )
        return f"numbers {first} to {last}"

    def counted(self) -> tuple[int, int]:
        """Events that the windows count, each window once; and results that are there again."""
        total, again = self.numbers(
            f"SELECT sum(events), (SELECT count(*) FROM {STREAM}_{WINDOW}) - count(*) FROM "
            f"(SELECT DISTINCT window_start, carrier, events FROM {STREAM}_{WINDOW})"
        )
        return total, again

    def windows_that_differ(self) -> int:
        """Windows that a batch computation of the same events does not give, and the other way round."""
        both = "(TABLE batch EXCEPT TABLE streamed) UNION ALL (TABLE streamed EXCEPT TABLE batch)"
        both = both.replace("TABLE ", "SELECT * FROM ")
        return self.numbers(f"{_BATCH} SELECT count(*) FROM ({both}) AS d")[0]

    def check(self) -> dict[str, Any]:
        """What `lake stream check` finds."""
        command = self.lake("stream", "check", STREAM, "--json", stdout=subprocess.PIPE)
        found: dict[str, Any] = json.loads(command.communicate()[0])
        return found


def until(is_there: Callable[[], Any], progress: Callable[[], Any] = lambda: None) -> bool:
    """Wait as long as there is progress. Returns whether it came."""
    deadline, last = time.monotonic() + WAIT_SECONDS, progress()
    while time.monotonic() < deadline:
        if is_there():
            return True
        if (now := progress()) != last:
            deadline, last = time.monotonic() + WAIT_SECONDS, now
        time.sleep(0.2)
    return False


def killed(process: psutil.Process | None) -> bool:
    """`kill -9`. False where it has ended by itself."""
    try:
        if process is None:
            return False
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)

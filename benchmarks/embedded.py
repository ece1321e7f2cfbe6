"""The embedded AWS, compared with an earlier commit: put, crawl and query, in turns, on one machine.

Both sides run from their own source, with their own lakes in a temporary folder. The earlier source is a git worktree.
Targets are ratios of wall time, or of the server's peak memory. The processor time of client and server is also
printed, because it is comparable even on a busy machine.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.worktrees import BEFORE, ROOT, worktree
from tests.local_aws.conftest import free_port

ROUNDS = 2
FILES, FOLDERS, QUERIES = 10_000, 100, 50
BIG_BYTES = 300_000_000
TARGETS = {
    f"put of {FILES:,} files": 0.5,
    f"crawl of {FILES:,} files in {FOLDERS} folders": 0.4,
    f"crawl of {FILES:,} files in one folder": 0.4,
    f"{QUERIES} queries at once": 0.6,
    "peak memory of a crawl of 300 MB": 0.4,
}
LAKE = """\
project: bench
environments:
  local: {{endpoint: "http://127.0.0.1:{port}", region: us-east-1, destroyable: true}}
datasets:
  small: {{format: json, partitions: [part]}}
  flat: {{format: json}}
  flights: {{format: json, partitions: [month, day]}}
  carriers: {{format: csv}}
  big: {{format: csv}}
"""


@dataclass(frozen=True)
class Cost:
    """The cost of one measurement: wall and processor seconds (client and server), the server's peak in bytes."""

    seconds: float
    processor: float
    peak: int


@dataclass(frozen=True)
class Side:
    """The source of one commit, and a lake for its embedded AWS."""

    name: str
    source: Path
    lake: Path

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.lake,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(command)}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def act(self, action: str, *arguments: str) -> str:
        return self.run(str(ROOT / "benchmarks/embedded_side.py"), action, *arguments)

    def put(self, dataset: str, folder: Path) -> None:
        self.run("-m", "lake", "put", dataset, str(folder))

    def restart(self) -> None:
        self.run("-m", "lake", "local", "stop")
        self.run("-m", "lake", "local", "start")

    def cost(self, work: Callable[[], object]) -> Cost:
        """The cost of `work`. If it prints its own seconds, those count."""
        server = psutil.Process(self._server())
        Path(f"/proc/{server.pid}/clear_refs").write_text("5")
        before, begun = _processor(server), time.monotonic()
        printed = work()
        seconds = time.monotonic() - begun
        seconds = float(printed) if isinstance(printed, str) else seconds
        return Cost(seconds, _processor(server) - before, _peak(server.pid))

    def _server(self) -> int:
        """The pid of its embedded AWS. An earlier commit has it in a separate file."""
        folder = self.lake / ".local/local"
        process = folder / "aws/process.json"
        return int(json.loads(process.read_text())["pid"] if process.exists() else (folder / "aws.pid").read_text())

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAKE_"))}
        return kept | {"PYTHONPATH": str(self.source)}


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="embedded-") as name, ExitStack() as stack:
        work = Path(name)
        data = _data(work / "data")
        earlier = stack.enter_context(worktree(work / "before-source", BEFORE))
        sides = [stack.enter_context(running("before", earlier, work))]
        sides.append(stack.enter_context(running("now", ROOT, work)))
        costs: dict[tuple[str, str], list[Cost]] = defaultdict(list)
        for _ in range(ROUNDS):
            for side in sides:
                for title, cost in _measured(side, data):
                    costs[title, side.name].append(cost)
                    print(f"{side.name}: {title}: {cost}", file=sys.stderr)
    return report(costs, TARGETS)


def _measured(side: Side, data: Path) -> Iterator[tuple[str, Cost]]:
    put, nested, flat, queries, memory = TARGETS
    side.act("prepare")
    yield put, side.cost(lambda: side.put("small", data / "small"))
    yield nested, side.cost(lambda: side.act("crawl", "small"))
    side.put("flat", data / "flat")
    yield flat, side.cost(lambda: side.act("crawl", "flat"))
    for dataset in ("flights", "carriers"):
        side.put(dataset, data / dataset)
        side.act("crawl", dataset)
    yield queries, side.cost(lambda: side.act("query", str(QUERIES)))
    side.put("big", data / "big")
    side.restart()  # What a server has allocated before does not count.
    yield memory, side.cost(lambda: side.act("crawl", "big"))
    side.act("clear")


def report(costs: dict[tuple[str, str], list[Cost]], targets: dict[str, float]) -> int:
    """Print a table of ratios; 1 if one misses its target. Costs are by title and side."""
    table = Table("", "before", "now", "ratio", "target", "ratio of processor time")
    missed = False
    for title, target in targets.items():
        memory = title.startswith("peak")
        before, now = (_middle(costs[title, side], "peak" if memory else "seconds") for side in ("before", "now"))
        busy = [_middle(costs[title, side], "processor") for side in ("now", "before")]
        shown = [f"{value / 1e6:,.0f} MB" if memory else f"{value:.1f} s" for value in (before, now)]
        missed |= now / before > target
        table.add_row(title, *shown, f"{now / before:.2f}", f"{target}", f"{busy[0] / busy[1]:.2f}")
    Console().print(table)
    return int(missed)


def _middle(costs: list[Cost], field: str) -> float:
    return float(median(getattr(cost, field) for cost in costs))


@contextmanager
def running(name: str, source: Path, work: Path) -> Iterator[Side]:
    """A side whose embedded AWS runs; its lake is a folder under `work`, and goes with it."""
    lake = work / name
    lake.mkdir()
    (lake / "lake.yaml").write_text(LAKE.format(port=free_port()))
    side = Side(name, source, lake)
    side.run("-m", "lake", "local", "start")
    try:
        yield side
    finally:
        side.run("-m", "lake", "local", "stop")
        shutil.rmtree(lake)


def _data(folder: Path) -> Path:
    """Many small JSON lines files, a year of flights by day, and one large CSV."""
    for number in range(FILES):
        line = f'{{"id": {number}, "name": "n{number}", "price": {number / 7:.3f}, "tags": ["a", "b"]}}\n' * 3
        _written(folder / f"small/part={number % FOLDERS:02}/{number}.json", line)
        _written(folder / f"flat/{number}.json", line)
    queried(folder)
    rows = "".join(
        f"{n},name {n},{n / 3:.4f},2026-01-{n % 28 + 1:02},true,some text of row {n}\n" for n in range(100_000)
    )
    _written(folder / "big/big.csv", "id,name,price,day,flag,text\n" + rows * (BIG_BYTES // len(rows)))
    return folder


def queried(folder: Path) -> None:
    """A year of flights by day, and the carriers."""
    for number in range(12 * 28):
        month, day = number // 28 + 1, number % 28 + 1
        lines = "".join(
            f'{{"carrier": "C{n % 16}", "flight": {n}, "delay": {(n * 7 + day) % 90}}}\n' for n in range(900)
        )
        _written(folder / f"flights/month={month:02}/day={day:02}/flights.json", lines)
    _written(
        folder / "carriers/carriers.csv", "carrier,name,size\n" + "".join(f"C{n},Name {n},{n}\n" for n in range(16))
    )


def _written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _processor(server: psutil.Process) -> float:
    """Processor seconds so far of a server and of the clients that have ended."""
    spent, clients = server.cpu_times(), resource.getrusage(resource.RUSAGE_CHILDREN)
    return float(spent.user + spent.system + spent.children_user + spent.children_system) + (
        clients.ru_utime + clients.ru_stime
    )


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    sys.exit(main())

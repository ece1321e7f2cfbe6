"""Random kills of commands: after the next command, the lake must be as if nothing had been killed.

`python -m benchmarks.kills --kills 40 --seed 1` takes half an hour. Each kill picks a command, a moment in it, and
a target: the embedded AWS, the command alone, everything including child processes (like a power failure), or the
terminal. Then the embedded AWS is restarted if necessary, the same command is run again, and the lake is compared with
its earlier contents: Terraform's state and plan, every object of the raw zone, the catalog, the rows of the job's
table, and the output of `lake leftovers`. At the end the lake is destroyed, and nothing may be left.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import random
import re
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from lake.aws import Aws
from lake.configuration.names import STACKS
from lake.configuration.reading import load
from tests.e2e.conftest import Checkout, checkout_in, environment

LAKE = """
project: kills
environments:
  local: {endpoint: "http://127.0.0.1:4566", region: us-east-1, destroyable: true}
datasets:
  orders: {format: json, partitions: [day]}
  shops: {format: csv}
jobs:
  sales:
    source: orders
    steps:
      - join: {with: shops, on: shop, how: left, take: [city]}
      - filter: "amount > 0"
    sink: {table: sales, format: parquet, partition_by: [day]}
streams:
  visits: {columns: {at: timestamp, shop: string}}
"""
DAYS, ORDERS = 40, 25
TABLES = {"raw": ("orders", "shops"), "curated": ("sales",)}
RESTARTABLE = ("catalog", "etl", "athena", "streaming")
"""Stacks that hold no data. They are destroyed and deployed repeatedly; storage only once, at the end."""


@dataclass(frozen=True)
class Step:
    """A command to kill.

    Attributes:
        prepare: brings the lake into a state in which the command has work to do.
        again: the commands after the kill. The last one makes the lake complete again.
    """

    name: str
    command: tuple[str, ...]
    prepare: Callable[[Checkout], object]
    again: tuple[tuple[str, ...], ...]
    stack: str = ""


@dataclass(frozen=True)
class Outcome:
    """The result of a kill. `differences` is empty if the next command repaired everything."""

    step: str
    victim: str
    moment: float
    differences: list[str]


def main() -> int:
    options = _options()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        for checkout in checkout_in(Path(folder) / "lake"):
            undisturbed = _built(checkout, Path(folder) / "data")
            steps = [step for step in _steps(Path(folder) / "data") if step.name in (options.only or step.name)]
            times = {step.name: _undisturbed(checkout, step) for step in steps}
            print(", ".join(f"{name} {seconds:.0f} s" for name, seconds in times.items()), flush=True)
            outcomes = [
                _disturbed(checkout, step, victim, chance.uniform(0, times[step.name]), undisturbed)
                for step, victim in _drawn(chance, steps, options.kills)
            ]
            left = taken_down(checkout)
    return _shown(outcomes, left)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.kills")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", metavar="STEP", help="kill only these steps, such as `put`, `up etl`")
    return parser.parse_args()


def _drawn(chance: random.Random, steps: list[Step], kills: int) -> Iterator[tuple[Step, str]]:
    """Every step with every victim in turn, in random order."""
    pairs = [(step, victim) for step in steps for victim in VICTIMS]
    for number in range(kills):
        if number % len(pairs) == 0:
            chance.shuffle(pairs)
        yield pairs[number % len(pairs)]


def _steps(data: Path) -> list[Step]:
    put = ("put", "orders", str(data / "orders"))
    stacks = [step for stack in RESTARTABLE for step in _of_stack(stack, data)]
    return [
        *stacks,
        Step("put", put, _without_orders, (put,)),
        Step("crawl", ("crawl",), _without_tables, (("crawl",),)),
        Step("run", ("run", "sales"), lambda checkout: None, (("run", "sales"),)),
    ]


def _of_stack(stack: str, data: Path) -> list[Step]:
    """The steps of a stack. Tables are deleted with their stack, so they are created again."""
    up, down = ("up", stack), ("down", stack)
    refill = {"catalog": (("crawl",), ("run", "sales"))}.get(stack, ())
    return [
        Step(f"down {stack}", down, lambda checkout: None, (down, up, *refill), stack),
        Step(f"up {stack}", up, lambda checkout: checkout.lake(*down), (up, *refill), stack),
    ]


# The lake and its contents


def _built(checkout: Checkout, data: Path) -> dict[str, Any]:
    """Deploy the lake and load its data. Returns its contents."""
    port = (checkout.root / "lake.yaml").read_text().partition("127.0.0.1:")[2].partition('"')[0]
    (checkout.root / "lake.yaml").write_text(LAKE.replace("4566", port))
    write(data)
    checkout.lake("local", "start")
    checkout.lake("up")
    checkout.lake("put", "orders", str(data / "orders"))
    checkout.lake("put", "shops", str(data / "shops"))
    checkout.lake("crawl")
    checkout.lake("run", "sales")
    return held(checkout)


def write(data: Path) -> None:
    (data / "shops").mkdir(parents=True)
    (data / "shops" / "shops.csv").write_text("shop,city\na,Lyon\nb,Porto\nc,Turin\n")
    for day in range(DAYS):
        folder = data / "orders" / f"day=2026-01-{day:02}"
        folder.mkdir(parents=True)
        orders = ({"shop": "abc"[n % 3], "amount": n % 7, "id": day * ORDERS + n} for n in range(ORDERS))
        (folder / "orders.json").write_text("".join(f"{json.dumps(order)}\n" for order in orders))


def held(checkout: Checkout) -> dict[str, Any]:
    """All of a lake that a person can see, without the ids that differ from run to run."""
    aws = Aws(load(checkout.root / "lake.yaml", "local"))
    return {
        **{f"state of {stack}": sorted(checkout.state(stack)) for stack in STACKS},
        **{f"table {name}": _table(aws, zone, name) for zone, names in TABLES.items() for name in names},
        "raw objects": _objects(aws),
        "rows": checkout.lake_json("query", "SELECT * FROM sales ORDER BY id")["rows"],
        "found by name": sorted(f"{left['kind']}: {left['name']}" for left in _leftovers(checkout)),
    }


def _leftovers(checkout: Checkout) -> list[dict[str, str]]:
    found: list[dict[str, str]] = checkout.lake_json("leftovers", code=None)["leftovers"]
    return found


def _table(aws: Aws, zone: str, name: str) -> dict[str, Any]:
    database = aws.names.database(zone)
    table: Any = aws.glue.get_table(DatabaseName=database, Name=name)["Table"]
    pages = aws.glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=name)
    return {
        "columns": table["StorageDescriptor"]["Columns"],
        "keys": table["PartitionKeys"],
        "partitions": sorted(tuple(found["Values"]) for page in pages for found in page["Partitions"]),
    }


def _objects(aws: Aws) -> dict[str, str]:
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=aws.names.bucket("raw"))
    return {entry["Key"]: entry["ETag"] for page in pages for entry in page.get("Contents", [])}


def _without_orders(checkout: Checkout) -> None:
    aws = Aws(load(checkout.root / "lake.yaml", "local"))
    for key in _objects(aws):
        if key.startswith("orders/"):
            aws.s3.delete_object(Bucket=aws.names.bucket("raw"), Key=key)


def _without_tables(checkout: Checkout) -> None:
    aws = Aws(load(checkout.root / "lake.yaml", "local"))
    for name in TABLES["raw"]:
        aws.glue.delete_table(DatabaseName=aws.names.database("raw"), Name=name)


def taken_down(checkout: Checkout) -> list[str]:
    checkout.lake("down", "--delete-data")
    stored = checkout.lake_json("local", "store")
    left = [f"{entry['place']}: {entry['key']}" for entry in stored if "kills" in entry["key"]]
    return left + [f"{found['kind']}: {found['name']}" for found in _leftovers(checkout)]


# Kills


def _server(checkout: Checkout, _: subprocess.Popen[bytes], __: int) -> None:
    """Kill the embedded AWS, while the command continues."""
    os.kill(json.loads((checkout.root / ".local/local/aws/process.json").read_text())["pid"], signal.SIGKILL)


def _command(_: Checkout, process: subprocess.Popen[bytes], __: int) -> None:
    process.kill()


def _power(checkout: Checkout, process: subprocess.Popen[bytes], terminal: int) -> None:
    """Kill the embedded AWS, the command and all processes that it started."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
    process.kill()
    _server(checkout, process, terminal)


def _terminal(_: Checkout, __: subprocess.Popen[bytes], terminal: int) -> None:
    os.close(terminal)


VICTIMS: dict[str, Callable[[Checkout, subprocess.Popen[bytes], int], None]] = {
    "embedded AWS": _server,
    "command": _command,
    "power": _power,
    "terminal": _terminal,
}


def _undisturbed(checkout: Checkout, step: Step) -> float:
    """How long the step takes, in seconds. A stack that is destroyed here is deployed in the next step."""
    step.prepare(checkout)
    begun = time.monotonic()
    checkout.lake(*step.command)
    taken = time.monotonic() - begun
    if step.command[0] == "up":
        for command in step.again[1:]:
            checkout.lake(*command)
    return taken


def _disturbed(checkout: Checkout, step: Step, victim: str, moment: float, undisturbed: dict[str, Any]) -> Outcome:
    step.prepare(checkout)
    with _in_a_terminal(checkout, step.command) as (process, terminal):
        _watch(process, terminal, moment)
        VICTIMS[victim](checkout, process, terminal)
        _watch(process, terminal, 300)
        process.wait(10)
    checkout.lake("local", "start")
    failed = [_failure(checkout, command) for command in step.again]
    differences = [failure for failure in failed if failure] or differences_between(undisturbed, held(checkout))
    if step.stack and not differences:
        differences = _planned(checkout, step.stack)
    outcome = Outcome(step.name, victim, moment, differences)
    print(f"{'FAILED' if differences else 'ok':7} {victim} dies {moment:.1f} s into {step.name}", flush=True)
    for difference in differences:
        print(f"        {difference}", flush=True)
    return outcome


@contextmanager
def _in_a_terminal(checkout: Checkout, command: tuple[str, ...]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A lake command in a new terminal: (process, the terminal's other end)."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "lake", *command],
        cwd=checkout.root,
        env=environment(checkout.root),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    yield process, ours
    with suppress(OSError):
        os.close(ours)


def _watch(process: subprocess.Popen[bytes], terminal: int, seconds: float) -> None:
    """Read the command's output until it ends, or for this many seconds."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if select.select([terminal], [], [], 0.05)[0]:
                os.read(terminal, 65536)
        except OSError:
            # The terminal is closed, by either end.
            time.sleep(0.05)


def _failure(checkout: Checkout, command: tuple[str, ...]) -> str:
    """Run a command like a user, who attaches to a run that continues without the command that started it."""
    done = checkout.lake(*command, code=None)
    if going := re.search("already running.*`lake attach (\\S+)`", done.stderr):
        done = checkout.lake("attach", going[1], code=None)
    return f"lake {' '.join(command)}: {done.stderr[-500:]}" if done.returncode else ""


def differences_between(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [
        f"{name}: {_lacking(before[name], after[name])} gone, {_lacking(after[name], before[name])} new"[:500]
        for name in before
        if before[name] != after[name]
    ]


def _lacking(undisturbed: Any, part: Any) -> list[Any]:
    """The entries of `undisturbed` that `part` lacks."""
    entries, there = (each.items() if isinstance(each, dict) else each for each in (undisturbed, part))
    return [entry for entry in entries if entry not in there]


def _planned(checkout: Checkout, stack: str) -> list[str]:
    command = ("terraform", f"-chdir=cdktf.out/stacks/{stack}", "plan", "-detailed-exitcode", "-no-color")
    done = checkout.run(*command, code=None)
    return [] if done.returncode == 0 else [f"a plan of {stack} shows changes: {done.stdout[-300:]}"]


def _shown(outcomes: list[Outcome], left: list[str]) -> int:
    table = Table("command", *VICTIMS, title=f"{len(outcomes)} kills; equal after the next command")
    for step in dict.fromkeys(outcome.step for outcome in outcomes):
        cells = [[not o.differences for o in outcomes if (o.step, o.victim) == (step, victim)] for victim in VICTIMS]
        table.add_row(step, *(f"{sum(cell)} of {len(cell)}" if cell else "" for cell in cells))
    Console(width=120).print(table, f"{len(left)} left after lake down --delete-data", *left, sep="\n")
    return int(any(outcome.differences for outcome in outcomes) or bool(left))


if __name__ == "__main__":
    sys.exit(main())

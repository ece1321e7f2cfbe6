"""A lake's life under faults: 5 % of all calls are throttled, fail or lose their answer; a login that expires.

`python -m benchmarks.faults` takes some minutes. A lake is deployed, filled, crawled and run, twice: undisturbed, and
under faults, each command given again until it goes through. Both have to hold the same in the end: states, tables,
partitions, objects and rows. Then a deploy whose login expires after a number of calls, and the next one with a good
login. It prints what a person saw.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.kills import LAKE, differences_between, held, taken_down, write
from tests.e2e.conftest import Checkout, checkout_in

VARIABLE = "LOCAL_AWS_FAULTS"
TRIES = 8
"""How often a person gives a command again."""
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.faults")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--expired-after", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        write(data)
        for checkout in _lakes(Path(folder) / "calm"):
            calm, _ = _lived(checkout, data)
            taken_down(checkout)
        for checkout in _lakes(Path(folder) / "faulty"):
            checkout.settings[VARIABLE] = json.dumps({"share": options.share, "seed": options.seed})
            held, again = _lived(checkout, data)
            differences = differences_between(calm, held) + [f"left: {left}" for left in taken_down(checkout)]
        for checkout in _lakes(Path(folder) / "expiring"):
            expired = _expired(checkout, options.expired_after)
    print(f"{options.share:.0%} of all calls: commands given again: {again or 'none'}", *differences, sep="\n")
    print("a login that expires in the middle:", *expired, sep="\n")
    return int(bool(differences))


def _lakes(folder: Path) -> Iterator[Checkout]:
    for checkout in checkout_in(folder):
        port = (checkout.root / "lake.yaml").read_text().partition("127.0.0.1:")[2].partition('"')[0]
        (checkout.root / "lake.yaml").write_text(LAKE.replace("4566", port))
        yield checkout


def _lived(checkout: Checkout, data: Path) -> tuple[dict[str, object], dict[str, int]]:
    """A life of a lake: what it holds in the end, and how often a command had to be given again."""
    checkout.lake("local", "start")
    again = {}
    for command in (
        ("up",),
        ("put", "orders", str(data / "orders")),
        ("put", "shops", str(data / "shops")),
        ("crawl",),
        ("run", "sales"),
    ):
        for number in range(TRIES):
            done = checkout.lake(*command, code=None)
            if done.returncode == 0:
                break
            print(f"lake {' '.join(command)}: {done.stderr.strip().splitlines()[-1][:300]}", flush=True)
            assert "Traceback" not in done.stderr
            again[command[0]] = number + 1
        assert done.returncode == 0, done.stderr
    if VARIABLE in checkout.settings:
        _calmed(checkout)
    return _of_any_lake(held(checkout)), again


def _of_any_lake(found: dict[str, Any]) -> dict[str, Any]:
    """A key has another id in each lake."""
    return found | {"found by name": [_ID.sub("ID", each) for each in found["found by name"]]}


def _calmed(checkout: Checkout) -> None:
    checkout.lake("local", "stop")
    checkout.settings.pop(VARIABLE)
    checkout.lake("local", "start")


def _expired(checkout: Checkout, after: int) -> list[str]:
    """What a deploy says whose login expires, and what the next one with a good login says."""
    checkout.settings[VARIABLE] = json.dumps({"expired_after": after})
    checkout.lake("local", "start")
    first = checkout.lake("up", "storage", code=None)
    _calmed(checkout)
    second = checkout.lake("up", "storage", code=None)
    planned = checkout.lake("plan", "storage", code=None)
    return [
        f"lake up storage: exit {first.returncode}: {first.stderr.strip().splitlines()[-1][:400]}",
        f"and again: exit {second.returncode}: {second.stdout.strip()}; {planned.stdout.strip()}",
    ]


if __name__ == "__main__":
    sys.exit(main())

"""Destroys each stack with every set of the others gone before: 80 destroys, a quarter of an hour.

`python -m tests.e2e.every_order`. Too long for every test run; the tests of tests/stacks hold its cause (no stack
refers to another), and tests/e2e/test_lake.py destroys in two orders.
The lake is deployed once; each destroy begins from a copy of the state in which just those stacks are gone.
"""

from __future__ import annotations

import itertools
import shutil
import sys
import tempfile
from pathlib import Path

from lake.configuration.names import STACKS
from tests.e2e.conftest import Checkout, checkout_in

KEPT = (".local/local", ".state")
Gone = frozenset[str]


def main() -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for checkout in checkout_in(Path(folder) / "lake"):
            failed = sum(_failures(checkout, Path(folder) / "snapshots"))
    print(f"{failed} failed")
    return int(failed > 0)


def _failures(checkout: Checkout, snapshots: Path) -> list[bool]:
    checkout.lake("local", "start")
    checkout.lake("up")
    _save(checkout, snapshots, frozenset())
    sets = (frozenset(destroyed) for size in range(len(STACKS)) for destroyed in itertools.combinations(STACKS, size))
    return [
        _destroy(checkout, snapshots, destroyed, stack)
        for destroyed in sets
        for stack in STACKS
        if stack not in destroyed
    ]


def _destroy(checkout: Checkout, snapshots: Path, destroyed: Gone, stack: str) -> bool:
    """Whether it failed. The first way to a set of stacks is kept for the sets beyond it."""
    _restore(checkout, snapshots, destroyed)
    command = ["terraform", f"-chdir=cdktf.out/stacks/{stack}", "destroy", "-auto-approve", "-no-color"]
    done = checkout.run(*command, code=None)
    failed = done.returncode != 0 or checkout.state(stack) != []
    print(f"{'FAILED' if failed else 'ok':7} {stack} after {', '.join(sorted(destroyed)) or 'nothing'}", flush=True)
    if failed:
        print(done.stdout[-3000:], done.stderr[-3000:], flush=True)
    if not (snapshots / _name(destroyed | {stack})).exists():
        _save(checkout, snapshots, destroyed | {stack})
    return failed


def _save(checkout: Checkout, snapshots: Path, destroyed: Gone) -> None:
    checkout.lake("local", "stop")
    for folder in KEPT:
        shutil.copytree(checkout.root / folder, snapshots / _name(destroyed) / folder)


def _restore(checkout: Checkout, snapshots: Path, destroyed: Gone) -> None:
    checkout.lake("local", "stop")
    for folder in KEPT:
        shutil.rmtree(checkout.root / folder)
        shutil.copytree(snapshots / _name(destroyed) / folder, checkout.root / folder)
    checkout.lake("local", "start")


def _name(destroyed: Gone) -> str:
    return "-".join(sorted(destroyed)) or "nothing"


if __name__ == "__main__":
    sys.exit(main())

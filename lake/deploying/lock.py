"""Allows one `lake up` or `lake down` at a time in a checkout, because its environments share Terraform's folder."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path

from lake.configuration.reading import Lake
from lake.errors import LakeError
from lake.folders import need_writable

POLL_SECONDS = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True)
class Holder:
    """Who holds the lock. `ending`: it starts nothing more, and releases the lock when Terraform has finished."""

    pid: int
    command: str
    since: str
    ending: bool = False

    def __str__(self) -> str:
        return f"`{self.command}` (process {self.pid}), since {self.since}"


class Lock:
    """A lock that is released when its process ends, however it ends."""

    def __init__(self, file: TextIOWrapper, holder: Holder) -> None:
        self._file = file
        self._holder = holder

    def take(self) -> bool:
        """Take the lock. Returns whether it was free."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._write(self._holder)
        return True

    def holder(self) -> Holder:
        """The current holder."""
        for _ in range(10):
            self._file.seek(0)
            with suppress(ValueError, TypeError):
                return Holder(**json.load(self._file))
            time.sleep(0.1)  # the lock is changing hands
        return Holder(0, "lake", "a moment ago")

    def let_go_soon(self) -> None:
        """Tell waiting commands that this one is ending."""
        self._write(Holder(**{**asdict(self._holder), "ending": True}))

    def _write(self, holder: Holder) -> None:
        self._file.seek(0)
        self._file.truncate()
        json.dump(asdict(holder), self._file)
        self._file.flush()


@contextmanager
def alone(lake: Lake, command: str, *, wait: bool, say: Say) -> Iterator[Lock]:
    """Hold the lock of a checkout, after any Terraform process of an earlier command has ended.

    Args:
        command: as it was typed, to show to others that want the lock.
        wait: wait for a running command. A command that is ending, or that died while its Terraform still runs, is
            waited for in any case.

    Raises:
        BadInput: the lake's folder is read-only.
        LakeError: another command has the lock.
    """
    path = lake.root / ".state" / "lock"
    need_writable(path.parent)
    path.parent.mkdir(exist_ok=True)
    with path.open("a+") as file:
        lock = Lock(file, Holder(os.getpid(), f"{command} of {lake.deployment}", _now()))
        _wait_for_commands(lock, wait, say)
        _wait_for_terraform(lake.root, say)
        yield lock


def _wait_for_commands(lock: Lock, wait: bool, say: Say) -> None:
    announced = ""
    while not lock.take():
        holder = lock.holder()
        if not (wait or holder.ending):
            raise LakeError(f"{holder} is running in this checkout. Wait for it with --wait, or stop it with Ctrl-C")
        if announced != str(holder):
            say(f"waiting for {holder}" + (", which is ending" if holder.ending else ""))
            announced = str(holder)
        time.sleep(POLL_SECONDS)


def _wait_for_terraform(root: Path, say: Say) -> None:
    """Wait for the Terraform of a killed command, which ends by itself with a complete state."""
    announced: set[int] = set()
    while found := terraform_at_work(root):
        for work in found:
            if work.pid not in announced:
                say(
                    f"waiting for Terraform on {work.stack} (process {work.pid}, since {work.since}), which a killed "
                    f"command left running. To interrupt it: kill -INT {work.pid}"
                )
            announced.add(work.pid)
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class Work:
    """A Terraform process in a stack's folder."""

    pid: int
    since: str
    stack: str


def terraform_at_work(root: Path) -> list[Work]:
    """The Terraform processes that `lake` started in a checkout, from ps on Linux and macOS."""
    path = os.fsencode(f"-chdir={root / 'cdktf.out' / 'stacks'}{os.sep}")
    folder = "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in path)  # as ps writes it in the C locale
    command = ["ps", "-axww", "-o", "pid=,stat=,lstart=,args="]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    except FileNotFoundError:
        return []
    rows = (line.split(maxsplit=7) for line in shown.stdout.splitlines() if folder in line)
    return [
        Work(int(pid), time_, arguments.partition(folder)[2].split()[0])
        for pid, stat, _, _, _, time_, _, arguments in rows
        if not stat.startswith("Z") and "terraform" in arguments.partition(folder)[0]
    ]


def _now() -> str:
    return datetime.now().astimezone().isoformat(" ", "seconds")

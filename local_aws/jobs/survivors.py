"""Processes of jobs that briefly outlive a killed embedded AWS: Java, its workers, and what a script started."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

_PATIENCE = 10.0
_PROCESSES = Path("/proc")

log = logging.getLogger("local_aws.jobs")


def end_survivors(runs: Collection[str]) -> None:
    """Kill every process of these runs and wait until all are gone. Finds none on a system without /proc.

    A process is recognised by its environment, where the session token is the run's id. Its number cannot be reused in
    between: the signal goes to a descriptor that was opened before the environment was read.
    """
    tokens = [f"AWS_SESSION_TOKEN={run}".encode() for run in runs]
    deadline = time.monotonic() + _PATIENCE
    while tokens and sum(_killed(pid, tokens) for pid in _pids()):
        if time.monotonic() > deadline:
            log.warning("processes of interrupted job runs are still there after %s s", _PATIENCE)
            return
        time.sleep(0.05)


def _killed(pid: int, tokens: Collection[bytes]) -> bool:
    """Send SIGKILL to a process of these runs. False if it is not one."""
    with suppress(OSError):
        descriptor = os.pidfd_open(pid)
        try:
            if set(tokens) & set((_PROCESSES / f"{pid}/environ").read_bytes().split(b"\0")):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                return True
        finally:
            os.close(descriptor)
    return False


def _pids() -> Iterator[int]:
    if _PROCESSES.is_dir():
        yield from (int(entry.name) for entry in _PROCESSES.iterdir() if entry.name.isdigit())

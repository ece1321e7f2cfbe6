"""The embedded AWS with a trap: when a job run makes a given call, something happens to the run's processes.

python -m tests.glue_scripts.trouble.watched PORT FOLDER

The trap is the file FOLDER/trap.json: {"call": "UpdateTable", "number": 1, "when": "before", "do": "kill"}.
A call to S3 is named by its method and path. "limit": no file of the run can exceed 256 KiB, as on a full disk.
"""

import asyncio
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from local_aws import server

FILE_SIZE = 256 * 1024
GONE = -1


def groups_of(run_id: str) -> set[int]:
    """Return the process groups of a run: those with the run's id among their arguments, and all that they started."""
    named = [process for process in Path("/proc").glob("[0-9]*") if run_id.encode() in _read(process / "cmdline")]
    return {_group(int(process.name)) for process in named} - {GONE}


def kill(run_id: str) -> None:
    for group in groups_of(run_id):
        os.killpg(group, signal.SIGKILL)


def limit(run_id: str) -> None:
    groups = groups_of(run_id)
    for process in (int(place.name) for place in Path("/proc").glob("[0-9]*")):
        if _group(process) in groups:
            with suppress(ProcessLookupError):  # it has just ended
                resource.prlimit(process, resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _group(process: int) -> int:
    try:
        return os.getpgid(process)
    except ProcessLookupError:
        return GONE


class Trap:
    """An ASGI application in front of the embedded AWS."""

    def __init__(self, app: Any, file: Path) -> None:
        self.app, self.file, self.seen = app, file, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", []))
        run_id = headers.get(b"x-amz-security-token", b"").decode()
        trap = json.loads(self.file.read_text()) if run_id and self.file.exists() else None
        if trap is None or not self._is_meant(trap, scope, headers):
            await self.app(scope, receive, send)
            return
        self.file.unlink()
        self.seen = 0
        if trap["when"] == "after":
            await self.app(scope, receive, _nowhere)
        if trap["do"] == "limit":
            await asyncio.to_thread(limit, run_id)
            await self.app(scope, receive, send)
        else:
            await asyncio.to_thread(kill, run_id)

    def _is_meant(self, trap: Any, scope: Any, headers: Any) -> bool:
        action = headers.get(b"x-amz-target", b"").decode().rpartition(".")[2]
        call = action or f"{scope.get('method')} {scope.get('path')}"
        self.seen += call.startswith(trap["call"])
        return bool(call.startswith(trap["call"]) and self.seen == trap["number"])


async def _nowhere(message: Any) -> None:
    pass


if __name__ == "__main__":
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    application = server.application
    server.application = lambda *place, **named: Trap(application(*place, **named), folder / "trap.json")
    server.serve(port, folder)

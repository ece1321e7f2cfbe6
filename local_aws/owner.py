"""Ensures one process per folder, and records whether the last one stopped cleanly."""

from __future__ import annotations

import fcntl
import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import IO, Any

FILE = "process.json"
"""Locked by the process that has the folder, and empty after a clean stop. `lake` reads it."""
_PATIENCE_SECONDS = 1.0
"""Anyone who checks whether the file is locked locks it for a moment."""


class FolderTaken(Exception):
    """Another process has the folder; the message says which."""


class Owner:
    """This process's ownership of a folder, from `Owner(...)` until `release()` or the end of the process.

    Args:
        version: of the tool that started it, for tools that find it running.

    Attributes:
        was_killed: whether the last process with this folder did not stop cleanly.

    Raises:
        FolderTaken: another process has it.
    """

    def __init__(self, folder: Path, port: int, version: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / FILE
        self._file = self._path.open("a+")
        if not _locked(self._file):
            raise FolderTaken(_taken(folder, self._path))
        self._file.seek(0)
        self.was_killed = bool(self._file.read().strip())
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        process = {"pid": os.getpid(), "port": port, "since": since, "folder": str(folder), "version": version}
        self._write(json.dumps(process))

    def is_in_place(self) -> bool:
        """False once the folder was moved or deleted while in use."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

    def give_back(self) -> None:
        """Before any change: leave the folder as it was found."""
        if not self.was_killed:
            self.release()

    def release(self) -> None:
        """Record that everything is saved."""
        self._write("")
        self._file.close()

    def _write(self, text: str) -> None:
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()


def _locked(file: IO[str]) -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)


def _taken(folder: Path, path: Path) -> str:
    other: dict[str, Any] = json.loads(path.read_text() or "{}")
    return (
        f"{folder} is in use by the embedded AWS of process {other.get('pid')} on port {other.get('port')}, "
        f"since {other.get('since')}: stop that one first, or take another folder"
    )

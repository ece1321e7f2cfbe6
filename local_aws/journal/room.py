"""Room on the disk: a call that stores something is taken only if all of it fits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RESERVE = 8 * 1024 * 1024
"""Bytes that stay free of what calls bring: state, the engines' store and logs are written into them."""
BALLAST = 2 * 1024 * 1024
"""Bytes that a file holds for the time when other programs have taken the reserve: deletes then use them."""


class NoRoom(Exception):
    """The disk has no room; the message is for a person."""


class Room:
    """The free space of a folder's disk, less what calls under way have been promised."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._promised = 0
        self._ballast = folder / "ballast"
        self._keep_ballast()

    @contextmanager
    def of(self, size: int) -> Iterator[None]:
        """Have `size` bytes for the time of the block.

        Raises:
            NoRoom: they and the reserve are not free.
        """
        if self._free() - self._promised < size + RESERVE:
            raise self.full()
        if not self._ballast.exists():
            self._keep_ballast()
        self._promised += size
        try:
            yield
        finally:
            self._promised -= size

    def of_the_last(self) -> None:
        """Before a call that deletes: give the ballast away if there is nothing else."""
        if self._free() < BALLAST:
            self._ballast.unlink(missing_ok=True)

    def full(self) -> NoRoom:
        megabytes = self._free() // 1024**2
        return NoRoom(
            f"no space left on the disk of {self._folder}: {megabytes} MB free, and {RESERVE // 1024**2} MB stay free "
            f"for the embedded AWS itself; free some and try again"
        )

    def _free(self) -> int:
        return shutil.disk_usage(self._folder).free

    def _keep_ballast(self) -> None:
        if self._free() < RESERVE + 2 * BALLAST or not hasattr(os, "posix_fallocate"):
            return
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, BALLAST)

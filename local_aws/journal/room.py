"""Disk space: a call that stores something is accepted only if all of it fits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_aws.disk import RESERVE, no_space

BALLAST = 2 * 1024 * 1024
"""Bytes of a ballast file, for when other programs have used up the reserve: deletes then need space."""

_BALLAST = "ballast"


def give_ballast(folder: Path) -> None:
    """Release the ballast of a folder on a full disk."""
    if folder.exists() and shutil.disk_usage(folder).free < BALLAST:
        (folder / _BALLAST).unlink(missing_ok=True)


class Room:
    """The free space of a folder's disk, less what running calls have reserved."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._promised = 0
        self._ballast = folder / _BALLAST
        self._keep_ballast()

    @contextmanager
    def of(self, size: int) -> Iterator[None]:
        """Reserve `size` bytes during the block.

        Raises:
            AwsError: the bytes and the reserve are not free.
        """
        if self._free() - self._promised < size + RESERVE:
            raise no_space(self._folder)
        if not self._ballast.exists():
            self._keep_ballast()
        self._promised += size
        try:
            yield
        finally:
            self._promised -= size

    def of_the_last(self) -> None:
        """Before a call that deletes: release the ballast if nothing else is free."""
        give_ballast(self._folder)

    def _free(self) -> int:
        return shutil.disk_usage(self._folder).free

    def _keep_ballast(self) -> None:
        if self._free() < RESERVE + 2 * BALLAST or not hasattr(os, "posix_fallocate"):
            return
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, BALLAST)

"""The same error for a full disk, wherever it is noticed."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from local_aws.protocol import AwsError

T = TypeVar("T")
RESERVE = 8 * 1024 * 1024
"""Bytes kept free of what calls store: state, the engines' store and logs are written into them."""
_NO_SPACE = re.compile("No space left on device|Disk quota exceeded|database or disk is full")
"""The messages of the system, DuckDB and SQLite."""
INSUFFICIENT_STORAGE = 507
"""Not 500, 502, 503 or 504: boto3 and Terraform retry these, so a user would wait for minutes."""


def reason_of(error: BaseException, folder: Path) -> str:
    """Return the message of a failure that a full disk caused, in this process or in a call of it; else empty."""
    if "no space left on the disk of" in str(error):
        return "no space left on the disk of" + str(error).partition("no space left on the disk of")[2]
    return no_space(folder).message if _NO_SPACE.search(str(error)) else ""


def once_there_is_room(act: Callable[[], T]) -> T:
    """Do something that must be recorded, such as the end of a run: on a full disk, retry until it succeeds."""
    while True:
        try:
            return act()
        except AwsError as error:
            if error.status != INSUFFICIENT_STORAGE:
                raise
            time.sleep(1)


def need_room(folder: Path, size: int = 0) -> None:
    """Raises AwsError if `size` bytes and the reserve are not free on the disk of `folder`, or the folder is gone."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise not_kept(f"{folder} cannot be written: {(error.strerror or str(error)).lower()}") from None
    if free < size + RESERVE:
        raise no_space(folder)


def no_space(folder: Path) -> AwsError:
    """Return the error for a call whose data does not fit on the disk of `folder`."""
    free, kept = shutil.disk_usage(folder).free // 1024**2, RESERVE // 1024**2
    return not_kept(
        f"no space left on the disk of {folder}: {free} MB free, and {kept} MB stay free for the embedded AWS itself; "
        f"free some and try again"
    )


def not_kept(sentence: str) -> AwsError:
    """Return the error for a call that cannot be stored."""
    return AwsError("InsufficientStorage", sentence, INSUFFICIENT_STORAGE)

"""A full disk, told the same way by whoever finds it full."""

from __future__ import annotations

import shutil
from pathlib import Path

from local_aws.protocol import AwsError

RESERVE = 8 * 1024 * 1024
"""Bytes that stay free of what calls bring: state, the engines' store and logs are written into them."""
INSUFFICIENT_STORAGE = 507
"""boto3 and Terraform retry 500, 502, 503 and 504, which would keep a person waiting for minutes."""


def no_space(folder: Path) -> AwsError:
    """The refusal of a call whose data has no room beside `folder`."""
    free, kept = shutil.disk_usage(folder).free // 1024**2, RESERVE // 1024**2
    return not_kept(
        f"no space left on the disk of {folder}: {free} MB free, and {kept} MB stay free for the embedded AWS itself; "
        f"free some and try again"
    )


def not_kept(sentence: str) -> AwsError:
    """The refusal of a call that cannot be kept."""
    return AwsError("InsufficientStorage", sentence, INSUFFICIENT_STORAGE)

"""Durations as text."""

from __future__ import annotations

import math
import re

from local_aws.athena.query.python.failing import bad

_SIZES = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6, "d": 8.64e7}
_PARTS = [("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)]


def parse(text: str) -> int:
    """Parse `3.5d` to milliseconds."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", text)
    if not found:
        raise bad(f"duration is not a valid data duration string: {text}")
    if found[2] not in _SIZES:
        raise bad(f"Unknown time unit: {found[2]}")
    return math.floor(float(found[1]) * _SIZES[found[2]] + 0.5)


def human_readable(seconds: float) -> str:
    """Format as `1 day, 10 hours`."""
    if not math.isfinite(seconds):
        raise bad(
            f"Invalid argument found: {'NaN' if math.isnan(seconds) else 'Infinity' if seconds > 0 else '-Infinity'}"
        )
    rest = abs(math.floor(abs(seconds) + 0.5))
    parts: list[str] = []
    for name, size in _PARTS:
        amount, rest = divmod(rest, size)
        if amount or (name == "second" and not parts):
            parts.append(f"{amount} {name}{'' if amount == 1 else 's'}")
    return ", ".join(parts)

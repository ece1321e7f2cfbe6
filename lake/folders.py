"""Whether a folder can be written to, asked before a command begins."""

from __future__ import annotations

import os
from pathlib import Path

from lake.errors import BadInput


def need_writable(path: Path, way_out: str = "Make it writable, or copy the lake to a folder of your own") -> None:
    """Raises BadInput where `path` cannot be made or written to: it or the folder that it would lie in is read-only."""
    existing = next(place for place in (path, *path.parents) if place.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return
    wrong = "is read-only for this user" if existing.is_dir() else "is no folder"
    inside = "" if existing == path else f", and {path.relative_to(existing)} has to be made there"
    raise BadInput(f"{existing} {wrong}{inside}. {way_out}")

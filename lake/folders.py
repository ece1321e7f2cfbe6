"""Checks that a folder is writable, before a command starts."""

from __future__ import annotations

import os
from pathlib import Path

from lake.errors import BadInput


def need_writable(path: Path, fix: str = "Make it writable, or copy the lake to a folder of your own") -> None:
    """Raise BadInput if `path` cannot be created or written to, because it or its parent is read-only."""
    existing = next(place for place in (path, *path.parents) if place.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return
    wrong = "is read-only for this user" if existing.is_dir() else "is not a folder"
    inside = "" if existing == path else f", and {path.relative_to(existing)} must be created in it"
    raise BadInput(f"{existing} {wrong}{inside}. {fix}")

"""The sample lake.yaml, and copies of it with one place changed."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLE = (ROOT / "lake.yaml").read_text()


def written(folder: Path, old: str, new: str) -> Path:
    """The sample lake.yaml with one place changed."""
    assert old in SAMPLE
    file = folder / "lake.yaml"
    file.write_text(SAMPLE.replace(old, new, 1))
    return file

"""The examples of `lake init --example`: configuration, queries, and data or a script that generates it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lake.configuration.suggest import allowed
from lake.errors import BadInput
from lake.shipped import place

EXAMPLES = {
    "flights": ("", ["lake.yaml", "queries", "examples/sample.py"]),
    "cars": ("examples/cars", ["lake.yaml", "queries", "sample.py"]),
    "shop": ("examples/shop", ["lake.yaml", "queries", "data"]),
    "stream": ("examples/stream", ["lake.yaml", "queries", "events.jsonl"]),
}
"""Example -> its folder in a checkout, and the files that a new lake gets."""
_SCHEMA = "# yaml-language-server: $schema=lake.schema.json\n"


def files(example: str, project: str) -> dict[str, str]:
    """The text of each file of an example, by its path in the new lake.

    Raises:
        BadInput: there is no such example.
    """
    if example not in EXAMPLES:
        raise BadInput(f"there is no example {example!r}. {allowed(example, EXAMPLES)}")
    folder, names = EXAMPLES[example]
    root = place("lake.yaml").parent / folder
    texts = {path.relative_to(root).as_posix(): path.read_text() for name in names for path in _files(root / name)}
    renamed = re.sub(r"^project: .*$", f"project: {project}", texts["lake.yaml"], flags=re.MULTILINE)
    return texts | {"lake.yaml": _SCHEMA + renamed}


def steps(lake_yaml: str) -> list[str]:
    """The commands that run an example: the comments of its lake.yaml that begin with `$`."""
    return re.findall(r"^# \$ (.*)$", lake_yaml, re.MULTILINE)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        yield from (inner for inner in sorted(path.rglob("*")) if inner.is_file())

"""Folders from when the emulator kept the partitions: the first start moves them to the store."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from typing import Any

from local_aws.context import Context
from local_aws.partitions.table import PARTITIONS, key_of
from local_aws.protocol import Document


def take_over(context: Context) -> None:
    """Run before the emulator reads its state. If it is interrupted, the next start repeats it."""
    file = context.folder / "state/glue.json"
    if not file.exists():
        return
    state = json.loads(file.read_text())
    lists = state.get("payload", {}).get("partitions", {}).get("data")
    if lists:
        context.store.put_all(PARTITIONS, dict(_documents(lists)))
        lists.clear()
        new = file.with_suffix(".new")
        new.write_text(json.dumps(state))
        new.replace(file)


def _documents(lists: Mapping[str, Any]) -> Iterator[tuple[str, Document]]:
    """Yield the documents. The emulator has a list of partitions per `account NUL region NUL 'database/table'`."""
    for place, partitions in lists.items():
        _, region, table = place.split("\0", 2)
        database, _, name = ast.literal_eval(table).partition("/")
        yield from ((key_of(region, database, name, *partition["Values"]), partition) for partition in partitions)

"""A stream: its stored document, and its shards."""

from __future__ import annotations

import copy
import shutil
import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from local_aws.context import ACCOUNT
from local_aws.protocol import AwsError, Document
from local_aws.streams.kinesis.hashing import SPACE, hash_key, uniform_starts
from local_aws.streams.kinesis.log import now
from local_aws.streams.kinesis.shard import Shard

HOUR = 3_600_000
"""In milliseconds."""


class Stream:
    """One stream in one region. Only with `lock` held may its document or shards change, or records be appended.

    Attributes:
        folder: the folder of its records; never reused, not even by a stream of the same name.
        settings: stored settings besides the shards: mode, retention_hours, tags, ...
    """

    def __init__(self, root: Path, region: str, name: str, born: int, shards: Sequence[Document], **settings: Any):
        self.region, self.name, self.born = region, name, born
        self.folder = root / region / f"{name}.{born}"
        self.settings = settings
        self.lock = threading.RLock()
        self.is_gone = False
        self.shards = [Shard.of(self.folder, shard) for shard in shards]

    @property
    def arn(self) -> str:
        return f"arn:aws:kinesis:{self.region}:{ACCOUNT}:stream/{self.name}"

    @property
    def horizon(self) -> int:
        """Return the time, in milliseconds, before which records have expired."""
        return now() - int(self.settings["retention_hours"]) * HOUR

    def document(self) -> Document:
        return {"born": self.born, "shards": [shard.document() for shard in self.shards], **self.settings}

    @cached_property
    def open_shards(self) -> list[Shard]:
        """Return the open shards by hash key."""
        return sorted((shard for shard in self.shards if shard.closed is None), key=_first)

    @cached_property
    def _starts(self) -> list[int]:
        return [shard.first for shard in self.open_shards]

    def _reopen(self) -> None:
        for name in ("open_shards", "_starts"):
            self.__dict__.pop(name, None)

    @contextmanager
    def whole_change(self) -> Iterator[None]:
        """Undo the changes of the block if they cannot be saved."""
        settings, shards = copy.deepcopy(self.settings), [(shard, shard.closed) for shard in self.shards]
        try:
            yield
        except BaseException:
            self.settings, self.shards = settings, [shard for shard, _ in shards]
            for shard, closed in shards:
                shard.closed = closed
            self._reopen()
            raise

    def need_there(self) -> None:
        """Raises AwsError if it was deleted."""
        if self.is_gone:
            raise AwsError("ResourceNotFoundException", f"Stream {self.name} under account {ACCOUNT} not found.")

    def shard_of(self, key: int) -> Shard:
        """Return the open shard of a hash key."""
        return self.open_shards[bisect_right(self._starts, key) - 1]

    def shard_of_key(self, partition_key: bytes) -> Shard:
        return self.shard_of(hash_key(partition_key))

    def shard(self, id_: str) -> Shard:
        """Raises AwsError if there is none."""
        found = next((shard for shard in self.shards if shard.id == id_), None)
        if found is None:
            raise AwsError(
                "ResourceNotFoundException",
                f"Could not find shard {id_} in stream {self.name} under account {ACCOUNT}.",
            )
        return found

    def children(self, shard: Shard) -> list[Shard]:
        return [child for child in self.shards if shard.number in child.parents]

    def add_shards(self, starts: Iterable[int], last: int = SPACE - 1, parents: Sequence[Shard] = ()) -> None:
        """Open shards that begin at these hash keys, and close their parents."""
        born = max([now(), *(shard.born + 1 for shard in self.shards)])
        for parent in parents:
            parent.closed = max(now(), parent.log.last_arrival)
        firsts = sorted(starts)
        number = self.shards[-1].number + 1 if self.shards else 0
        for place, (first, following) in enumerate(zip(firsts, [*firsts[1:], last + 1], strict=True)):
            numbers = [parent.number for parent in parents]
            shard = Shard(self.folder, number + place, first, following - 1, born, numbers)
            (self.folder / shard.id).mkdir(parents=True, exist_ok=True)
            self.shards.append(shard)
        self._reopen()

    def expire(self) -> bool:
        """Drop expired records and closed shards. Returns whether a shard was dropped."""
        horizon = self.horizon
        for shard in self.shards:
            shard.log.expire(horizon)
        expired = [shard for shard in self.shards if shard.closed is not None and shard.closed < horizon]
        self.shards = [shard for shard in self.shards if shard not in expired]
        for shard in expired:
            shutil.rmtree(self.folder / shard.id, ignore_errors=True)
        return bool(expired)

    def close(self) -> None:
        for shard in self.shards:
            shard.log.close()


def new_stream(root: Path, region: str, name: str, count: int, **settings: Any) -> Stream:
    stream = Stream(root, region, name, now(), [], **settings)
    stream.add_shards(uniform_starts(count))
    return stream


def _first(shard: Shard) -> int:
    return shard.first

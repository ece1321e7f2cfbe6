"""Caches facts about files: each file is read once, since a changed object has another ETag."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from local_aws.mirror import S3File

_MOST = 500_000
"""Maximum number of cached files."""


class Memory:
    """Facts by subject and file; equal facts are stored once. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[tuple[Hashable, str, str], Any] = {}

    def of(
        self,
        subject: Hashable,
        files: Sequence[S3File],
        read: Callable[[Sequence[S3File]], Mapping[str, Hashable]],
    ) -> list[Any]:
        """Return the fact about each file, in order. `read` returns facts by path, for files that are not cached."""
        known = self._known
        if fresh := [file for file in files if (subject, file.uri, file.etag) not in known]:
            if len(known) + len(fresh) > _MOST:
                known, fresh = {}, list(files)
                self._known = known
            found, alike = read(fresh), dict[Hashable, Hashable]()
            for file in fresh:
                fact = found.get(str(file.path))
                known[subject, file.uri, file.etag] = alike.setdefault(fact, fact)
        return [known[subject, file.uri, file.etag] for file in files]

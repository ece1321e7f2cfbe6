"""The number of bytes that an S3 call will write to disk, which may differ from its body's."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import unquote

from local_aws.context import ACCOUNT
from local_aws.journal.requests import Request


class Uploads:
    """Tracks running multipart uploads: the emulator holds their parts in memory until they are completed."""

    def __init__(self, objects: Path) -> None:
        self._objects = objects / ACCOUNT
        self._parts: dict[str, int] = {}

    def size(self, request: Request) -> int:
        """Return the bytes to write: the object, and the version that it replaces, which versioned buckets copy."""
        upload = request.query.get("uploadId", [""])[0]
        coming = self._coming(request)
        if not upload:
            return coming + self._stored(request.path)
        if request.method == "PUT":
            self._parts[upload] = self._parts.get(upload, 0) + coming
            return self._parts[upload]
        return self._parts.pop(upload, 0) + self._stored(request.path)

    def forget(self, request: Request) -> None:
        """Forget an aborted upload."""
        self._parts.pop(request.query.get("uploadId", [""])[0], None)

    def _coming(self, request: Request) -> int:
        source = request.headers.get("x-amz-copy-source")
        return self._stored(unquote(source.partition("?")[0])) if source else request.body_size

    def _stored(self, path: str) -> int:
        """Return the size of an object stored at its own path, as all but oddly named ones are."""
        try:
            found = (self._objects / path.lstrip("/")).stat()
        except (OSError, ValueError):
            return 0
        return found.st_size if stat.S_ISREG(found.st_mode) else 0

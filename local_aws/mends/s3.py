"""S3: versions of objects are in files, and not in memory too: a raw zone of 10 GB would take 10 GB of it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from local_aws.context import Context
from local_aws.protocol import Handlers


def handlers(context: Context) -> Handlers:
    emulator: Any = import_module("ministack.services.s3")
    emulator._persist_object = _without_copies(emulator, emulator._persist_object)
    return {}


def _without_copies(emulator: Any, persist: Callable[[str, str, Any], None]) -> Callable[[str, str, Any], None]:
    """Wrap what writes an object to its file: it then forgets the bytes that files have."""

    def persisted(bucket: str, key: str, record: Any) -> None:
        persist(bucket, key, record)
        current = record.get("version_id") or "null"
        with_bytes = (one for one in emulator._object_versions.get((bucket, key)) or () if one.get("data") is not None)
        for version in with_bytes:
            in_its_file = version["version_id"] == current and record.get("body") is None
            if in_its_file or emulator._version_file_exists(bucket, key, version["version_id"]):
                version["data"] = None

    return persisted

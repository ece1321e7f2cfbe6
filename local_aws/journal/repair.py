"""Repairs objects whose overwrite was cut off by a kill or a full disk: new bytes with the old description.

The emulator writes an object's bytes to `<key>` and then its description to `<key>.meta.json`, each atomically. An
overwrite that was cut off between the two was not acknowledged.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from local_aws.protocol import Document

_DESCRIPTION = ".meta.json"
_VERSIONS = ".versions"


def repair(objects: Path) -> None:
    """Restore the previous version if the bucket kept it, else describe the new bytes. Remove unfinished files."""
    for data in list(_files(objects)):
        description = data.with_name(data.name + _DESCRIPTION)
        if data.name.endswith((".tmp", f"{_DESCRIPTION}.tmp")):
            data.unlink()
        elif description.exists() and data.stat().st_mtime_ns > description.stat().st_mtime_ns:
            _repair(objects, data, description)


def _files(objects: Path) -> Iterator[Path]:
    """Yield every file under `objects` except complete descriptions and versions."""
    for account in objects.iterdir() if objects.exists() else ():
        if account.name != _VERSIONS:
            yield from (path for path in account.rglob("*") if path.is_file() and not path.name.endswith(_DESCRIPTION))


def _repair(objects: Path, data: Path, description: Path) -> None:
    described: Document = json.loads(description.read_text())
    if _describes(described, data):
        return
    account, bucket, *_ = data.relative_to(objects).parts
    key = data.relative_to(objects / account / bucket)
    before = objects / _VERSIONS / account / bucket / str(described.get("version_id")) / key
    if before.is_file():
        shutil.copyfile(before, data)
    else:
        described |= {"size": data.stat().st_size, "etag": f'"{_md5(data)}"', "checksums": {}}
    new = description.with_name(description.name + ".tmp")
    new.write_text(json.dumps(described))
    new.replace(description)


def _describes(described: Document, data: Path) -> bool:
    """Whether a description fits the bytes. The ETag of a multipart upload cannot be checked."""
    etag = str(described.get("etag", "")).strip('"')
    return described.get("size") == data.stat().st_size and ("-" in etag or etag == _md5(data))


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()

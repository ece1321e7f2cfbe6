"""S3: versions of objects are in files only, lists of them have an end, and what AWS refuses is refused.

In memory too, versions of a raw zone of 10 GB would take 10 GB of it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from local_aws.context import Context
from local_aws.protocol import Handlers

_SMALLEST_PART = 5 * 1024 * 1024
"""In bytes, for all parts but the last."""
_WRONG_ORDER = "The list of parts was not in ascending order. The parts list must be specified in order by part number."
_TOO_SMALL = "Your proposed upload is smaller than the minimum allowed size"
_UNCHANGED = (
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
    "metadata, storage class, website redirect location or encryption attributes."
)
_CHANGES = (
    *("x-amz-storage-class", "x-amz-website-redirect-location", "x-amz-tagging-directive"),
    *("x-amz-checksum-algorithm", "x-amz-sdk-checksum-algorithm", "x-amz-server-side-encryption"),
    "x-amz-copy-source-server-side-encryption",
)
"""How the headers begin with which a copy of an object to itself is one."""


def handlers(context: Context) -> Handlers:
    emulator: Any = import_module("ministack.services.s3")
    emulator._persist_object = _without_copies(emulator, emulator._persist_object)
    emulator._list_object_versions = _after_the_marker(emulator, emulator._list_object_versions)
    emulator._complete_multipart_upload = _of_whole_parts(emulator, emulator._complete_multipart_upload)
    emulator._copy_object = _of_a_change(emulator, emulator._copy_object)
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


def _after_the_marker(emulator: Any, list_versions: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Wrap the list of versions: an object without any has one, `null`, after which the next key comes."""

    def listed(bucket: str, query: Any) -> Any:
        key = emulator._qp(query, "key-marker", "")
        if not emulator._object_versions.get((bucket, key)):
            query = {name: value for name, value in query.items() if name != "version-id-marker"}
        return list_versions(bucket, query)

    return listed


def _of_whole_parts(emulator: Any, complete: Callable[..., Any]) -> Callable[..., Any]:
    def completed(bucket: str, key: str, body: bytes, query: Any, headers: Any = None) -> Any:
        upload = emulator._multipart_uploads.get(emulator._qp(query, "uploadId"))
        parts, numbers = (upload or {}).get("parts", {}), _part_numbers(body)
        if upload and any(later <= earlier for earlier, later in pairwise(numbers)):
            return emulator._error("InvalidPartOrder", _WRONG_ORDER, 400, f"/{bucket}/{key}")
        if all(number in parts for number in numbers) and any(
            len(parts[number]["body"]) < _SMALLEST_PART for number in numbers[:-1]
        ):
            return emulator._error("EntityTooSmall", _TOO_SMALL, 400, f"/{bucket}/{key}")
        return complete(bucket, key, body, query, headers)

    return completed


def _part_numbers(body: bytes) -> list[int]:
    """Return the numbers in the order given; none for a body that the emulator refuses."""
    try:
        return [int(found.text or "") for found in ElementTree.fromstring(body).iterfind("{*}Part/{*}PartNumber")]
    except (ElementTree.ParseError, ValueError):
        return []


def _of_a_change(emulator: Any, copy: Callable[[str, str, Any], Any]) -> Callable[[str, str, Any], Any]:
    def copied(bucket: str, key: str, headers: Any) -> Any:
        path, _, version = headers.get("x-amz-copy-source", "").lstrip("/").partition("?")
        is_replaced = headers.get("x-amz-metadata-directive", "").upper() == "REPLACE"
        is_changed = is_replaced or version or any(name.lower().startswith(_CHANGES) for name in headers)
        known = emulator._ensure_bucket(bucket)
        if unquote(path) == f"{bucket}/{key}" and not is_changed and known and key in known["objects"]:
            return emulator._error("InvalidRequest", _UNCHANGED, 400, f"/{bucket}/{key}")
        return copy(bucket, key, headers)

    return copied

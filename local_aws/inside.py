"""Reads the emulator's S3 from within its own process: no socket, no HTTP, and no second copy of a body."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote, unquote, urlencode
from xml.etree import ElementTree

from botocore.exceptions import ClientError

from local_aws.gateway import AsgiApp, Receive, Scope, Send
from local_aws.mirror import Listed

T = TypeVar("T")
_LARGE = 1024 * 1024
_HEADERS = [
    (b"host", b"localhost"),
    (b"authorization", b"AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request"),
]
_XML = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Inside:
    """The emulator as an ASGI application, from which engines can also read objects in any thread.

    It is a source for `Mirror`. The server must be up: the emulator runs in its event loop.
    """

    def __init__(self, emulator: AsgiApp) -> None:
        self._emulator = emulator
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._loop = asyncio.get_running_loop()
        await self._emulator(scope, receive, send)

    def list(self, bucket: str, prefix: str) -> Iterator[Listed]:
        """Yield the objects under a prefix, in key order. Raises ClientError."""
        query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
        while True:
            body = self._wait(self._answer(bucket, query))
            page = ElementTree.fromstring(body)
            for entry in page.iter(f"{_XML}Contents"):
                yield _listed(entry)
            if page.findtext(f"{_XML}IsTruncated") != "true":
                return
            query["continuation-token"] = page.findtext(f"{_XML}NextContinuationToken") or ""

    def fetch(self, bucket: str, files: Mapping[str, Path]) -> None:
        """Write objects, by key, to files. Raises ClientError."""
        self._wait(self._fetch(bucket, files))

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            raise RuntimeError("the embedded AWS does not serve yet")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _fetch(self, bucket: str, files: Mapping[str, Path]) -> None:
        for key, path in files.items():
            with path.open("wb") as file:
                await self._get(f"/{bucket}/{key}", {}, file)
            await asyncio.sleep(0)  # Serve other requests between two objects.

    async def _answer(self, bucket: str, query: Mapping[str, str]) -> bytes:
        chunks = _Chunks()
        await self._get(f"/{bucket}", query, chunks)
        return b"".join(chunks)

    async def _get(self, path: str, query: Mapping[str, str], into: BinaryIO | _Chunks) -> None:
        status = 0

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            body = message.get("body", b"")
            if len(body) > _LARGE:
                await asyncio.to_thread(into.write, body)
            else:
                into.write(body)

        await self._emulator(_scope(path, query), receive, send)
        if status != 200:
            code = "NoSuchKey" if status == 404 and path.count("/") > 1 else "NoSuchBucket" if status == 404 else status
            error = {"Code": str(code), "Message": f"s3:/{path} cannot be read"}
            raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")  # type: ignore[typeddict-item]


class _Chunks(list[bytes]):
    def write(self, chunk: bytes) -> None:
        self.append(chunk)


def _scope(path: str, query: Mapping[str, str]) -> Scope:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": urlencode(query).encode(),
        "headers": _HEADERS,
    }


def _listed(entry: ElementTree.Element) -> Listed:
    text = {child.tag.removeprefix(_XML): child.text or "" for child in entry}
    modified = datetime.fromisoformat(text["LastModified"])
    kind = text.get("StorageClass", "STANDARD")
    return Listed(unquote(text["Key"]), int(text["Size"]), text["ETag"].strip('"'), modified, kind)

"""Two corrections of S3 for unusual keys: too long ones are refused, and version listings encode them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, quote
from xml.sax.saxutils import unescape

from local_aws.gateway import AsgiApp, Receive, Scope, Send
from local_aws.signature import SIGNATURE, Signature

LONGEST = 1024
"""Maximum bytes of a key."""
_NAMES = re.compile(r"<(Key|Prefix|Delimiter|KeyMarker|NextKeyMarker)>(.*?)</\1>", re.DOTALL)
_TOO_LONG = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>KeyTooLongError</Code><Message>Your key is too long</Message>'
    f"<Size>{{}}</Size><MaxSizeAllowed>{LONGEST}</MaxSizeAllowed></Error>"
)


def mended(app: AsgiApp) -> AsgiApp:
    """Wrap the application with both corrections."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        size = len(scope.get("path", "").lstrip("/").partition("/")[2].encode(errors="surrogateescape"))
        if size > LONGEST and _is_s3(scope):
            await _refuse(size, receive, send)
        elif scope.get("method") == "GET" and b"versions" in scope["query_string"] and _lists_versions_encoded(scope):
            await _encode_names(app, scope, receive, send)
        else:
            await app(scope, receive, send)

    return wrapped


def _is_s3(scope: Scope) -> bool:
    signature: Signature | None = scope.get(SIGNATURE)
    return signature is not None and signature.in_s3


def _lists_versions_encoded(scope: Scope) -> bool:
    query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    return "versions" in query and query.get("encoding-type") == ["url"]


async def _refuse(size: int, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await _answer(send, 400, _TOO_LONG.format(size).encode())


async def _encode_names(app: AsgiApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Encode the keys: the emulator writes them as they are, and XML cannot represent control characters."""
    status, chunks = 0, []

    async def collect(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)
        chunks.append(message.get("body", b""))

    await app(scope, receive, collect)
    text = b"".join(chunks).decode()
    if status == 200:
        text = _NAMES.sub(lambda found: f"<{found[1]}>{quote(unescape(found[2]), safe='/')}</{found[1]}>", text)
        text = text.replace("<MaxKeys>", "<EncodingType>url</EncodingType><MaxKeys>", 1)
    await _answer(send, status, text.encode())


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/xml"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

"""Checks, while an upload streams through, that its body is the one that was signed."""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol

from local_aws.signature import ALGORITHM, UNSIGNED, Refused, Request, Signature, signing_key

STREAMED = f"STREAMING-{ALGORITHM}-PAYLOAD"
"""Every chunk is signed; the signed text includes the signature of the previous chunk, or of the request."""
STREAMED_WITH_TRAILER = f"{STREAMED}-TRAILER"
STREAMED_UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_LONGEST_LINE = 4096
_END = b"\r\n"
_NOTHING = hashlib.sha256().hexdigest()


class Body(Protocol):
    """Takes a body in parts of any size."""

    def update(self, part: bytes, /) -> None: ...

    def is_right(self) -> bool:
        """After the last part: whether the whole body is as signed."""


def body_of(signature: Signature, secret: str) -> Body:
    """Return the check for the body of a request with this signature. Raises Refused for an unknown kind of it."""
    if signature.payload in (UNSIGNED, STREAMED_UNSIGNED):
        return _Unsigned()
    if signature.payload in (STREAMED, STREAMED_WITH_TRAILER):
        return _Chunks(signature, secret)
    if signature.payload.startswith("STREAMING-"):
        raise Refused("malformed", f"x-amz-content-sha256 is {signature.payload}, which this AWS does not support")
    return _Hashed(signature.payload)


def another_body(request: Request) -> Refused:
    return Refused("body", f"the body of {request.path} is not the one that was signed")


class _Unsigned:
    def update(self, part: bytes) -> None:
        pass

    def is_right(self) -> bool:
        return True


class _Hashed:
    def __init__(self, expected: str) -> None:
        self._expected = expected
        self._hash = hashlib.sha256()

    def update(self, part: bytes) -> None:
        self._hash.update(part)

    def is_right(self) -> bool:
        return hmac.compare_digest(self._expected.encode(), self._hash.hexdigest().encode())


class _Chunks:
    """`SIZE;chunk-signature=SIGNATURE`, the bytes, and so on; a chunk of size 0 ends it, with or without a trailer."""

    def __init__(self, signature: Signature, secret: str) -> None:
        self._key = signing_key(secret, signature.scope)
        self._before = signature.value
        self._context = f"{signature.timestamp}\n{'/'.join(signature.scope)}/aws4_request"
        self._has_trailer = signature.payload == STREAMED_WITH_TRAILER
        self._waiting, self._left, self._expected = b"", 0, ""
        self._hash = hashlib.sha256()
        self._is_right, self._is_last, self._trailer = True, False, b""

    def update(self, part: bytes) -> None:
        self._waiting += part
        while self._is_right and self._waiting and (self._took_bytes() if self._left else self._took_line()):
            pass

    def is_right(self) -> bool:
        return self._is_right and self._is_last and not self._left and self._expected == ""

    def _took_bytes(self) -> bool:
        fresh, self._waiting = self._waiting[: self._left], self._waiting[self._left :]
        self._hash.update(fresh)
        self._left -= len(fresh)
        if not self._left:
            self._end_chunk()
        return True

    def _took_line(self) -> bool:
        line, end, rest = self._waiting.partition(_END)
        if not end:
            self._is_right = len(line) < _LONGEST_LINE
            return False
        self._waiting = rest
        if self._is_last:
            self._take_trailer(line)
        elif line:  # an empty line follows the bytes of a chunk
            self._begin_chunk(line)
        return True

    def _begin_chunk(self, line: bytes) -> None:
        size, _, signature = line.decode("latin-1").partition(";chunk-signature=")
        try:
            self._left, self._expected = int(size, 16), signature
        except ValueError:
            self._is_right = False
            return
        self._hash = hashlib.sha256()
        if self._left <= 0:
            self._left = 0
            self._end_chunk()
            self._is_last = True
            self._expected = "trailer" if self._has_trailer else ""

    def _end_chunk(self) -> None:
        self._compare("PAYLOAD", f"{_NOTHING}\n{self._hash.hexdigest()}")

    def _take_trailer(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"x-amz-trailer-signature":
            self._expected = value.decode("latin-1")
            self._compare("TRAILER", hashlib.sha256(self._trailer).hexdigest())
        elif line:
            self._trailer += line + b"\n"
            self._is_right = self._is_right and len(self._trailer) < _LONGEST_LINE

    def _compare(self, kind: str, hashes: str) -> None:
        text = f"{ALGORITHM}-{kind}\n{self._context}\n{self._before}\n{hashes}"
        signature = hmac.digest(self._key, text.encode(), "sha256").hex()
        self._is_right = self._is_right and hmac.compare_digest(signature.encode(), self._expected.encode())
        self._before, self._expected = signature, ""

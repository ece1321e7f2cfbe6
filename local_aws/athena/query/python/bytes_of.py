"""Bytes as text and as numbers."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable

from local_aws.athena.query.python import texts
from local_aws.athena.query.python.failing import bad


def _read(call: Callable[[bytes], bytes], value: str | bytes) -> bytes:
    try:
        return call(value.encode() if isinstance(value, str) else value)
    except (ValueError, binascii.Error) as error:
        raise bad(f"{value!r} is not in the expected encoding") from error


def hex_text(value: str | bytes) -> bytes:
    return _read(binascii.unhexlify, value)


def from_base64(value: str | bytes) -> bytes:
    return _read(lambda data: base64.b64decode(data + b"=" * (-len(data) % 4), validate=True), value)


def from_base64url(value: str | bytes) -> bytes:
    return _read(lambda data: base64.b64decode(data + b"=" * (-len(data) % 4), b"-_", validate=True), value)


def from_base32(value: str | bytes) -> bytes:
    return _read(lambda data: base64.b32decode(data.rstrip(b"=") + b"=" * (-len(data.rstrip(b"=")) % 8)), value)


def to_base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode()


def to_base32(value: bytes) -> str:
    return base64.b32encode(value).decode()


def _unpacked(pattern: str, value: bytes, size: int) -> int | float:
    if len(value) != size:
        raise bad(f"expected {size}-byte input, but got instead: {len(value)}")
    found: int | float = struct.unpack(pattern, value)[0]
    return found


def to_big_endian_32(value: int) -> bytes:
    return struct.pack(">i", value)


def to_big_endian_64(value: int) -> bytes:
    return struct.pack(">q", value)


def from_big_endian_32(value: bytes) -> int:
    return int(_unpacked(">i", value, 4))


def from_big_endian_64(value: bytes) -> int:
    return int(_unpacked(">q", value, 8))


def to_ieee754_32(value: float) -> bytes:
    return struct.pack(">f", value)


def to_ieee754_64(value: float) -> bytes:
    return struct.pack(">d", value)


def from_ieee754_32(value: bytes) -> float:
    return float(_unpacked(">f", value, 4))


def from_ieee754_64(value: bytes) -> float:
    return float(_unpacked(">d", value, 8))


def reverse(value: bytes) -> bytes:
    return value[::-1]


def part(value: bytes, start: int, length: int | None = None) -> bytes:
    if start == 0 or abs(start) > len(value) or (length is not None and length <= 0):
        return b""
    begin = start - 1 if start > 0 else len(value) + start
    return value[begin:] if length is None else value[begin : begin + length]


lpad, rpad = texts.lpad, texts.rpad

"""CBOR (RFC 8949), in the subset of AWS's SDK for Java: a time is tag 1 with milliseconds."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from local_aws.protocol import Time

_BREAK = object()
_TIME = 1
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}


def dumps(value: Any) -> bytes:
    """Encode a document of dicts, lists, texts, bytes, numbers, booleans, None and times."""
    parts: list[bytes] = []
    _write(value, parts.append)
    return b"".join(parts)


def loads(data: bytes) -> Any:
    """Decode CBOR. Raises ValueError if it is not CBOR or ends too early."""
    try:
        value = _Reader(data).read()
    except (LookupError, struct.error, UnicodeDecodeError, TypeError, RecursionError) as error:
        raise ValueError(f"not CBOR: {error}") from None
    if value is _BREAK:
        raise ValueError("not CBOR: it is empty")
    return value


def _write(value: Any, out: Callable[[bytes], None]) -> None:
    if value is None or isinstance(value, bool):
        out(b"\xf6" if value is None else b"\xf5" if value else b"\xf4")
    elif isinstance(value, Time):
        out(_head(6, _TIME))
        _write(round(value * 1000), out)
    elif isinstance(value, int):
        out(_head(0, value) if value >= 0 else _head(1, -1 - value))
    elif isinstance(value, float):
        out(b"\xfb" + struct.pack(">d", value))
    elif isinstance(value, bytes):
        out(_head(2, len(value)) + value)
    elif isinstance(value, dict):
        out(_head(5, len(value)))
        for key, item in value.items():
            _write(key, out)
            _write(item, out)
    elif isinstance(value, list | tuple):
        out(_head(4, len(value)))
        for item in value:
            _write(item, out)
    else:
        text = str(value).encode()
        out(_head(3, len(text)) + text)


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([kind << 5 | code]) + number.to_bytes(size)
    raise ValueError(f"{number} is too large for CBOR")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def read(self) -> Any:
        first = self._data[self._at]
        kind, code = first >> 5, first & 31
        self._at += 1
        if kind == 7:
            return self._simple(code)
        if code == 31:
            return self._of_unknown_length(kind)
        return self._of_length(kind, self._number(code))

    def _of_length(self, kind: int, number: int) -> Any:
        read = (self._positive, self._negative, self._take, self._text, self._list, self._dict, self._tagged)
        return read[kind](number)

    def _of_unknown_length(self, kind: int) -> Any:
        """Join parts up to a break."""
        parts = []
        while (part := self.read()) is not _BREAK:
            parts.append(part)
        if kind == 2:
            return b"".join(parts)
        if kind == 3:
            return "".join(parts)
        if kind == 4:
            return parts
        if kind == 5:
            return dict(zip(parts[::2], parts[1::2], strict=True))
        raise ValueError(f"not CBOR: kind {kind} has a length")

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise IndexError("it ends too early")
        self._at += size
        return taken

    def _number(self, code: int) -> int:
        if code < 24:
            return code
        if code > 27:
            raise ValueError(f"not CBOR: there is no length {code}")
        return int.from_bytes(self._take(1 << (code - 24)))

    def _positive(self, number: int) -> int:
        return number

    def _negative(self, number: int) -> int:
        return -1 - number

    def _text(self, size: int) -> str:
        return self._take(size).decode()

    def _list(self, size: int) -> list[Any]:
        return [self.read() for _ in range(size)]

    def _dict(self, size: int) -> dict[Any, Any]:
        return {self.read(): self.read() for _ in range(size)}

    def _tagged(self, tag: int) -> Any:
        value = self.read()
        return Time(value / 1000) if tag == _TIME else value

    def _simple(self, code: int) -> Any:
        if code == 31:
            return _BREAK
        if code in _FLOATS:
            return struct.unpack(_FLOATS[code], self._take(1 << (code - 24)))[0]
        if code not in _SIMPLE:
            raise ValueError(f"not CBOR: there is no simple value {code}")
        return _SIMPLE[code]

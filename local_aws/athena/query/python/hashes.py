"""Hashes: Python's own, and xxHash64, MurmurHash3 and SpookyHash V2 from their published definitions."""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from collections.abc import Callable

from local_aws.athena.errors import QueryFailed

_MASK = 2**64 - 1


def _plain(name: str) -> Callable[[bytes], bytes]:
    return lambda data: hashlib.new(name, data, usedforsecurity=False).digest()


def _keyed(name: str) -> Callable[[bytes, bytes], bytes]:
    return lambda data, key: hmac.new(key, data, name).digest()


md5, sha1, sha256, sha512 = map(_plain, ("md5", "sha1", "sha256", "sha512"))
hmac_md5, hmac_sha1, hmac_sha256, hmac_sha512 = map(_keyed, ("md5", "sha1", "sha256", "sha512"))


def crc32(data: bytes) -> int:
    return zlib.crc32(data)


def _left(value: int, bits: int) -> int:
    value &= _MASK
    return ((value << bits) | (value >> (64 - bits))) & _MASK


_X1, _X2, _X3, _X4, _X5 = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)


def _round(total: int, value: int) -> int:
    return _left(total + value * _X2, 31) * _X1 & _MASK


def xx64(data: bytes) -> int:
    """xxHash64 with the seed 0."""
    end = len(data) - len(data) % 32
    if end:
        lanes = [_X1 + _X2 & _MASK, _X2, 0, -_X1 & _MASK]
        for at in range(0, end, 32):
            lanes = [_round(a, b) for a, b in zip(lanes, struct.unpack_from("<4Q", data, at), strict=True)]
        total = sum(_left(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for lane in lanes:
            total = (total ^ _round(0, lane)) * _X1 + _X4 & _MASK
    else:
        total = _X5
    return _xx_end(total + len(data) & _MASK, data[end:])


def _xx_end(total: int, rest: bytes) -> int:
    while len(rest) >= 8:
        total = _left(total ^ _round(0, int.from_bytes(rest[:8], "little")), 27) * _X1 + _X4 & _MASK
        rest = rest[8:]
    if len(rest) >= 4:
        total = _left(total ^ int.from_bytes(rest[:4], "little") * _X1 & _MASK, 23) * _X2 + _X3 & _MASK
        rest = rest[4:]
    for byte in rest:
        total = _left(total ^ byte * _X5 & _MASK, 11) * _X1 & _MASK
    total = (total ^ total >> 33) * _X2 & _MASK
    total = (total ^ total >> 29) * _X3 & _MASK
    return total ^ total >> 32


def xxhash64(data: bytes) -> bytes:
    return xx64(data).to_bytes(8, "big")


_M1, _M2 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def _mixed(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & _MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ value >> 33


def _murmur(data: bytes) -> tuple[int, int]:
    """MurmurHash3 x64 128 with the seed 0."""
    a = b = 0
    end = len(data) - len(data) % 16
    for at in range(0, end, 16):
        one, two = struct.unpack_from("<2Q", data, at)
        a = (_left(a ^ _left(one * _M1, 31) * _M2 & _MASK, 27) + b) * 5 + 0x52DCE729 & _MASK
        b = (_left(b ^ _left(two * _M2, 33) * _M1 & _MASK, 31) + a) * 5 + 0x38495AB5 & _MASK
    rest = data[end:]
    if len(rest) > 8:
        b ^= _left(int.from_bytes(rest[8:], "little") * _M2, 33) * _M1 & _MASK
    if rest:
        a ^= _left(int.from_bytes(rest[:8], "little") * _M1, 31) * _M2 & _MASK
    a, b = a ^ len(data), b ^ len(data)
    a = a + b & _MASK
    b = b + a & _MASK
    a, b = _mixed(a), _mixed(b)
    a = a + b & _MASK
    return a, b + a & _MASK


def murmur3(data: bytes) -> bytes:
    a, b = _murmur(data)
    return a.to_bytes(8, "little") + b.to_bytes(8, "little")


def murmur64(value: int | str) -> int:
    """Return the first half of the hash of a text, or of an integer's eight bytes."""
    data = value.encode() if isinstance(value, str) else (value & _MASK).to_bytes(8, "little")
    return _murmur(data)[0]


_SPOOKY = 0xDEADBEEFDEADBEEF
LONGEST_SPOOKY = 191
_ROUND = ((2, 0, 50, 3), (3, 1, 52, 0), (0, 2, 30, 1), (1, 3, 41, 2), (2, 0, 54, 3), (3, 1, 48, 0), (0, 2, 38, 1),
          (1, 3, 37, 2), (2, 0, 62, 3), (3, 1, 34, 0), (0, 2, 5, 1), (1, 3, 36, 2))  # fmt: skip
_END = ((3, 2, 15), (0, 3, 52), (1, 0, 26), (2, 1, 51), (3, 2, 28), (0, 3, 9), (1, 0, 47), (2, 1, 54), (3, 2, 32),
        (0, 3, 25), (1, 0, 63))  # fmt: skip


def _spooky(data: bytes) -> int:
    """Return SpookyHash V2 with seeds 0. Its other algorithm, for longer data, is not implemented."""
    if len(data) > LONGEST_SPOOKY:
        raise QueryFailed(f"NOT_SUPPORTED: spooky_hash_v2 of {len(data)} bytes; at most {LONGEST_SPOOKY} here")
    h = [0, 0, _SPOOKY, _SPOOKY]
    at = 0
    if len(data) > 15:
        while len(data) - at >= 32:
            words = struct.unpack_from("<4Q", data, at)
            h[2], h[3] = h[2] + words[0] & _MASK, h[3] + words[1] & _MASK
            _short_mix(h)
            h[0], h[1] = h[0] + words[2] & _MASK, h[1] + words[3] & _MASK
            at += 32
        if len(data) - at >= 16:
            words = struct.unpack_from("<2Q", data, at)
            h[2], h[3] = h[2] + words[0] & _MASK, h[3] + words[1] & _MASK
            _short_mix(h)
            at += 16
    rest = data[at:]
    h[3] = h[3] + (len(data) << 56) & _MASK
    if rest:
        h[2] = h[2] + int.from_bytes(rest[:8], "little") & _MASK
        h[3] = h[3] + int.from_bytes(rest[8:], "little") & _MASK
    else:
        h[2], h[3] = h[2] + _SPOOKY & _MASK, h[3] + _SPOOKY & _MASK
    for x, y, bits in _END:
        h[x] ^= h[y]
        h[y] = _left(h[y], bits)
        h[x] = h[x] + h[y] & _MASK
    return h[0]


def _short_mix(h: list[int]) -> None:
    for x, y, bits, z in _ROUND:
        h[x] = _left(h[x], bits)
        h[x] = h[x] + h[z] & _MASK
        h[y] ^= h[x]


def spooky_32(data: bytes) -> bytes:
    return (_spooky(data) & 0xFFFFFFFF).to_bytes(4, "big")


def spooky_64(data: bytes) -> bytes:
    return _spooky(data).to_bytes(8, "big")

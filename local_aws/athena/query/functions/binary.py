"""Bytes: hashes, encodings, and numbers stored in bytes."""

from __future__ import annotations

from local_aws.athena.query.functions.signatures import Python, function
from local_aws.athena.query.python import bytes_of, hashes

_HASHES = {
    "md5": hashes.md5, "sha1": hashes.sha1, "sha256": hashes.sha256, "sha512": hashes.sha512,
    "xxhash64": hashes.xxhash64, "murmur3": hashes.murmur3, "spooky_hash_v2_32": hashes.spooky_32,
    "spooky_hash_v2_64": hashes.spooky_64,
}  # fmt: skip
_KEYED = {
    "hmac_md5": hashes.hmac_md5, "hmac_sha1": hashes.hmac_sha1, "hmac_sha256": hashes.hmac_sha256,
    "hmac_sha512": hashes.hmac_sha512,
}  # fmt: skip
FUNCTIONS = [
    *[function(f"{name}(varbinary) -> varbinary", Python(call)) for name, call in _HASHES.items()],
    *[function(f"{name}(varbinary, varbinary) -> varbinary", Python(call)) for name, call in _KEYED.items()],
    function("crc32(varbinary) -> bigint", Python(hashes.crc32)),
    function("to_hex(varbinary) -> varchar", "hex({0})"),
    function("from_hex(varchar) -> varbinary", Python(bytes_of.hex_text)),
    function("from_hex(varbinary) -> varbinary", Python(bytes_of.hex_text)),
    function("to_base64(varbinary) -> varchar", "to_base64({0})"),
    function("to_base64url(varbinary) -> varchar", Python(bytes_of.to_base64url)),
    function("to_base32(varbinary) -> varchar", Python(bytes_of.to_base32)),
    *[
        function(f"{name}({kind}) -> varbinary", Python(call))
        for kind in ("varchar", "varbinary")
        for name, call in (
            ("from_base64", bytes_of.from_base64),
            ("from_base64url", bytes_of.from_base64url),
            ("from_base32", bytes_of.from_base32),
        )
    ],
    function("to_big_endian_32(integer) -> varbinary", Python(bytes_of.to_big_endian_32)),
    function("to_big_endian_64(bigint) -> varbinary", Python(bytes_of.to_big_endian_64)),
    function("from_big_endian_32(varbinary) -> integer", Python(bytes_of.from_big_endian_32)),
    function("from_big_endian_64(varbinary) -> bigint", Python(bytes_of.from_big_endian_64)),
    function("to_ieee754_32(real) -> varbinary", Python(bytes_of.to_ieee754_32)),
    function("to_ieee754_64(double) -> varbinary", Python(bytes_of.to_ieee754_64)),
    function("from_ieee754_32(varbinary) -> real", Python(bytes_of.from_ieee754_32)),
    function("from_ieee754_64(varbinary) -> double", Python(bytes_of.from_ieee754_64)),
    function("reverse(varbinary) -> varbinary", Python(bytes_of.reverse)),
    function("substr(varbinary, bigint) -> varbinary", Python(bytes_of.part)),
    function("substr(varbinary, bigint, bigint) -> varbinary", Python(bytes_of.part)),
    function("lpad(varbinary, bigint, varbinary) -> varbinary", Python(bytes_of.lpad)),
    function("rpad(varbinary, bigint, varbinary) -> varbinary", Python(bytes_of.rpad)),
]

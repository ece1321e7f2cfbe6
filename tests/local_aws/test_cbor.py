"""CBOR as used by the SDK for Java."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws import cbor
from local_aws.protocol import Time

# From appendix A of RFC 8949.
EXAMPLES: list[tuple[str, Any]] = [
    ("00", 0),
    ("17", 23),
    ("1818", 24),
    ("1903e8", 1000),
    ("1a000f4240", 1_000_000),
    ("1b000000e8d4a51000", 1_000_000_000_000),
    ("20", -1),
    ("3903e7", -1000),
    ("f4", False),
    ("f5", True),
    ("f6", None),
    ("fb3ff199999999999a", 1.1),
    ("4401020304", b"\x01\x02\x03\x04"),
    ("6161", "a"),
    ("62c3bc", "ü"),
    ("83010203", [1, 2, 3]),
    ("a26161016162820203", {"a": 1, "b": [2, 3]}),
]
READ_ONLY: list[tuple[str, Any]] = [
    ("f93c00", 1.0),
    ("fa47c35000", 100000.0),
    ("5f42010243030405ff", b"\x01\x02\x03\x04\x05"),
    ("7f657374726561646d696e67ff", "streaming"),
    ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
    ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
]


@pytest.mark.parametrize(("code", "value"), EXAMPLES)
def test_a_value_is_encoded_as_in_the_standard(code: str, value: Any) -> None:
    assert cbor.dumps(value).hex() == code


@pytest.mark.parametrize(("code", "value"), EXAMPLES + READ_ONLY)
def test_a_value_is_decoded_as_in_the_standard(code: str, value: Any) -> None:
    assert cbor.loads(bytes.fromhex(code)) == value


def test_a_time_is_in_milliseconds_and_a_blob_is_bytes() -> None:
    assert cbor.dumps(Time(1.5)).hex() == "c11905dc"
    assert cbor.loads(bytes.fromhex("c11905dc")) == 1.5
    assert cbor.dumps(b"\1\2").hex() == "420102"


@pytest.mark.parametrize("code", ["", "18", "62c3", "82", "ff", "1c00", "f8", "a1f6"])
def test_invalid_cbor_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="not CBOR"):
        cbor.loads(bytes.fromhex(code))

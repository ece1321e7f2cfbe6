"""UUIDs, IP addresses, colors and sketches."""

from __future__ import annotations

import ipaddress
import uuid

from local_aws.athena.query.python.failing import bad, bad_cast
from local_aws.athena.query.types import Type

Kinds = tuple[Type, ...]


def uuid_of(_: Kinds, __: Type, text: str) -> uuid.UUID:
    try:
        if len(text) != 36 or [len(part) for part in text.split("-")] != [8, 4, 4, 4, 12]:
            raise ValueError(text)
        return uuid.UUID(text)
    except ValueError as error:
        raise bad_cast(text, "UUID") from error


def uuid_of_bytes(value: bytes) -> uuid.UUID:
    if len(value) != 16:
        raise bad_cast(f"a varbinary of {len(value)} bytes", "UUID")
    return uuid.UUID(bytes=value)


def bytes_of_uuid(value: uuid.UUID | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.bytes


def address_of(_: Kinds, __: Type, text: str) -> bytes:
    try:
        return _sixteen(ipaddress.ip_address(text))
    except ValueError as error:
        raise bad_cast(text, "IPADDRESS") from error


def _sixteen(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    packed = address.packed
    return packed if len(packed) == 16 else bytes(10) + b"\xff\xff" + packed


def address_of_bytes(value: bytes) -> bytes:
    if len(value) not in (4, 16):
        raise bad_cast(f"a varbinary of {len(value)} bytes", "IPADDRESS")
    return value if len(value) == 16 else bytes(10) + b"\xff\xff" + value


def address_text(value: bytes) -> str:
    address = ipaddress.IPv6Address(value)
    return str(address.ipv4_mapped or address)


def network_contains(network: str, address: bytes) -> bool:
    try:
        if "/" not in network:
            raise ValueError(network)
        inside = ipaddress.ip_network(network, strict=False)
    except ValueError as error:
        raise bad(f"Invalid CIDR: {network}") from error
    own = ipaddress.IPv6Address(address)
    return (own.ipv4_mapped or own) in inside


_NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"]


def color_text(value: int) -> str:
    return _NAMES[-1 - value] if value < 0 else f"#{value:06x}"


def hex_of(value: bytes) -> str:
    return " ".join(f"{byte:02x}" for byte in value)

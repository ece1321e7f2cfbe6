"""Prefixes with expressions such as `!{timestamp:yyyy}`, and object names."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from local_aws.protocol import AwsError
from local_aws.streams.firehose.settings import Settings

DEFAULT = "!{timestamp:yyyy/MM/dd/HH/}"
_EXPRESSION = re.compile(r"!\{([^:}]*):([^}]*)\}")
_LETTERS = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_FORMATS = {
    "yyyy": "%Y", "yy": "%y", "uuuu": "%Y", "YYYY": "%G", "MM": "%m", "MMM": "%b", "MMMM": "%B", "dd": "%d",
    "DDD": "%j", "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S", "a": "%p", "EEE": "%a", "EEEE": "%A", "Z": "%z",
    "xx": "%z",
}  # fmt: skip
_UNPADDED = {"M": "%m", "d": "%d", "H": "%H", "h": "%I", "m": "%M", "s": "%S", "y": "%Y", "u": "%Y"}
NAMESPACES = ("timestamp", "firehose", "partitionKeyFromQuery", "partitionKeyFromLambda")


class NoSuchKey(Exception):
    """A prefix uses a partition key that a record does not have."""


def expressions(prefix: str) -> list[tuple[str, str]]:
    """Return (namespace, value) of each expression, in order."""
    return [(found[1], found[2]) for found in _EXPRESSION.finditer(prefix)]


def evaluated(
    prefix: str,
    moment: datetime,
    seed: str,
    *,
    query: Mapping[str, str] | None = None,
    lambda_: Mapping[str, str] | None = None,
    error: str = "",
) -> str:
    """Return a prefix with its expressions filled in.

    Args:
        moment: the arrival of the oldest record, in the stream's time zone.
        seed: seeds the random strings, so that objects get the same keys when they are written again.

    Raises:
        NoSuchKey: a partition key has no value.
    """
    keys = {"partitionKeyFromQuery": query or {}, "partitionKeyFromLambda": lambda_ or {}}

    def filled(found: re.Match[str]) -> str:
        namespace, value = found.groups()
        if namespace == "timestamp":
            return java_time(value, moment)
        if namespace == "firehose":
            return error if value == "error-output-type" else _random(f"{seed}/{found.start()}")
        try:
            return keys[namespace][value]
        except KeyError:
            raise NoSuchKey(f"!{{{namespace}:{value}}}") from None

    return _EXPRESSION.sub(filled, prefix)


def timed(prefix: str) -> str:
    """Return an object prefix, with the time that Firehose appends unless the prefix says where it goes."""
    return prefix if any(namespace == "timestamp" for namespace, _ in expressions(prefix)) else prefix + DEFAULT


def error_prefix(prefix: str, given: str) -> str:
    """Return the error prefix, which is optional if the prefix has no expressions."""
    return given or f"{prefix}!{{firehose:error-output-type}}/{DEFAULT}"


def object_name(settings: Settings, moment: datetime, seed: str) -> str:
    """Return `<stream>-<version>-<yyyy-MM-dd-HH-mm-ss>-<uuid>`, without an extension."""
    when = moment.strftime("%Y-%m-%d-%H-%M-%S")
    return f"{settings.name}-{settings.version}-{when}-{uuid.uuid5(uuid.NAMESPACE_OID, seed)}"


def moment_of(milliseconds: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(zone)


def java_time(pattern: str, moment: datetime) -> str:
    """Format a time by a pattern of Java's DateTimeFormatter.

    Raises:
        AwsError: the embedded AWS does not support a letter.
    """
    return "".join(_part(found, moment) for found in _LETTERS.finditer(pattern))


def _part(found: re.Match[str], moment: datetime) -> str:
    part = found[0]
    if part.startswith("'"):
        return "'" if part == "''" else found[1].replace("''", "'")
    if part in _FORMATS:
        return moment.strftime(_FORMATS[part])
    if part in _UNPADDED:
        return moment.strftime(_UNPADDED[part]).lstrip("0") or "0"
    if part == "S" * len(part):
        return f"{moment.microsecond:06d}".ljust(9, "0")[: len(part)]
    if found[2]:
        raise AwsError("InvalidArgumentException", f"The time pattern {part!r} in a prefix is not supported here.")
    return part


def _random(seed: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, seed).hex[:11]

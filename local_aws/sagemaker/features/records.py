"""A record of a feature group: what is refused of it, and the time of its event."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local_aws.protocol import AwsError, Document

Values = dict[str, str]
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
_FORMS = {
    "Fractional": "seconds since 1970",
    "String": "yyyy-MM-dd'T'HH:mm:ssZ or yyyy-MM-dd'T'HH:mm:ss.SSSZ",
}
_MOST, _LEAST = 2**63 - 1, -(2**63)


@dataclass(frozen=True)
class Record:
    """A checked record: its values as they were sent, and the time of its event in milliseconds since 1970."""

    identifier: str
    time_ms: int
    values: Values


def refused(message: str) -> AwsError:
    return AwsError("ValidationError", f"Validation Error: {message}")


def record_of(group: Document, sent: Any) -> Record:
    """A record of a group, as PutRecord gets it. Raises AwsError for the first thing that is wrong with it."""
    types = types_of(group)
    values = _values(sent)
    if unknown := sorted(values.keys() - types.keys()):
        raise refused(f"the feature group {group['FeatureGroupName']} has no feature {', '.join(unknown)}")
    identifier, time = group["RecordIdentifierFeatureName"], group["EventTimeFeatureName"]
    for name, what in ((identifier, "record identifier"), (time, "event time")):
        if not values.get(name):
            raise refused(f"the record has no value for {name}, the {what}")
    for name, text in values.items():
        typed(name, text, types[name])
    return Record(values[identifier], event_time(time, values[time], types[time]), values)


def _values(sent: Any) -> Values:
    values: Values = {}
    for each in sent if isinstance(sent, list) else []:
        name = str(each.get("FeatureName", ""))
        if name in values:
            raise refused(f"the record has {name} twice")
        if "ValueAsString" not in each:
            raise refused(f"{name} has no ValueAsString, which is all that the embedded AWS has of values")
        values[name] = str(each["ValueAsString"])
    return values


def types_of(group: Document) -> dict[str, str]:
    return {feature["FeatureName"]: feature["FeatureType"] for feature in group["FeatureDefinitions"]}


def typed(name: str, text: str, kind: str) -> Any:
    """A value in its type: Integral (64 bits), Fractional or String. Raises AwsError."""
    try:
        value = _TYPES[kind](text)
    except ValueError:
        raise refused(f"{name} is {kind}, and {text!r} is none") from None
    return value


def _integral(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text) or not _LEAST <= int(text) <= _MOST:
        raise ValueError
    return int(text)


_TYPES: dict[str, Callable[[str], Any]] = {"Integral": _integral, "Fractional": float, "String": str}


def event_time(name: str, text: str, kind: str) -> int:
    """Milliseconds since 1970 of ISO 8601 in UTC, or of seconds since 1970. Raises AwsError."""
    try:
        if kind == "Fractional":
            seconds = float(text)
            if not math.isfinite(seconds):
                raise ValueError
            datetime.fromtimestamp(seconds, UTC)
            return round(seconds * 1000)
        if not _ISO.fullmatch(text):
            raise ValueError
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise refused(f"{name} is the event time, and {text!r} is not of the form {_FORMS[kind]}") from None

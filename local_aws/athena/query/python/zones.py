"""Time zones, by name and by offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from local_aws.athena.query.python.failing import bad

_UTC = {"z", "utc", "gmt", "ut", "+00:00", "-00:00", "+00", "+0000"}


def zone_of(text: str) -> str:
    """Return a zone's canonical name: `UTC`, `+02:00`, `Europe/Paris`.

    Raises:
        ValueError: there is no such zone.
    """
    if text.lower() in _UTC:
        return "UTC"
    if found := re.fullmatch(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?", text):
        if int(found[2]) > 14 or int(found[3] or 0) > 59:
            raise ValueError(text)
        made = f"{found[1]}{int(found[2]):02}:{found[3] or '00'}"
        return "UTC" if made in _UTC else made
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(text) from error
    return text


def known(text: str) -> str:
    """Return a zone's canonical name.

    Raises:
        QueryFailed: INVALID_FUNCTION_ARGUMENT.
    """
    try:
        return zone_of(text)
    except ValueError as error:
        raise bad(f"'{text}' is not a valid time zone") from error


def info(zone: str) -> tzinfo:
    if zone == "UTC":
        return UTC
    if found := re.fullmatch(r"([+-])(\d\d):(\d\d)", zone):
        minutes = int(found[2]) * 60 + int(found[3])
        return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))
    return ZoneInfo(zone)


def local(value: dict[str, object]) -> datetime:
    """Return the local time of a timestamp with time zone, with its zone."""
    moment = value["i"]
    assert isinstance(moment, datetime)
    return moment.replace(tzinfo=UTC).astimezone(info(str(value["z"])))


def zoned(moment: datetime, zone: str) -> dict[str, object]:
    """Return the value for a local time in a zone."""
    utc = moment.replace(tzinfo=info(zone)).astimezone(UTC)
    return {"i": utc.replace(tzinfo=None), "z": zone}

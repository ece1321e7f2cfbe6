"""Parses and formats dates and times: MySQL's patterns, Java's, ISO 8601."""

from __future__ import annotations

import re
from calendar import day_abbr, day_name, month_abbr, month_name
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from local_aws.athena.query.python import zones
from local_aws.athena.query.python.failing import bad, bad_cast
from local_aws.athena.query.types import Type

Zoned = dict[str, Any]
Kinds = tuple[Type, ...]


def _offset(moment: datetime) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _iso(moment: datetime, digits: int) -> str:
    text = f"{moment.year:04}" + moment.strftime("-%m-%dT%H:%M:%S")
    return text + (f".{moment.microsecond:06}"[: digits + 1] if digits else "")


def to_iso8601(kinds: Kinds, _: Type, moment: datetime) -> str:
    return _iso(moment, kinds[0].precision)


def to_iso8601_zoned(kinds: Kinds, _: Type, value: Zoned) -> str:
    moment = zones.local(value)
    return _iso(moment, kinds[0].precision) + ("Z" if value["z"] == "UTC" else _offset(moment))


def from_iso8601_date(text: str) -> date:
    try:
        if found := re.fullmatch(r"(\d{4})-W(\d{1,2})(?:-(\d))?", text):
            return date.fromisocalendar(int(found[1]), int(found[2]), int(found[3] or 1))
        if found := re.fullmatch(r"(\d{4})-(\d{3})", text):
            return date(int(found[1]), 1, 1) + timedelta(days=int(found[2]) - 1)
        if found := re.fullmatch(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", text):
            return date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        pass
    raise bad(f"Invalid format: {text}")


_ISO = re.compile(
    r"(?P<day>[^T]+)(?:T(?:(?P<clock>\d{1,2}(?::\d{1,2}(?::\d{1,2})?)?)(?:[.,](?P<part>\d+))?)?"
    r"(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?)?"
)


def _from_iso(text: str, digits: int) -> Zoned:
    found = _ISO.fullmatch(text)
    if not found:
        raise bad(f"Invalid format: {text}")
    day = from_iso8601_date(found["day"])
    hour, minute, second = [*map(int, (found["clock"] or "0").split(":")), 0, 0][:3]
    micros = int((found["part"] or "0")[:digits].ljust(6, "0"))
    try:
        moment = datetime.combine(day, time(hour, minute, second)) + timedelta(microseconds=micros)
    except ValueError as error:
        raise bad(f"Invalid format: {text}") from error
    return zones.zoned(moment, zones.known(found["zone"] or "UTC"))


def from_iso8601(text: str) -> Zoned:
    return _from_iso(text, 3)


def from_iso8601_us(text: str) -> Zoned:
    return _from_iso(text, 6)


_MYSQL = {
    "a": lambda m: day_abbr[m.weekday()],
    "b": lambda m: month_abbr[m.month],
    "c": lambda m: str(m.month),
    "d": lambda m: f"{m.day:02}",
    "e": lambda m: str(m.day),
    "f": lambda m: f"{m.microsecond:06}",
    "H": lambda m: f"{m.hour:02}",
    "h": lambda m: f"{m.hour % 12 or 12:02}",
    "I": lambda m: f"{m.hour % 12 or 12:02}",
    "i": lambda m: f"{m.minute:02}",
    "j": lambda m: f"{m.timetuple().tm_yday:03}",
    "k": lambda m: str(m.hour),
    "l": lambda m: str(m.hour % 12 or 12),
    "M": lambda m: month_name[m.month],
    "m": lambda m: f"{m.month:02}",
    "p": lambda m: "AM" if m.hour < 12 else "PM",
    "r": lambda m: f"{m.hour % 12 or 12:02}:{m:%M:%S} {'AM' if m.hour < 12 else 'PM'}",
    "S": lambda m: f"{m.second:02}",
    "s": lambda m: f"{m.second:02}",
    "T": lambda m: f"{m:%H:%M:%S}",
    "v": lambda m: f"{m.isocalendar()[1]:02}",
    "W": lambda m: day_name[m.weekday()],
    "x": lambda m: f"{m.isocalendar()[0]:04}",
    "Y": lambda m: f"{m.year:04}",
    "y": lambda m: f"{m.year % 100:02}",
    "%": lambda m: "%",
}


def _mysql(moment: datetime, pattern: str) -> str:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def part(found: re.Match[str]) -> str:
        if found[1] in "DUuVwX":
            raise bad(f"%{found[1]} not supported in date format string")
        return _MYSQL[found[1]](moment) if found[1] in _MYSQL else found[1]  # type: ignore[no-untyped-call]

    return re.sub(r"%(.)", part, pattern)


def date_format(moment: datetime, pattern: str) -> str:
    return _mysql(moment, pattern)


def date_format_zoned(value: Zoned, pattern: str) -> str:
    return _mysql(zones.local(value), pattern)


_READ = {
    "a": r"(?P<skip{}>[A-Za-z]{{3}})", "b": r"(?P<b{}>[A-Za-z]{{3}})", "c": r"(?P<m{}>\d{{1,2}})",
    "d": r"(?P<d{}>\d{{1,2}})", "e": r"(?P<d{}>\d{{1,2}})", "f": r"(?P<f{}>\d{{1,9}})", "H": r"(?P<H{}>\d{{1,2}})",
    "h": r"(?P<I{}>\d{{1,2}})", "I": r"(?P<I{}>\d{{1,2}})", "i": r"(?P<i{}>\d{{1,2}})", "j": r"(?P<j{}>\d{{1,3}})",
    "k": r"(?P<H{}>\d{{1,2}})", "l": r"(?P<I{}>\d{{1,2}})", "M": r"(?P<M{}>[A-Za-z]+)", "m": r"(?P<m{}>\d{{1,2}})",
    "p": r"(?P<p{}>[AaPp][Mm])",
    "r": r"(?P<I{0}>\d{{1,2}}):(?P<i{0}>\d{{1,2}}):(?P<s{0}>\d{{1,2}}) (?P<p{0}>[AaPp][Mm])",
    "S": r"(?P<s{}>\d{{1,2}})", "s": r"(?P<s{}>\d{{1,2}})",
    "T": r"(?P<H{0}>\d{{1,2}}):(?P<i{0}>\d{{1,2}}):(?P<s{0}>\d{{1,2}})",
    "W": r"(?P<skip{}>[A-Za-z]+)", "Y": r"(?P<Y{}>[+-]?\d{{1,9}})", "y": r"(?P<y{}>\d{{1,2}})", "%": "%",
    "v": r"(?P<v{}>\d{{1,2}})", "x": r"(?P<x{}>\d{{1,4}})",
}  # fmt: skip


def date_parse(text: str, pattern: str) -> datetime:
    made, i, number = "", 0, 0
    while i < len(pattern):
        if pattern[i] == "%" and i + 1 < len(pattern):
            mark = pattern[i + 1]
            if mark not in _READ:
                raise bad(f"%{mark} not supported in date format string")
            made += _READ[mark].format(number) if mark != "%" else "%"
            number, i = number + 1, i + 2
        else:
            made, i = made + re.escape(pattern[i]), i + 1
    found = re.fullmatch(made, text)
    if not found:
        raise bad(f'Invalid format: "{text}" is not of the form "{pattern}"')
    parts = {re.sub(r"\d+$", "", name): value for name, value in found.groupdict().items()}
    try:
        moment = _assembled(parts)
    except ValueError as error:
        raise bad(f'Cannot parse "{text}": {error}') from error
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _named(names: Any, text: str) -> int:
    folded = [name.lower() for name in names]
    if text.lower() not in folded:
        raise ValueError(f"{text} is not the name of a month or day")
    return folded.index(text.lower())


def _assembled(parts: dict[str, str]) -> datetime:
    year = int(parts["Y"]) if "Y" in parts else 1970
    if "y" in parts:
        year = int(parts["y"]) + (2000 if int(parts["y"]) < 70 else 1900)
    month = int(parts.get("m", 1))
    month = (
        _named(month_abbr, parts["b"]) if "b" in parts else _named(month_name, parts["M"]) if "M" in parts else month
    )
    hour = int(parts.get("H", 0))
    if "I" in parts:
        hour = int(parts["I"]) % 12 + (12 if parts.get("p", "").lower() == "pm" else 0)
    micros = int(parts.get("f", "0")[:6].ljust(6, "0"))
    day = date(year, month, int(parts.get("d", 1)))
    if "j" in parts:
        day = date(year, 1, 1) + timedelta(days=int(parts["j"]) - 1)
    if "v" in parts and "x" in parts:
        day = date.fromisocalendar(int(parts["x"]), int(parts["v"]), 1)
    return datetime.combine(day, time(hour, int(parts.get("i", 0)), int(parts.get("s", 0)), micros))


_JAVA = re.compile(r"'((?:[^']|'')*)'|(([A-Za-z])\3*)|([^A-Za-z'])", re.S)


def _java(moment: datetime, pattern: str, zone: str) -> str:
    def part(found: re.Match[str]) -> str:
        if found[2]:
            return _java_field(moment, found[3], len(found[2]), zone)
        return found[1].replace("''", "'") or "'" if found[4] is None else found[4]

    return _JAVA.sub(part, pattern)


def _java_field(m: datetime, letter: str, size: int, zone: str) -> str:
    numbers = {
        "y": m.year, "Y": m.year, "M": m.month, "d": m.day, "H": m.hour, "h": m.hour % 12 or 12, "K": m.hour % 12,
        "k": m.hour or 24, "m": m.minute, "s": m.second, "D": m.timetuple().tm_yday, "w": m.isocalendar()[1],
        "e": m.isoweekday(), "x": m.isocalendar()[0], "C": m.year // 100,
    }  # fmt: skip
    if letter in "yYx" and size == 2:
        return f"{numbers[letter] % 100:02}"
    if letter == "M" and size > 2:
        return month_abbr[m.month] if size == 3 else month_name[m.month]
    if letter in numbers:
        return f"{numbers[letter]:0{size}}"
    if letter == "S":
        return f"{m.microsecond // 1000:03}000"[:size].ljust(size, "0")
    if letter == "E":
        return day_abbr[m.weekday()] if size < 4 else day_name[m.weekday()]
    if letter == "a":
        return "AM" if m.hour < 12 else "PM"
    if letter == "G":
        return "AD"
    if letter == "Z":
        return _offset(m).replace(":", "") if size == 1 else _offset(m) if size == 2 else zone
    if letter == "z":
        return m.tzname() or zone
    raise bad(f"Illegal pattern component: {letter * size}")


def format_datetime(moment: datetime, pattern: str) -> str:
    return _java(moment.replace(tzinfo=UTC), pattern, "UTC")


def format_datetime_zoned(value: Zoned, pattern: str) -> str:
    return _java(zones.local(value), pattern, str(value["z"]))


_JAVA_READ = {
    "y": ("Y", r"[+-]?\d{1,9}"), "Y": ("Y", r"[+-]?\d{1,9}"), "M": ("m", r"\d{1,2}"), "d": ("d", r"\d{1,2}"),
    "H": ("H", r"\d{1,2}"), "k": ("H", r"\d{1,2}"), "h": ("I", r"\d{1,2}"), "K": ("I", r"\d{1,2}"),
    "m": ("i", r"\d{1,2}"), "s": ("s", r"\d{1,2}"), "S": ("f", r"\d{1,9}"), "a": ("p", r"[AaPp][Mm]"),
    "E": ("skip", r"[A-Za-z]+"), "D": ("j", r"\d{1,3}"), "x": ("x", r"\d{1,4}"), "w": ("v", r"\d{1,2}"),
    "Z": ("zone", r"[A-Za-z][\w/+-]*|[+-]\d{2}:?\d{2}"), "z": ("zone", r"[A-Za-z][\w/+-]*|[+-]\d{2}:?\d{2}"),
}  # fmt: skip


def parse_datetime(text: str, pattern: str) -> Zoned:
    made, number = "", 0
    for found in _JAVA.finditer(pattern):
        if not found[2]:
            made += re.escape(found[1].replace("''", "'") or "'" if found[4] is None else found[4])
            continue
        letter, size = found[3], len(found[2])
        if letter not in _JAVA_READ:
            raise bad(f"Illegal pattern component: {found[2]}")
        name, digits = _JAVA_READ[letter]
        if letter == "M" and size > 2:
            name, digits = ("b", "[A-Za-z]{3}") if size == 3 else ("M", "[A-Za-z]+")
        if letter in "yY" and size == 2:
            name, digits = "y", r"\d{2}"
        adjacent = found.end() < len(pattern) and pattern[found.end()].isalpha()
        digits = rf"\d{{{size}}}" if adjacent and digits.startswith(r"\d") else digits
        made, number = made + f"(?P<{name}{number}>{digits})", number + 1
    matched = re.fullmatch(made, text)
    if not matched:
        raise bad(f'Invalid format: "{text}" is malformed for "{pattern}"')
    parts = {re.sub(r"\d+$", "", name): value for name, value in matched.groupdict().items()}
    zone = zones.known(parts.pop("zone", None) or "UTC")
    try:
        moment = _assembled(parts)
        return zones.zoned(moment.replace(microsecond=moment.microsecond // 1000 * 1000), zone)
    except ValueError as error:
        raise bad(f'Cannot parse "{text}": {error}') from error


def _rounded_micros(digits: str, precision: int) -> int:
    kept = int(digits[:precision].ljust(precision, "0") or 0) + (digits[precision : precision + 1] >= "5")
    size: int = 10 ** (6 - precision)
    return kept * size


def _cast_clock(text: str, found: re.Match[str] | None, kind: Type) -> int:
    if not found or int(found["h"]) > 23 or int(found["m"]) > 59 or int(found["s"] or 0) > 59:
        raise bad_cast(text, str(kind))
    seconds = (int(found["h"]) * 60 + int(found["m"])) * 60 + int(found["s"] or 0)
    return (seconds * 10**6 + _rounded_micros(found["f"] or "", kind.precision)) % (86400 * 10**6)


_CLOCK = r"(?P<h>\d{1,2}):(?P<m>\d{1,2})(?::(?P<s>\d{1,2})(?:\.(?P<f>\d{1,12}))?)?"


def time_of(_: Kinds, kind: Type, text: str) -> time:
    micros = _cast_clock(text, re.fullmatch(_CLOCK, text.strip()), kind)
    return (datetime(1970, 1, 1) + timedelta(microseconds=micros)).time()


def zoned_time_of(_: Kinds, kind: Type, text: str) -> dict[str, int]:
    found = re.fullmatch(_CLOCK + r"\s*(?P<z>[+-]\d{1,2}(?::?\d{2})?|Z|UTC)?", text.strip())
    micros = _cast_clock(text, found, kind)
    assert found is not None
    zone = zones.known(found["z"] or "UTC")
    minutes = 0 if zone == "UTC" else (int(zone[1:3]) * 60 + int(zone[4:6])) * (-1 if zone[0] == "-" else 1)
    return {"i": (micros - minutes * 60 * 10**6) % (86400 * 10**6), "z": minutes}


def zoned_of(_: Kinds, kind: Type, text: str) -> Zoned:
    found = re.fullmatch(rf"(?P<d>\d{{4}}-\d{{1,2}}-\d{{1,2}})(?:[ T]{_CLOCK})?\s*(?P<z>\S+)?", text.strip())
    if not found:
        raise bad_cast(text, str(kind))
    try:
        day = datetime(*map(int, found["d"].split("-")))  # type: ignore[arg-type]
        micros = _cast_clock(text, found, kind) if found["h"] else 0
        carried = (found["f"] or "") and _rounded_micros(found["f"], kind.precision) >= 10**6 and micros == 0
        moment = day + timedelta(microseconds=micros, days=1 if carried else 0)
        return zones.zoned(moment, zones.zone_of(found["z"] or "UTC"))
    except ValueError as error:
        raise bad_cast(text, str(kind)) from error

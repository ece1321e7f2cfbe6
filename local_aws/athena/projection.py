"""Partition projection: partitions that are computed from the table's parameters instead of registered.

Athena computes all partitions. Here, listing the objects and matching the location template finds those that hold
an object, which gives the same rows.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlglot.errors import UnsupportedError

from local_aws.athena.errors import QueryFailed

_PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")
_NOW = re.compile(r"NOW(?:\s*([+-])\s*(\d+)\s*([A-Z]+?)S?)?")
_MONTHS = {"MONTH": 1, "YEAR": 12}
_LENGTHS = {unit.upper(): timedelta(**{f"{unit}s": 1}) for unit in ("week", "day", "hour", "minute", "second")}
_UNITS = (*_MONTHS, *_LENGTHS)


@dataclass(frozen=True)
class Projection:
    """The template of a table's locations, and the values in range, by key."""

    template: str
    keys: list[str]
    allowed: dict[str, Callable[[str], bool]]

    @property
    def fixed_prefix(self) -> str:
        """Return the part of the template before its first placeholder, up to a whole folder."""
        return self.template.split("${")[0].rpartition("/")[0] + "/"

    def among(self, uris: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield (location, values) of each partition that contains one of the objects."""
        pattern, seen = re.compile(self._pattern()), set()
        for uri in uris:
            match = pattern.match(uri)
            if match and match[0] not in seen:
                seen.add(match[0])
                values = {key: match[f"k{i}"] for i, key in enumerate(self.keys)}
                if all(self.allowed[key](value) for key, value in values.items()):
                    yield match[0], tuple(values.values())

    def _pattern(self) -> str:
        seen: set[str] = set()
        parts = _PLACEHOLDER.split(self.template)
        for i in range(0, len(parts), 2):
            parts[i] = re.escape(parts[i])
        for i in range(1, len(parts), 2):
            key, part = parts[i].lower(), f"k{self.keys.index(parts[i].lower())}"
            parts[i] = f"(?P={part})" if key in seen else f"(?P<{part}>{self._shape(key)})"
            seen.add(key)
        return "".join(parts)

    def _shape(self, key: str) -> str:
        """Return the pattern of a value. A date format may contain slashes; the value then spans as many folders."""
        slashes = getattr(self.allowed[key], "slashes", 0)
        return "/".join([r"[^/]+"] * (slashes + 1))


def projected_partitions(parameters: dict[str, str], keys: list[str], location: str) -> Projection:
    """Return the projection that a table's parameters describe.

    Raises:
        QueryFailed: a key has no projection type, or its settings are incomplete.
    """
    template = parameters.get("storage.location.template") or location + "".join(f"{k}=${{{k}}}/" for k in keys)
    template = template.replace("s3a://", "s3://").rstrip("/") + "/"
    _check_template(template, keys)
    return Projection(template, keys, {key: _allowed(parameters, key) for key in keys})


def _check_template(template: str, keys: list[str]) -> None:
    found = {name.lower() for name in _PLACEHOLDER.findall(template)}
    if found != set(keys):
        wrong = ", ".join(f"${{{key}}}" for key in sorted(set(keys) ^ found))
        raise QueryFailed(
            "INVALID_TABLE_PROPERTY: the table parameter storage.location.template must have each partition key once, "
            f"and no other name: {wrong} is missing or unknown in {template}"
        )


def _allowed(parameters: dict[str, str], key: str) -> Callable[[str], bool]:
    kind = parameters.get(f"projection.{key}.type", "").lower()
    if kind not in _KINDS:
        raise QueryFailed(
            f"INVALID_TABLE_PROPERTY: the table parameter projection.{key}.type is {kind!r}; "
            f"allowed are {', '.join(_KINDS)}"
        )
    prefix = f"projection.{key}."
    settings = {name.removeprefix(prefix): value for name, value in parameters.items() if name.startswith(prefix)}
    try:
        return _KINDS[kind](settings)
    except (KeyError, ValueError) as error:
        raise QueryFailed(
            f"INVALID_TABLE_PROPERTY: {prefix}* of type {kind} is incomplete or wrong: {error}"
        ) from error


def _enum(settings: dict[str, str]) -> Callable[[str], bool]:
    values = {value.strip() for value in settings["values"].split(",")}
    return values.__contains__


def _integer(settings: dict[str, str]) -> Callable[[str], bool]:
    low, high = (int(end) for end in settings["range"].split(","))
    step, digits = int(settings.get("interval", 1)), int(settings.get("digits", 0))

    def allowed(value: str) -> bool:
        is_integer = re.fullmatch(r"-?\d+", value) is not None
        return (
            is_integer
            and low <= int(value) <= high
            and (int(value) - low) % step == 0
            and value == f"{int(value):0{digits}d}"
        )

    return allowed


@dataclass(frozen=True)
class _Dates:
    pattern: str
    text: str
    """The pattern of the texts that Athena makes: without leading zeros where the format has one letter."""
    low: datetime
    high: datetime
    slashes: int
    step: Step | None

    def __call__(self, value: str) -> bool:
        try:
            moment = datetime.strptime(value, self.pattern)
        except ValueError:
            return False
        is_in_range = self.low <= moment <= self.high and value == moment.strftime(self.text)
        return is_in_range and (not self.step or self.step.reaches(self.low, moment))


@dataclass(frozen=True)
class Step:
    """The distance between date values: `count` units."""

    count: int
    unit: str

    def reaches(self, begin: datetime, moment: datetime) -> bool:
        months = _MONTHS.get(self.unit)
        if months is None:
            return (moment - begin) % (_LENGTHS[self.unit] * self.count) == timedelta()
        between = (moment.year - begin.year) * 12 + moment.month - begin.month
        at = moment.replace(year=begin.year, month=begin.month, day=min(moment.day, 28))
        return between % (months * self.count) == 0 and at == begin.replace(day=min(begin.day, 28))


def _step(settings: dict[str, str]) -> Step | None:
    """Return the configured interval; without one, any value of the format is in range."""
    if "interval" not in settings and "interval.unit" not in settings:
        return None
    unit = settings.get("interval.unit", "").upper().removesuffix("S") or _usual_unit(settings["format"])
    if unit not in _UNITS or int(settings.get("interval", 1)) < 1:
        raise ValueError(f"interval and interval.unit; allowed are a whole number and {', '.join(_UNITS)} with an S")
    return Step(int(settings.get("interval", 1)), unit)


def _usual_unit(pattern: str) -> str:
    """Return the default unit for formats of days or months; AWS requires it for any other."""
    if re.search("[HhKkmsS]", pattern):
        raise ValueError("interval.unit is missing")
    return "DAY" if "d" in pattern else "MONTH" if "M" in pattern else "YEAR"


def _dates(settings: dict[str, str]) -> Callable[[str], bool]:
    text = strftime_pattern(settings["format"])
    pattern = text.replace("%-", "%")
    low, high = (_moment(end.strip(), pattern) for end in settings["range"].split(","))
    return _Dates(pattern, text, low, high, settings["format"].count("/"), _step(settings))


def _moment(text: str, pattern: str) -> datetime:
    now = _NOW.fullmatch(text)
    if not now:
        return datetime.strptime(text, pattern)
    sign, count, unit = now.groups()
    moment = datetime.now(UTC).replace(tzinfo=None)
    moment = _shifted(moment, int(f"{sign}{count}"), unit) if sign else moment
    # A range begins at the start of the unit its format ends with.
    return datetime.strptime(moment.strftime(pattern), pattern)


def _shifted(moment: datetime, count: int, unit: str) -> datetime:
    """Months and years go by the calendar; a day that a month lacks is its last one."""
    if unit not in _MONTHS:
        return moment + _LENGTHS[unit] * count
    years, month = divmod(moment.year * 12 + moment.month - 1 + _MONTHS[unit] * count, 12)
    return moment.replace(year=years, month=month + 1, day=min(moment.day, monthrange(years, month + 1)[1]))


_KINDS: dict[str, Callable[[dict[str, str]], Callable[[str], bool]]] = {
    "enum": _enum,
    "integer": _integer,
    "date": _dates,
    "injected": lambda settings: lambda value: True,
}


_JAVA = {
    "yyyy": "%Y", "YYYY": "%Y", "y": "%Y", "yy": "%y", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B",
    "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M",
    "ss": "%S", "s": "%-S", "SSS": "%g", "SSSSSS": "%f", "a": "%p", "EEE": "%a", "E": "%a", "EEEE": "%A",
    "DDD": "%j", "D": "%-j", "Z": "%z", "ZZ": "%z",
}  # fmt: skip
_JAVA_PART = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>(?P<one>[A-Za-z])(?P=one)*)|(?P<other>[^A-Za-z'])")


def strftime_pattern(java: str) -> str:
    """Convert a Java date pattern to strftime's: `yyyy-MM-dd'T'HH` -> `%Y-%m-%dT%H`.

    Raises:
        UnsupportedError: a letter has no counterpart.
    """

    def counterpart(part: re.Match[str]) -> str:
        letters = part["letters"]
        if letters and letters not in _JAVA:
            raise UnsupportedError(f"the date pattern {java!r} has {letters!r}; known are {', '.join(_JAVA)}")
        return _JAVA[letters] if letters else (part["quoted"] or part["other"] or "'").replace("%", "%%")

    return _JAVA_PART.sub(counterpart, java)

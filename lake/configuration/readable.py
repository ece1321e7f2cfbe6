"""The valid part of a lake.yaml with mistakes, so that the rules can still be checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from lake.configuration.mistakes import Mistake, mistakes
from lake.configuration.model import Config
from lake.configuration.place import Place, Problem

ROUNDS = 8
_REMOVED = "removed"
_STAND_INS: list[tuple[Place, Any]] = [
    (("project",), "a0"),
    (("environments",), {"local": {"region": "us-east-1"}}),
    (("environments", "*"), {"region": "us-east-1"}),
    (("connections", "*"), {"type": "postgresql", "host": "a", "database": "a"}),
    (("datasets", "*"), {"format": "csv"}),
    (("jobs", "*"), {"script": "a.py"}),
    (("jobs", "*", "source"), "a"),
    (("jobs", "*", "py_files"), ["a.py"]),
    (("jobs", "*", "sink"), {"table": "_"}),  # Its fields depend on each other, so one wrong field replaces them all.
    (("jobs", "*", "steps", "*"), {"sql": "input"}),
    (("jobs", "*", "expect", "*"), {"complete": ["a"]}),
    (("workflows", "*", "steps", "*"), {"run": []}),
    *(((part, "*"), _REMOVED) for part in ("workflows", "streams", "ml_transforms")),
    (("queries",), _REMOVED),
]
"""Stand-ins for values that cannot be read. They cause no further problems."""
_OF_A_NAME = 3
"""The length of a place such as datasets.flights.format. A wrong field below it drops its whole parent."""
_JOB_SETTINGS = {"type", "script", "sink", "source", "steps", "expect"}


class Readable:
    """A lake.yaml in which stand-ins replace values that cannot be read.

    Attributes:
        config: None if too much cannot be read.
        more: mistakes below a misspelled field, which show only after its name is corrected.
    """

    def __init__(self, content: Mapping[Any, Any], found: list[Mistake]) -> None:
        self._replaced: set[Place] = set()
        self._renamed: dict[Place, Place] = {}
        self.config: Config | None = None
        self.more: list[Problem] = []
        try:
            self._content = _plain(content)
        except RecursionError:
            return
        for _ in range(ROUNDS):
            replaced: set[Place] = set()
            if not all(self._replace(mistake, replaced) for mistake in found):
                return
            self._replaced |= replaced
            try:
                self.config = Config.model_validate(self._content)
                return
            except ValidationError as error:
                found = mistakes(self._content, error)
                self.more += [self._as_named(each.problem) for each in found if _within(each.place, self._renamed)]

    def problems(self, found: Iterable[Problem]) -> Iterator[Problem]:
        """The problems found by rules, without those about stand-ins."""
        for problem in found:
            place = problem[0]
            of_sink = "convert" in place and _within((*place[:2], "sink"), self._replaced)
            if not of_sink and not _within(place, self._replaced):
                yield self._as_named(problem)

    def _as_named(self, problem: Problem) -> Problem:
        """The problem with the names that are in the file."""
        place, message = problem
        for right, wrong in reversed(self._renamed.items()):
            if place[: len(right)] == right:
                place = (*wrong, *place[len(right) :])
        return place, message

    def _replace(self, mistake: Mistake, replaced: set[Place]) -> bool:
        """Replace a mistake with a stand-in. False if there is none for it."""
        place = mistake.place
        if _within(place, replaced):
            return True
        if mistake.unknown and len(place) <= _OF_A_NAME:
            return self._rename(place, mistake.field)
        if mistake.of_key:
            replaced.add(place)
            return self._put(place, _REMOVED)
        for length in range(len(place), 0, -1):
            if place[:length] not in self._replaced and (stand_in := _stand_in(place[:length])) is not None:
                replaced.add(place[:length])
                return self._put(place[:length], deepcopy(stand_in))
        return False

    def _rename(self, place: Place, meant: str | None) -> bool:
        holder = self._at(place[:-1])
        value = holder.pop(place[-1], None)
        if meant and "." not in meant and meant not in holder:
            holder[meant] = value
            self._renamed[(*place[:-1], meant)] = place
        return True

    def _put(self, place: Place, value: Any) -> bool:
        holder = self._at(place[:-1])
        if value is _REMOVED:
            holder.pop(place[-1], None)
        else:
            holder[place[-1]] = value
        return True

    def _at(self, place: Place) -> Any:
        holder: Any = self._content
        for part in place:
            holder = holder[part]
        return holder


def _within(place: Place, places: Collection[Place]) -> bool:
    return any(place[:length] in places for length in range(1, len(place) + 1))


def _stand_in(place: Place) -> Any:
    for pattern, value in _STAND_INS:
        if len(pattern) == len(place) and all(want in ("*", part) for want, part in zip(pattern, place, strict=True)):
            return value
    if len(place) == 3 and place[0] == "jobs" and place[2] not in _JOB_SETTINGS:
        return _REMOVED
    return None


def _plain(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _plain(value) for key, value in content.items()}
    return [_plain(item) for item in content] if isinstance(content, list) else content

"""Java's regular expressions, run by Python's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local_aws.athena.query.python import regexp_process
from local_aws.athena.query.python.failing import bad
from local_aws.athena.query.python.java_patterns import regexp

Match = Any
"""A `re.Match`, or a Found."""


@dataclass(frozen=True)
class Found:
    """A match that another process found."""

    text: str
    spans: tuple[tuple[int, int], ...]

    def __getitem__(self, group: int | str) -> str | None:
        begin, end = self.spans[int(group)]
        return None if begin < 0 else self.text[begin:end]

    def groups(self) -> list[str | None]:
        return [self[group] for group in range(1, len(self.spans))]

    def start(self) -> int:
        return self.spans[0][0]

    def end(self) -> int:
        return self.spans[0][1]


def _matches(text: str, pattern: str, start: int = 0, first: bool = False) -> Iterator[Match]:
    one = regexp(pattern)
    if not one.may_be_slow(text):
        return one.compiled.finditer(text, start)
    return (Found(text, spans) for spans in regexp_process.matches(one.compiled.pattern, text, start, first))


def _group(pattern: str, group: int) -> int:
    count = regexp(pattern).compiled.groups
    if not 0 <= group <= count:
        raise bad(f"Pattern has {count} groups. Cannot access group {group}")
    return group


def like(text: str, pattern: str) -> bool:
    return next(_matches(text, pattern, first=True), None) is not None


def extract(text: str, pattern: str, group: int = 0) -> str | None:
    _group(pattern, group)
    found = next(_matches(text, pattern, first=True), None)
    return found[group] if found else None


def extract_all(text: str, pattern: str, group: int = 0) -> list[str | None]:
    _group(pattern, group)
    return [found[group] for found in _matches(text, pattern)]


def replace(text: str, pattern: str, replacement: str = "") -> str:
    made, begin = [], 0
    for found in _matches(text, pattern):
        made += [text[begin : found.start()], _expanded(replacement, found, pattern)]
        begin = found.end()
    return "".join([*made, text[begin:]])


def _expanded(replacement: str, found: Match, pattern: str) -> str:
    """Expand a replacement: `$1` and `${name}` are groups; a backslash escapes the next character."""
    made, i = "", 0
    while i < len(replacement):
        mark = replacement[i]
        if mark == "\\":
            if i + 1 >= len(replacement):
                raise bad("Illegal replacement sequence: " + replacement)
            made, i = made + replacement[i + 1], i + 2
        elif mark == "$":
            text, i = _reference(replacement, i + 1, found, pattern)
            made += text
        else:
            made, i = made + mark, i + 1
    return made


def _reference(replacement: str, i: int, found: Match, pattern: str) -> tuple[str, int]:
    compiled = regexp(pattern).compiled
    named = re.match(r"\{(\w+)\}", replacement[i:])
    if named:
        if named[1] not in compiled.groupindex:
            raise bad(f"Illegal replacement sequence: unknown group {{ {named[1]} }}")
        return found[compiled.groupindex[named[1]]] or "", i + len(named[0])
    digits = re.match(r"\d+", replacement[i:])
    if not digits:
        raise bad(f"Illegal replacement sequence: {replacement}")
    size = len(digits[0])
    while size > 1 and int(digits[0][:size]) > compiled.groups:
        size -= 1
    return found[_group(pattern, int(digits[0][:size]))] or "", i + size


def split(text: str, pattern: str) -> list[str]:
    pieces, begin = [], 0
    for found in _matches(text, pattern):
        pieces.append(text[begin : found.start()])
        begin = found.end()
    return [*pieces, text[begin:]]


def count(text: str, pattern: str) -> int:
    return sum(1 for _ in _matches(text, pattern))


def position(text: str, pattern: str, start: int = 1, occurrence: int = 1) -> int:
    if start < 1:
        raise bad("start position cannot be smaller than 1")
    if occurrence < 1:
        raise bad("occurrence cannot be smaller than 1")
    if start > len(text):
        return -1
    for number, found in enumerate(_matches(text, pattern, start - 1), 1):
        if number == occurrence:
            return int(found.start()) + 1
    return -1


def pieces(text: str, pattern: str) -> list[dict[str, Any]]:
    """Return the text before each match, with the groups of the match; the rest comes last, without groups."""
    made, begin = [], 0
    for found in _matches(text, pattern):
        made.append({"text": text[begin : found.start()], "groups": list(found.groups())})
        begin = found.end()
    return [*made, {"text": text[begin:], "groups": None}]

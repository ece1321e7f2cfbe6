"""Java's regular expressions, run by Python's."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from local_aws.athena.query.python.failing import bad


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    text = re.sub(r"\(\?<([A-Za-z]\w*)>", r"(?P<\1>", pattern)
    text = re.sub(r"\\p\{(?:Alpha|L|IsAlphabetic)\}", "[^\\\\W\\\\d_]", text)
    text = re.sub(r"\\p\{Digit\}", r"\\d", text).replace(r"\z", r"\Z").replace(r"\h", r"[ \t]")
    leading = re.match(r"\(\?[a-z]+\)", text)
    try:
        return re.compile(text if leading else re.sub(r"\(\?([ims]+)\)", "", text))
    except re.error as error:
        raise bad(f"Invalid regular expression: {pattern}") from error


def _group(found: re.Match[str] | re.Pattern[str], group: int) -> int:
    count = found.groups if isinstance(found, re.Pattern) else found.re.groups
    if not 0 <= group <= count:
        raise bad(f"Pattern has {count} groups. Cannot access group {group}")
    return group


def like(text: str, pattern: str) -> bool:
    return _compiled(pattern).search(text) is not None


def extract(text: str, pattern: str, group: int = 0) -> str | None:
    compiled = _compiled(pattern)
    _group(compiled, group)
    found = compiled.search(text)
    return found[group] if found else None


def extract_all(text: str, pattern: str, group: int = 0) -> list[str | None]:
    compiled = _compiled(pattern)
    _group(compiled, group)
    return [found[group] for found in compiled.finditer(text)]


def replace(text: str, pattern: str, replacement: str = "") -> str:
    compiled = _compiled(pattern)
    return compiled.sub(lambda found: _expanded(replacement, found), text)


def _expanded(replacement: str, found: re.Match[str]) -> str:
    """Expand a replacement: `$1` and `${name}` are groups; a backslash escapes the next character."""
    made, i = "", 0
    while i < len(replacement):
        mark = replacement[i]
        if mark == "\\":
            if i + 1 >= len(replacement):
                raise bad("Illegal replacement sequence: " + replacement)
            made, i = made + replacement[i + 1], i + 2
        elif mark == "$":
            text, i = _reference(replacement, i + 1, found)
            made += text
        else:
            made, i = made + mark, i + 1
    return made


def _reference(replacement: str, i: int, found: re.Match[str]) -> tuple[str, int]:
    named = re.match(r"\{(\w+)\}", replacement[i:])
    if named:
        if named[1] not in found.re.groupindex:
            raise bad(f"Illegal replacement sequence: unknown group {{ {named[1]} }}")
        return found[named[1]] or "", i + len(named[0])
    digits = re.match(r"\d+", replacement[i:])
    if not digits:
        raise bad(f"Illegal replacement sequence: {replacement}")
    size = len(digits[0])
    while size > 1 and int(digits[0][:size]) > found.re.groups:
        size -= 1
    return found[_group(found, int(digits[0][:size]))] or "", i + size


def split(text: str, pattern: str) -> list[str]:
    pieces, begin = [], 0
    for found in _compiled(pattern).finditer(text):
        pieces.append(text[begin : found.start()])
        begin = found.end()
    return [*pieces, text[begin:]]


def count(text: str, pattern: str) -> int:
    return sum(1 for _ in _compiled(pattern).finditer(text))


def position(text: str, pattern: str, start: int = 1, occurrence: int = 1) -> int:
    if start < 1:
        raise bad("start position cannot be smaller than 1")
    if occurrence < 1:
        raise bad("occurrence cannot be smaller than 1")
    if start > len(text):
        return -1
    for number, found in enumerate(_compiled(pattern).finditer(text, start - 1), 1):
        if number == occurrence:
            return found.start() + 1
    return -1


def pieces(text: str, pattern: str) -> list[dict[str, Any]]:
    """Return the text before each match, with the groups of the match; the rest comes last, without groups."""
    made, begin = [], 0
    for found in _compiled(pattern).finditer(text):
        made.append({"text": text[begin : found.start()], "groups": list(found.groups())})
        begin = found.end()
    return [*made, {"text": text[begin:], "groups": None}]

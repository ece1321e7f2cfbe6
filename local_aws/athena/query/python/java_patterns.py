"""Java's regular expressions as Python's."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.python.failing import bad

_FEW = 8
"""So many repeats of a group at most take no time that matters."""
_PIECE = re.compile(
    r"""\\Q(?P<quoted>.*?)(?:\\E|$)|\\(?P<negated>[pP])(?:\{(?P<name>[^}]*)\}|(?P<short>\w))|\\x\{(?P<point>[0-9A-Fa-f]+)\}
    |\\k<(?P<back>\w+)>|(?P<escape>\\.)|(?P<named>\(\?<(?=[A-Za-z]))|\(\?(?P<flags>[A-Za-z]*-?[A-Za-z]*)(?P<end>[:)])
    |(?P<open>\((?:\?(?:[=!>]|<[=!]))?)|(?P<close>\))|(?P<repeat>[*+?]|\{\d+(?:,\d*)?\})(?P<how>[?+]?)|(?P<other>.)""",
    re.X | re.S,
)
_ESCAPES = {r"\z": r"\Z", r"\Z": r"(?=\n?\Z)", r"\e": r"\x1b"}
_CATEGORIES = {
    "Alpha": "L Nl", "Alphabetic": "L Nl", "Digit": "Nd", "Alnum": "L Nl Nd", "Upper": "Lu", "Uppercase": "Lu",
    "Lower": "Ll", "Lowercase": "Ll", "Punct": "P", "Punctuation": "P", "Letter": "L", "Cntrl": "Cc", "Control": "Cc",
}  # fmt: skip
_SETS = {"Space": r"\s", "White_Space": r"\s", "Blank": r" \t", "XDigit": "0-9A-Fa-f", "ASCII": r"\x00-\x7f"}


@dataclass
class _Group:
    """A group that is open: the flags set in it, and whether it can match one text in several ways."""

    flags: list[str] = field(default_factory=list)
    varies: bool = False


@dataclass(frozen=True)
class Regexp:
    """`repeats` counts those without an end; `is_nested` tells of one within another, which can take for ever."""

    compiled: re.Pattern[str]
    repeats: int
    is_nested: bool

    def may_be_slow(self, text: str) -> bool:
        return len(text) > (16 if self.is_nested else 1000 if self.repeats > 1 else sys.maxsize)


@lru_cache(maxsize=256)
def regexp(pattern: str) -> Regexp:
    """Translate a pattern.

    Raises:
        QueryFailed: it is not valid, or has a construct that Python does not have.
    """
    translation = _Translation(pattern)
    try:
        return Regexp(re.compile(translation.text()), translation.repeats, translation.is_nested)
    except re.error as error:
        raise bad(f"Invalid regular expression: {pattern}") from error


def python_pattern(pattern: str) -> str:
    """Return a pattern as Python's.

    Raises:
        QueryFailed: it has a construct that Python does not have.
    """
    return _Translation(pattern).text()


class _Translation:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.repeats, self.is_nested = 0, False
        self._groups = [_Group()]
        self._closed: _Group | None = None
        """The group that ended just before."""

    def text(self) -> str:
        return "".join(self._pieces()) + ")" * len(self._groups[0].flags)

    def _pieces(self) -> Iterator[str]:
        at = 0
        while at < len(self.pattern):
            if self.pattern[at] == "[":
                end, text = self._class(at)
                self._closed = None
                yield text
            else:
                found = _PIECE.match(self.pattern, at)
                assert found is not None
                end = found.end()
                yield self._piece(found)
            at = end

    def _piece(self, found: re.Match[str]) -> str:
        closed, self._closed = self._closed, None
        if found["close"]:
            return self._close()
        if found["repeat"]:
            self._repeat(found, closed)
            return found[0]
        if found["open"] or found["named"]:
            self._groups.append(_Group())
            return "(?P<" if found["named"] else found[0]
        if found["flags"] is not None:
            return self._flags(found)
        if found[0] == "|":
            self._groups[-1].varies = True
            flags = self._groups[-1].flags
            return ")" * len(flags) + "|" + "".join(flags)
        if found["back"]:
            return f"(?P={found['back']})"
        return _atom(found, self.pattern, inside=False)

    def _close(self) -> str:
        if len(self._groups) == 1:
            return ")"
        self._closed = self._groups.pop()
        self._groups[-1].varies |= self._closed.varies
        return ")" * (len(self._closed.flags) + 1)

    def _repeat(self, found: re.Match[str], closed: _Group | None) -> None:
        ends = [int(end) for end in re.findall(r"\d+", found["repeat"])]
        low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(
            found["repeat"], (ends[0] if ends else 0, None if found["repeat"].endswith(",}") else (ends or [0])[-1])
        )
        is_long = high is None or high > _FEW
        self.repeats += high is None
        if found["how"] == "+":
            return
        self.is_nested |= is_long and closed is not None and closed.varies
        self._groups[-1].varies |= low != high

    def _flags(self, found: re.Match[str]) -> str:
        """Flags within a pattern hold up to the end of their group: `a(?i)b` is `a(?i:b)`."""
        if found["flags"] and (wrong := set(found["flags"]) - set("imsxu-")):
            raise _refused(self.pattern, f"the flag {min(wrong)}")
        head = f"(?{found['flags'].replace('u', '')}:"
        if found["end"] == ":":
            self._groups.append(_Group())
        else:
            self._groups[-1].flags.append(head)
        return head

    def _class(self, begin: int) -> tuple[int, str]:
        """Translate a class in brackets; return where it ends, and its text."""
        at = begin + 1 + self.pattern.startswith("^", begin + 1)
        text = self.pattern[begin:at]
        if self.pattern.startswith("]", at):
            text, at = text + "\\]", at + 1
        while at < len(self.pattern) and self.pattern[at] != "]":
            if self.pattern[at] == "[" or self.pattern.startswith("&&", at):
                raise _refused(self.pattern, "a class within a class, such as [[:digit:]] or [a-f&&[^b]]")
            found = _PIECE.match(self.pattern, at)
            if found and self.pattern[at] == "\\":
                text, at = text + _atom(found, self.pattern, inside=True), found.end()
            else:
                text, at = text + self.pattern[at], at + 1
        return at + 1, text + self.pattern[at : at + 1]


def _atom(found: re.Match[str], pattern: str, inside: bool) -> str:
    if found["quoted"] is not None:
        return re.escape(found["quoted"])
    if found["negated"]:
        name = (found["name"] or found["short"]).strip()
        is_negated = (found["negated"] == "P") != name.startswith("^")
        members = _property(name.removeprefix("^"), is_negated and inside, pattern)
        return members if inside else f"[{'^' if is_negated else ''}{members}]"
    if found["point"]:
        return re.escape(chr(int(found["point"], 16)))
    if found[0] == r"\h":
        return r" \t" if inside else r"[ \t]"
    return _ESCAPES.get(found[0], found[0]) if not inside else found[0]


def _property(name: str, is_negated: bool, pattern: str) -> str:
    r"""Return the members of `\p{name}`, as in a class."""
    plain = name.removeprefix("Is")
    if not is_negated and plain in _SETS:
        return _SETS[plain]
    wanted = _CATEGORIES.get(plain, plain if re.fullmatch("[A-Z][a-z]?", plain) else "")
    members = _members(wanted, is_negated) if wanted else ""
    if not members:
        raise _refused(pattern, rf"\p{{{name}}}")
    return members


@lru_cache(maxsize=32)
def _members(categories: str, is_negated: bool) -> str:
    """Return the ranges of the characters whose category begins with one of these."""
    wanted, ranges = tuple(categories.split()), []
    begin = -1
    for point in range(sys.maxunicode + 2):
        is_member = point <= sys.maxunicode and unicodedata.category(chr(point)).startswith(wanted) != is_negated
        if is_member and begin < 0:
            begin = point
        elif not is_member and begin >= 0:
            ranges.append(f"\\U{begin:08x}-\\U{point - 1:08x}")
            begin = -1
    return "".join(ranges)


def _refused(pattern: str, what: str) -> QueryFailed:
    return QueryFailed(f"NOT_SUPPORTED: the regular expression {pattern!r} has {what}, which does not run here")

"""Splits a catalog statement into tokens and reads them one by one; an unexpected token is an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from local_aws.athena.ddl.words import RESERVED
from local_aws.athena.errors import QueryFailed

_TOKEN = re.compile(
    r"(?P<space>(?:\s|--[^\n]*|/\*.*?\*/)+)|(?P<text>'(?:[^'\\]|\\.|'')*')|(?P<back>`(?:[^`]|``)+`)"
    r'|(?P<double>"(?:[^"]|"")*")|(?P<number>[+-]?\d+(?:\.\d+)?(?!\w))|(?P<word>[A-Za-z_]\w*)|(?P<mark><>|!=|<=|>=|.)',
    re.S,
)
_ESCAPE = re.compile(r"''|\\u[0-9a-fA-F]{4}|\\[0-3][0-7]{2}|\\.", re.S)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a"}
_CATALOG = "awsdatacatalog"
T = TypeVar("T")


@dataclass(frozen=True)
class Token:
    """`kind` is text, back, double, number, word, mark or end."""

    kind: str
    raw: str
    start: int

    def is_word(self, word: str) -> bool:
        return self.raw.upper() == word and self.kind in ("word", "mark")


@dataclass(frozen=True)
class Name:
    """A table's name in lower case; `database` is empty if the statement does not name one."""

    database: str
    table: str


class Cursor:
    """The current position in a statement.

    Attributes:
        of_trino: whether Trino's grammar applies, which has other reserved words and no backquotes.
    """

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.of_trino = False
        found = (Token(str(one.lastgroup), one[0], one.start()) for one in _TOKEN.finditer(sql))
        self.tokens = [*(token for token in found if token.kind != "space"), Token("end", "<EOF>", len(sql))]
        self._at = 0

    @property
    def next(self) -> Token:
        return self.tokens[self._at]

    def looks_at(self, ahead: int) -> Token:
        """Return the token this many positions after the next one."""
        return self.tokens[min(self._at + ahead, len(self.tokens) - 1)]

    def take(self, *words: str) -> bool:
        """Skip these words if they come next. Returns whether they did."""
        ahead = self.tokens[self._at : self._at + len(words)]
        if len(ahead) < len(words) or not all(map(Token.is_word, ahead, words)):
            return False
        self._at += len(words)
        return True

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.take(word):
                raise self.mismatch(f"'{word}'")

    def one_of(self, *words: str) -> str:
        """Return and skip the one of these words that comes next."""
        for word in words:
            if self.take(word):
                return word
        raise self.mismatch(", ".join(f"'{word}'" for word in words))

    def end(self) -> None:
        """Check that nothing is left over."""
        if self.next.kind != "end":
            raise self.mismatch("<EOF>")

    def name(self, what: str = "a name") -> str:
        """Parse a name; in lower case, like all names in the catalog."""
        token = self.next
        if token.kind in ("back", "double") and token.raw != '""':
            return self._quoted(token)
        if token.kind != "word" or token.raw.startswith("_"):
            raise self.mismatch(what)
        if not self.of_trino and token.raw.upper() in RESERVED:
            raise self.mismatch(f"{what}; {token.raw} is a reserved word and stands in backquotes: `{token.raw}`")
        self._at += 1
        return token.raw.lower()

    def _quoted(self, token: Token) -> str:
        mark, inner = token.raw[0], token.raw[1:-1]
        if mark == "`" and self.of_trino:
            why = "backquoted identifiers are not supported; use double quotes to quote identifiers"
            raise QueryFailed(f'SYNTAX_ERROR: {self.place()}: {why}: "{inner}"')
        self._at += 1
        return inner.replace(mark * 2, mark).lower()

    def table(self) -> Name:
        """Parse `[[catalog.]database.]table`.

        Raises:
            QueryFailed: the catalog is not the one that exists.
        """
        parts = self._parts(3)
        return Name(parts[-2] if len(parts) > 1 else "", parts[-1])

    def database(self) -> str:
        """Parse `[catalog.]database`. Raises QueryFailed if the catalog is not the one that exists."""
        return self._parts(2)[-1]

    def _parts(self, most: int) -> list[str]:
        parts = [self.name()]
        while len(parts) < most and self.take("."):
            parts.append(self.name())
        if len(parts) == most and parts[0] != _CATALOG:
            raise QueryFailed(
                f"CATALOG_NOT_FOUND: Catalog '{parts[0]}' does not exist; the only one here is {_CATALOG}"
            )
        return parts

    def text(self, what: str = "a text in single quotes") -> str:
        """Parse a text in single quotes, or in Hive's grammar in double ones, and return its value."""
        token = self.next
        if token.kind not in (("text",) if self.of_trino else ("text", "double")):
            raise self.mismatch(what)
        self._at += 1
        return _ESCAPE.sub(_character, token.raw[1:-1])

    def plain_text(self) -> str:
        """Parse a text of Trino's grammar, in which a backslash is an ordinary character."""
        token = self.next
        if token.kind != "text":
            raise self.mismatch("a text in single quotes")
        self._at += 1
        return token.raw[1:-1].replace("''", "'")

    def number(self) -> str:
        token = self.next
        if token.kind != "number":
            raise self.mismatch("a number")
        self._at += 1
        return token.raw

    def positive(self) -> int:
        """Parse an integer of at least 1."""
        token = self.next
        if not token.raw.isdigit() or int(token.raw) < 1:
            raise self.mismatch("a whole number of at least 1")
        return int(self.number())

    def listed(self, item: Callable[[], T]) -> list[T]:
        """Parse `(item, item)`."""
        self.expect("(")
        items = [item()]
        while self.take(","):
            items.append(item())
        self.expect(")")
        return items

    def group(self) -> str:
        """Return the contents of the next parentheses, at their position in an otherwise blank text."""
        self.expect("(")
        begin, depth = self.tokens[self._at - 1].start + 1, 1
        while depth:
            if self.next.kind == "end":
                raise self.mismatch("')'")
            depth += self.next.is_word("(") - self.next.is_word(")")
            self._at += 1
        return self._blanked(begin, self.tokens[self._at - 1].start)

    def rest(self, *until: str) -> str:
        """Return the rest of the statement at its position, without words that end it."""
        begin, last = self.next.start, len(self.tokens) - 1
        tail = self.tokens[last - len(until) : last]
        is_there = bool(until) and last - len(until) > self._at and all(map(Token.is_word, tail, until))
        self._at = last
        return self._blanked(begin, tail[0].start if is_there else len(self.sql))

    def _blanked(self, begin: int, end: int) -> str:
        return re.sub(r"[^\n]", " ", self.sql[:begin]) + self.sql[begin:end].rstrip()

    def place(self) -> str:
        """Return the position of the next token as `line 1:8`, both from 1."""
        before = self.sql[: self.next.start]
        return f"line {before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"

    def mismatch(self, expecting: str) -> QueryFailed:
        return QueryFailed(f"SYNTAX_ERROR: {self.place()}: mismatched input '{self.next.raw}'. Expecting: {expecting}")


def _character(found: re.Match[str]) -> str:
    text = found[0]
    if text == "''":
        return "'"
    if len(text) > 2:
        return chr(int(text[2:], 16) if text[1] == "u" else int(text[1:], 8))
    return _ESCAPED.get(text[1], text[1])

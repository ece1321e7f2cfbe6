"""Parses SQL/JSON paths, such as `lax $.a[*] ? (@ > 1)`, into a tree."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from local_aws.athena.errors import QueryFailed


@dataclass(frozen=True)
class Step:
    """`name` is the operation: `member`, `wildcard`, `elements`, `filter`, `method`, `variable`, `+`, `=`..."""

    name: str
    inner: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Path:
    strict: bool
    root: Step


_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.|"")*")|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"""
    r"""|(?P<variable>\$"(?:[^"]|"")*"|\$\w+)|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<mark>&&|\|\||==|<>|!=|<=|>=|[$@.\[\](),?*+\-/%<>!=]))"""
)
_METHODS = {"abs", "ceiling", "double", "floor", "keyvalue", "size", "type"}


def _invalid(text: str) -> QueryFailed:
    return QueryFailed(f"INVALID_PATH: the JSON path {text!r} is not understood")


@lru_cache(maxsize=512)
def parsed(text: str) -> Path:
    """Parse a path.

    Raises:
        QueryFailed: INVALID_PATH.
    """
    return _Reader(text).path()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if not found or not found.lastgroup:
                raise _invalid(text)
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self.at = 0

    def path(self) -> Path:
        kind, mode = self._take()
        if kind != "name" or mode not in ("lax", "strict"):
            raise _invalid(self.text)
        root = self.sum()
        if self.at != len(self.tokens):
            raise _invalid(self.text)
        return Path(mode == "strict", root)

    def _peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead][1] if self.at + ahead < len(self.tokens) else ""

    def _take(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise _invalid(self.text)
        self.at += 1
        return self.tokens[self.at - 1]

    def _match(self, *marks: str) -> bool:
        if self._peek() in marks and self.at < len(self.tokens) and self.tokens[self.at][0] in ("mark", "name"):
            self.at += 1
            return True
        return False

    def _due(self, mark: str) -> None:
        if not self._match(mark):
            raise _invalid(self.text)

    def sum(self) -> Step:
        left = self.term()
        while self._match("+", "-"):
            left = Step(self.tokens[self.at - 1][1], (left, self.term()))
        return left

    def term(self) -> Step:
        left = self.signed()
        while self._match("*", "/", "%"):
            left = Step(self.tokens[self.at - 1][1], (left, self.signed()))
        return left

    def signed(self) -> Step:
        if self._match("-", "+"):
            return Step("negative" if self.tokens[self.at - 1][1] == "-" else "positive", (self.signed(),))
        return self.accessors(self.primary())

    def primary(self) -> Step:
        kind, token = self._take()
        if token in ("$", "@"):
            return Step("context" if token == "$" else "current")
        if token == "(":
            inner = self.sum()
            self._due(")")
            return inner
        if kind == "variable":
            name = token[1:]
            return Step("variable", (name[1:-1].replace('""', '"') if name.startswith('"') else name,))
        if kind == "name" and token == "last":
            return Step("last")
        return Step("literal", (self._literal(kind, token),))

    def _literal(self, kind: str, token: str) -> Any:
        from decimal import Decimal

        if kind == "text":
            return json.loads('"' + token[1:-1].replace('""', '\\"') + '"')
        if kind == "number":
            return float(token) if "e" in token.lower() else Decimal(token) if "." in token else int(token)
        if token in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[token]
        raise _invalid(self.text)

    def accessors(self, base: Step) -> Step:
        while True:
            if self._match("."):
                base = self._member(base)
            elif self._match("["):
                base = self._elements(base)
            elif self._peek() == "?":
                self.at += 1
                self._due("(")
                base = Step("filter", (base, self.either()))
                self._due(")")
            else:
                return base

    def _member(self, base: Step) -> Step:
        kind, token = self._take()
        if token == "*":
            return Step("members", (base,))
        if kind == "name" and token in _METHODS and self._peek() == "(":
            self.at += 1
            self._due(")")
            return Step(token, (base,))
        if kind == "text":
            return Step("member", (base, json.loads('"' + token[1:-1].replace('""', '\\"') + '"')))
        if kind != "name":
            raise _invalid(self.text)
        return Step("member", (base, token))

    def _elements(self, base: Step) -> Step:
        if self._match("*"):
            self._due("]")
            return Step("elements", (base,))
        places = []
        while True:
            first = self.sum()
            places.append((first, self.sum() if self._match("to") else None))
            if not self._match(","):
                break
        self._due("]")
        return Step("places", (base, tuple(places)))

    def either(self) -> Step:
        left = self.both()
        while self._match("||"):
            left = Step("or", (left, self.both()))
        return left

    def both(self) -> Step:
        left = self.predicate()
        while self._match("&&"):
            left = Step("and", (left, self.predicate()))
        return left

    def predicate(self) -> Step:
        if self._match("!"):
            return Step("not", (self.predicate(),))
        if self._peek() == "exists" and self._peek(1) == "(":
            self.at += 2
            inner = self.sum()
            self._due(")")
            return Step("exists", (inner,))
        if self._peek() == "(" and (inside := self._in_brackets()) is not None:
            return inside
        return self._comparison()

    def _in_brackets(self) -> Step | None:
        """Parse a predicate in parentheses, with `is unknown`; None if they contain a path."""
        start = self.at
        try:
            self.at += 1
            inner = self.either()
            self._due(")")
            if self._match("is"):
                self._due("unknown")
                return Step("unknown", (inner,))
            if self._peek() not in (")", "&&", "||", ""):
                raise _invalid(self.text)
            return inner
        except QueryFailed:
            self.at = start
            return None

    def _comparison(self) -> Step:
        left = self.sum()
        if self._match("==", "<>", "!=", "<", "<=", ">", ">=", "="):
            operator = {"!=": "<>", "=": "=="}.get(self.tokens[self.at - 1][1], self.tokens[self.at - 1][1])
            return Step("compare", (operator, left, self.sum()))
        if self._match("starts"):
            self._due("with")
            return Step("starts", (left, self.sum()))
        if self._match("like_regex"):
            kind, token = self._take()
            flags = ""
            if self._match("flag"):
                flags = json.loads(self._take()[1])
            return Step("regex", (left, self._literal(kind, token), flags))
        raise _invalid(self.text)

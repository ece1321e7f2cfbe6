"""Rules for SQL in lake.yaml: obvious syntax errors are reported before a job starts. Spark checks the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lake.configuration.model import Job
from lake.configuration.place import Place, Problem

_TOKEN = re.compile(
    r"""(?P<literal>\b[rR]'[^']*'|\b[rR]"[^"]*"|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|--[^\n]*|/\*.*?\*/)"""
    r"""|(?P<open>[(\[])|(?P<close>[)\]])|(?P<part>['"`]|/\*)|(?P<end>;)""",
    re.DOTALL,
)
_PAIRS = {"(": ")", "[": "]"}


def violations(name: str, job: Job) -> Iterator[Problem]:
    """Every SQL text of a job that cannot be valid."""
    for place, text in _texts(name, job):
        if message := wrong(text):
            yield place, message


def _texts(name: str, job: Job) -> Iterator[tuple[Place, str]]:
    for number, step in enumerate(job.steps):
        place = ("jobs", name, "steps", number)
        texts: dict[Place, object] = {("filter",): step.filter, ("sql",): step.sql}
        texts |= {("map", "add", column): text for column, text in (step.map.add if step.map else {}).items()}
        yield from (((*place, *field), text) for field, text in texts.items() if isinstance(text, str))
    for number, expectation in enumerate(job.expect):
        if expectation.where is not None:
            yield ("jobs", name, "expect", number, "where"), expectation.where


def wrong(text: str) -> str:
    """Why it is no SQL, in one sentence; empty where nothing is certain."""
    if not text.strip():
        return "is empty. Write SQL"
    open_: list[str] = []
    for token in _TOKEN.finditer(text):
        at = _at(text, token.start())
        if token["open"]:
            open_.append(token[0])
        elif token["close"] and (not open_ or _PAIRS[open_.pop()] != token[0]):
            return f"is not SQL: the {token[0]!r} at {at} has no opening bracket"
        elif token["part"]:
            return f"is not SQL: the {token[0]} at {at} is not closed"
        elif token["end"] and text[token.end() :].strip():
            return f"should be one SQL statement, but a second begins after the ';' at {at}"
    if open_:
        return f"is not SQL: a {open_[-1]!r} is not closed"
    bare = _TOKEN.sub(lambda token: "" if token[0].startswith(("--", "/*")) else token[0], text).rstrip()
    return f"is not SQL: it ends with {bare[-1]!r}" if bare[-1:] and bare[-1] in "<>=+-/,|&!" else ""


def _at(text: str, position: int) -> str:
    """`character 7`, or in a multi-line text `line 2, character 3`."""
    before = text[:position].rpartition("\n")
    line = f"line {text.count(chr(10), 0, position) + 1}, " if "\n" in text.strip() else ""
    return f"{line}character {len(before[2]) + 1}"

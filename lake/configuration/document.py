"""lake.yaml as a document: its content, and the line of each part."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.constructor import ConstructorError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from lake.configuration.place import Place

_SYNTAX = [
    (r"'\\t'", "the line has a tab. Indent with spaces"),
    (r"found character '(.)' that cannot start", "text cannot begin with {0} here. Put it in quotes"),
    (r"mapping values are not allowed", "the line has a second `: ` or is indented too far. Put text in quotes"),
    (r"unexpected end of stream", "a quotation mark is not closed"),
    (r"expected <block end>", "the indentation, or a `- `, does not fit the lines above"),
    (r"found another document", "a second document begins here. Keep one, and remove this line"),
    (r"undefined alias '(.+)'", "the alias *{0} has no anchor &{0} above it"),
    (r"could not find expected ':'", "a `:` is missing after the name"),
    (r"expected ',' or|node content", "on this line or above it, a bracket is not closed or a comma is missing"),
    (r"for merging", "`<<` takes a mapping, such as *base"),
    (r"duplicate anchor", "an anchor of this name already exists"),
    (r"version 1", "the file declares another version of YAML. Remove the line that begins with %YAML"),
]
_OPENED = ("unexpected end of stream", "expected ',' or")
"""Errors to report where the bracket or quote was opened, not where the parser stopped."""

_TOO_DEEP = re.compile(r"^[^#\n]*?([\[{]\s*){50}|^\s*(- +){50}", re.MULTILINE)
"""The parser takes many seconds on such a line before it gives up."""


class _Constructor(RoundTripConstructor):
    """The parser's, whose values with a tag end in silence when half read: else Python prints a stack trace of them."""

    def construct_unknown(self, node: Any) -> Iterator[Any]:
        begun = super().construct_unknown(node)
        try:
            yield next(begun)
        except GeneratorExit:
            with suppress(ConstructorError):
                begun.close()  # type: ignore[attr-defined]
            raise
        yield from begun


_Constructor.add_constructor(None, _Constructor.construct_unknown)


def _yaml() -> YAML:
    parser = YAML()
    parser.Constructor = _Constructor
    return parser


class Unreadable(Exception):
    """The file cannot be parsed. `line` is 0 if no line is known."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """The file's mapping, and its duplicate names as (line, name, message)."""

    content: Mapping[Any, Any]
    twice: list[tuple[int, str, str]]

    def line(self, place: Place) -> int:
        """The line (from 1) of the deepest part of `place` that exists in the file."""
        line, content = 1, self.content  # type: tuple[int, Any]
        for part in place:
            content, holder = inside(content, part)[0], content
            line = _line(holder, part) or line
        return line


def read(path: Path) -> Document:
    """Read the file.

    Raises:
        Unreadable: it does not exist, or is not UTF-8 text, not YAML or not a mapping.
    """
    text = _text(path)
    twice: list[tuple[int, str, str]] = []
    if found := _TOO_DEEP.search(text):
        raise Unreadable(text.count("\n", 0, found.end()) + 1, "not valid YAML: it is nested too deeply")
    try:
        content = _yaml().load(text)
    except MarkedYAMLError as error:
        twice = _twice(text)
        if not twice:
            raise _syntax(error) from None
        content = _loaded(text)
    except (YAMLError, ValueError, TypeError, AttributeError, RecursionError, AssertionError) as error:
        raise _strange(text, error) from None
    if content is None:
        raise Unreadable(1, "the file is empty. It begins with `project: NAME` and `environments: ...`")
    if not isinstance(content, Mapping):
        raise Unreadable(1, "the file must be a mapping with `project`, `environments`, ...")
    return Document(content, twice)


def inside(content: Any, part: str | int) -> tuple[Any, bool]:
    """The value at a key or position, and whether it exists."""
    if isinstance(content, Mapping):
        for key in (part, *(key for key in content if not isinstance(key, str) and str(key) == part)):
            if key in content:
                return content[key], True
    elif isinstance(part, int) and isinstance(content, list) and part < len(content):
        return content[part], True
    return content, False


def _line(content: Any, part: str | int) -> int:
    """The line (from 1) of a key or an item; 0 if there is none. A key merged by `<<: *base` has the line in `base`."""
    if isinstance(content, CommentedSeq):
        return int(content.lc.item(part)[0]) + 1 if part in range(len(content)) else 0
    for mapping in (content, *(base for base in getattr(content, "merge", None) or ())):
        try:
            return int(mapping.lc.key(part)[0]) + 1
        except (KeyError, AttributeError, TypeError):
            continue
    return 0


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Unreadable(0, f"{path} does not exist. Run this in the folder of a lake, or name the file.") from None
    except IsADirectoryError:
        raise Unreadable(0, f"{path} is a folder. Name the file in it, such as {path / 'lake.yaml'}") from None
    except OSError as error:
        raise Unreadable(0, f"{path} cannot be read: {error.strerror or 'a disk error'}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Unreadable(line, "is not UTF-8 text. Save the file as UTF-8") from None


def _loaded(text: str) -> Any:
    yaml = _yaml()
    yaml.allow_duplicate_keys = True
    try:
        return yaml.load(text)
    except MarkedYAMLError as error:
        raise _syntax(error) from None


def _syntax(error: MarkedYAMLError) -> Unreadable:
    problem = error.problem or ""
    opened = any(words in problem for words in _OPENED)
    mark = (error.context_mark if opened else None) or error.problem_mark or error.context_mark
    return Unreadable(mark.line + 1 if mark else 1, f"not valid YAML: {_syntax_in_words(problem)}")


def _syntax_in_words(problem: str) -> str:
    for pattern, message in _SYNTAX:
        if found := re.search(pattern, problem):
            return message.format(*found.groups())
    return "this line, or the one above it, cannot be read"


def _strange(text: str, error: Exception) -> Unreadable:
    if isinstance(error, RecursionError):
        return Unreadable(1, "not valid YAML: it is nested too deeply")
    if isinstance(error, ReaderError):
        line = text[: error.position].count("\n") + 1
        return Unreadable(line, "not valid YAML: the line has a control character. Remove it")
    for node in _nodes(_yaml().compose(text)):
        if isinstance(node, ScalarNode) and not _constructs(node):
            line = node.start_mark.line + 1
            return Unreadable(line, f"not valid YAML: {node.value!r} is not a date or number. Put it in quotes")
    return Unreadable(1, "not valid YAML: a tag (`!name`) or a merge (`<<`) cannot be read")


def _constructs(node: ScalarNode) -> bool:
    try:
        _yaml().constructor.construct_object(node)
    except (YAMLError, ValueError, TypeError):
        return False
    return True


def _twice(text: str) -> list[tuple[int, str, str]]:
    """Each duplicate name in a mapping, with its second line."""
    try:
        root = _yaml().compose(text)
    except YAMLError:
        return []
    found = []
    for node in _nodes(root):
        seen: dict[str, int] = {}
        for key in _keys(node):
            line = key.start_mark.line + 1
            if key.value in seen:
                found.append(
                    (line, key.value, f"appears twice, first on line {seen[key.value]}. Remove one of the two")
                )
            seen.setdefault(key.value, line)
    return found


def _keys(node: Node) -> list[ScalarNode]:
    pairs = node.value if isinstance(node, MappingNode) else []
    return [key for key, _ in pairs if isinstance(key, ScalarNode) and key.value != "<<"]


def _nodes(root: Node | None) -> Iterator[Node]:
    """Every node once, in file order."""
    left, seen = [root] if root else [], Counter[int]()
    while left:
        node = left.pop()
        if seen[id(node)]:
            continue
        seen[id(node)] += 1
        yield node
        children: Sequence[Node] = []
        if isinstance(node, MappingNode):
            children = [part for pair in node.value for part in pair]
        elif isinstance(node, SequenceNode):
            children = node.value
        left.extend(reversed(children))

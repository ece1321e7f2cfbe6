"""LazySimpleSerDe: splits lines and nested values at delimiters. A text that is not a literal of its type is null."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_aws.athena.errors import QueryFailed
from local_aws.athena.hive_types import HiveType, parsed
from local_aws.athena.readers import texts
from local_aws.athena.readers.source import Scope, Source, value_of
from local_aws.athena.types import sql_string

_TEXTS = HiveType("array", (), (HiveType("string"),))
_DELIMITERS = "\x01\x02\x03\x04\x05\x06\x07\x08"
Read = Callable[[str], Any]


@dataclass(frozen=True)
class Marks:
    """The delimiters by level, outermost first, and the escape and null markers."""

    delimiters: str = _DELIMITERS
    escape: str = ""
    null: str = "\\N"
    last_takes_rest: bool = False
    formats: tuple[texts.FromText, ...] = ()

    def delimiter(self, level: int) -> str:
        """Return the delimiter of a level.

        Raises:
            QueryFailed: there is none.
        """
        if level < len(self.delimiters):
            return self.delimiters[level]
        raise QueryFailed(f"NOT_SUPPORTED: text has {len(self.delimiters)} delimiters, and a type needs more of them")

    def split(self, text: str, level: int, most: int = -1) -> list[str]:
        """Split a text, keeping the escapes; `most` is the maximum number of splits."""
        delimiter = self.delimiter(level)
        if not self.escape or self.escape not in text:
            return text.split(delimiter, most)
        parts, begin, at = [], 0, 0
        while at < len(text) and most:
            if text[at] == delimiter:
                parts.append(text[begin:at])
                begin, most = at + 1, most - 1
            at += 2 if text[at] == self.escape else 1
        return [*parts, text[begin:]]

    def unescaped(self, text: str) -> str:
        if not self.escape or self.escape not in text:
            return text
        kept, at = "", 0
        while at < len(text):
            at += text[at] == self.escape and at + 1 < len(text)
            kept, at = kept + text[at], at + 1
        return kept


def marks_of(options: dict[str, str]) -> Marks:
    """Read the properties of a SerDe as Hive does."""
    field = options.get("field.delim") or options.get("serialization.format") or "1"
    item = options.get("collection.delim") or options.get("colelction.delim") or "2"  # Hive's own spelling.
    first = [_character(field), _character(item), _character(options.get("mapkey.delim") or "3")]
    return Marks(
        "".join(first) + _DELIMITERS[len(first) :],
        _character(options["escape.delim"]) if options.get("escape.delim") else "",
        options.get("serialization.null.format", "\\N"),
        options.get("serialization.last.column.takes.rest", "").lower() == "true",
        tuple(texts.java_formats(options.get("timestamp.formats", ""))),
    )


def _character(text: str) -> str:
    r"""Return a delimiter given as the number of a byte or as a character; `\t` is a tab."""
    text = text.replace("\\t", "\t")
    return chr(int(text)) if text.isdecimal() and int(text) < 128 else text[0]


def sources(scope: Scope) -> list[Source]:
    """Return the rows of a table's files.

    Raises:
        QueryFailed: for a type that text cannot hold.
    """
    marks, columns = marks_of(scope.options), scope.table.columns
    most = len(columns) - 1 if marks.last_takes_rest else -1
    parts = f"str_split(line, {sql_string(marks.delimiters[0])})"
    if marks.escape or marks.last_takes_rest:
        split = scope.function("split", lambda line: marks.split(line, 0, most), 1, _TEXTS, once=True)
        is_odd = f"contains(line, {sql_string(marks.escape)})" if marks.escape and most < 0 else "true"
        parts = f"CASE WHEN {is_odd} THEN {split}(line) ELSE {parts} END"
    sql = f"SELECT filename, {parts} AS parts FROM ({scope.lines('lines', scope.files)})"
    return [Source(sql, [_value(scope, marks, number) for number in range(len(columns))])]


def _value(scope: Scope, marks: Marks, number: int) -> str:
    kind, part = parsed(scope.table.columns[number].type), f"f.parts[{number + 1}]"
    convert = nullable(kind, marks, 1)
    if kind.name == "string" and not marks.escape:
        return f"nullif({part}, {sql_string(marks.null)})"
    text = f"nullif({part}, {sql_string(marks.null)})"
    text = f"nullif({text}, '')" if kind.range is not None else text  # A blank number is null; there are many.
    only = f"NOT contains({part}, {sql_string(marks.escape)})" if marks.escape else "true"
    only = "false" if kind.name == "timestamp" and marks.formats else only
    return value_of(scope, number, kind, text, lambda text, path: None if text is None else convert(text), only)


def nullable(kind: HiveType, marks: Marks, level: int) -> Read:
    """Return the conversion of a value's text; `level` is that of the delimiter between its own parts."""
    convert = _converter(kind, marks, level)

    def read(text: str) -> Any:
        if text == marks.null:
            return None
        try:
            return convert(text)
        except (ValueError, ArithmeticError):
            return None

    return read


def _converter(kind: HiveType, marks: Marks, level: int) -> Read:
    if kind.name == "array":
        item = nullable(kind.children[0], marks, level + 1)
        return lambda text: [item(part) for part in marks.split(text, level)] if text else []
    if kind.name == "map":
        return _map(kind, marks, level)
    if kind.name == "struct":
        fields = [(name, nullable(child, marks, level + 1)) for name, child in kind.fields]
        return lambda text: {
            name: read(part) for (name, read), part in zip(fields, marks.split(text, level), strict=False)
        }
    convert = texts.from_text(kind, marks.formats)
    return lambda text: convert(marks.unescaped(text))


def _map(kind: HiveType, marks: Marks, level: int) -> Read:
    key, value = (nullable(child, marks, level + 2) for child in kind.children)

    def read(text: str) -> list[tuple[Any, Any]]:
        found: dict[Any, Any] = {}
        for entry in marks.split(text, level) if text else []:
            name, *rest = marks.split(entry, level + 1, 1)
            found.setdefault(key(name), value(rest[0]) if rest else None)
        return [(name, item) for name, item in found.items() if name is not None]

    return read

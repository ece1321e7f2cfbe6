"""Parses lines of CSV into rows, as the table's SerDe does: OpenCSVSerde or LazySimpleSerDe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrameReader
from pyspark.sql.types import StringType, StructType

from lake_etl.catalog import Table
from lake_etl.errors import JobError
from lake_etl.values import NOT_UTF8, misfit, text, unfit, value

NOWHERE, QUOTE, NULL = "\ufdd0", "\ufdd1", "\ufdd2"  # noncharacters: no valid text has them
ESCAPE, SEPARATOR = "\ufdd3", "\ufdd4"  # placeholders for escaped characters while a line is split
LEVELS = "\x01\x02\x03\x04\x05\x06\x07\x08"  # Hive's separators, from the columns inward
RAGGED = "_lake_ragged"
BLANK = r"^[\x00-\x20]+$"  # a line that Spark's CSV reader drops, and one without a character
OPEN = "a quote on the line is not closed"
MOST_FIELDS = "100000"
MULTILINE = "lake.multiline"  # table parameter: a line end within quotes does not end a record


@dataclass(frozen=True)
class Dialect:
    """The CSV dialect that the SerDe's settings define. quote is empty if quotes have no meaning."""

    separator: str
    quote: str
    escape: str
    null: str
    levels: str
    header: bool
    encoding: str
    multiline: bool = False

    @classmethod
    def of(cls, dataset: str, given: Mapping[str, str], quotes: bool) -> Dialect:
        """Read the dialect from the parameters of SerDe and table.

        Raises JobError for a header of several lines, and for multi-line records that are not UTF-8.
        """
        header, encoding = int(given.get("skip.header.line.count", "0")), given.get("serialization.encoding", "UTF-8")
        if header > 1:
            raise JobError(f"dataset {dataset}: skip.header.line.count is {header}. Jobs read files with 0 or 1")
        multiline = quotes and given.get(MULTILINE) == "true"
        if multiline and encoding.lower() not in ("utf-8", "utf8"):
            raise JobError(f"dataset {dataset}: csv.multiline reads files of UTF-8. The table's are {encoding}")
        if quotes:
            separator, quote = given.get("separatorChar", ","), given.get("quoteChar", '"')
            escape = given.get("escapeChar", "\\").replace('"', "\\")  # Hive takes a quote for its default
            return cls(separator, quote, escape, NULL, "", header == 1, encoding, multiline)
        separator = given.get("field.delim") or given.get("delimiter") or given.get("serialization.format") or LEVELS[0]
        item = given.get("collection.delim") or given.get("colelction.delim") or LEVELS[1]
        levels = _delimiter(item) + _delimiter(given.get("mapkey.delim") or LEVELS[2]) + LEVELS[3:]
        null, escape = given.get("serialization.null.format", "\\N"), given.get("escape.delim", "")
        return cls(_delimiter(separator), "", escape, null, levels, header == 1, encoding)


def with_multiline(table: Table) -> Table:
    """Return the table with multi-line records enabled."""
    return replace(table, parameters={**table.parameters, MULTILINE: "true"})


def _delimiter(written: str) -> str:
    r"""Return a delimiter that is written as the number of a byte or as a character; `\t` is a tab."""
    return chr(int(written)) if written.isdecimal() and int(written) < 128 else written.replace("\\t", "\t")[0]


def lines(reader: DataFrameReader, dialect: Dialect) -> DataFrameReader:
    """Return a reader of lines, in a column `value`, without each file's header and without blank lines.

    Only Spark's CSV reader skips headers, so it reads the file as a CSV of one column that takes the whole line.
    """
    ends = {"sep": NOWHERE, "quote": QUOTE, "escape": QUOTE, "nullValue": NULL}
    return reader.schema("value string").options(header=str(dialect.header), encoding=dialect.encoding, **ends)


def records(content: str, dialect: Dialect) -> str:
    """Return SQL for the records of a whole file. A line end within quotes does not end a record; after an unclosed
    quote, the rest of the file is one record.
    """
    quote, escape = _mark(dialect.quote), "" if dialect.escape in ("", dialect.quote) else _mark(dialect.escape)
    escaped = f"|{escape}[{quote}{escape}]?+" if escape else ""
    inside = f"{quote}(?:[^{quote}{escape}]++{escaped})*+(?:{quote}|\\z)"
    record = f"(?:[^{quote}{escape}\n]++{escaped}|{inside})++"
    parts = f"regexp_extract_all({_unmarked(content, dialect)}, {text(record)}, 0)"
    return _filled(f"transform({parts}, r -> trim(TRAILING '\r' FROM r))", dialect)


def whole_lines(content: str, dialect: Dialect) -> str:
    """Return SQL for the lines of a whole file, without its header and without empty lines."""
    return _filled(f"split({_unmarked(content, dialect)}, '\r\n|\n|\r')", dialect)


def decoded(content: str, dialect: Dialect) -> str:
    """Return SQL for a text that Spark has read as bytes of the dialect's encoding."""
    return f"decode(CAST({content} AS binary), {text(dialect.encoding)})"


def _unmarked(content: str, dialect: Dialect) -> str:
    """Return SQL for a decoded text without its byte order mark."""
    plain = decoded(content, dialect)
    return f"IF(startswith({plain}, '\ufeff'), substr({plain}, 2), {plain})"


def _filled(records: str, dialect: Dialect) -> str:
    found = f"filter({records}, r -> r <> '')"
    return f"slice({found}, 2, greatest(size({found}) - 1, 0))" if dialect.header else found


def _mark(of: str) -> str:
    """Escape a character for use in a regular expression, inside or outside of brackets."""
    return of if of.isalnum() or of.isspace() else f"\\{of}"


@dataclass(frozen=True)
class CsvRows:
    """The rows of files with one row per line. schema: the table's columns, without partition keys."""

    schema: StructType
    dialect: Dialect

    def fields(self, line: str) -> str:
        """Return SQL for the texts of a line: one per column, or another number if the line is ragged."""
        if not self.dialect.quote:
            return self._split(line)
        columns = [f"c{place} string" for place in range(len(self.schema.fields))]
        schema = ", ".join([*columns, f"{RAGGED} string"])
        options = {"sep": self.dialect.separator, "quote": self.dialect.quote, "escape": self.dialect.quote}
        options |= {"nullValue": NULL, "columnNameOfCorruptRecord": RAGGED, "maxColumns": MOST_FIELDS}
        options |= {"multiLine": "true"} if self.dialect.multiline else {}
        given = ", ".join(f"{text(name)}, {text(option)}" for name, option in options.items())
        texts = ", ".join(f"coalesce(r.c{place}, '')" for place in range(len(columns)))
        found = f"from_csv({self._doubled(line)}, {text(schema)}, map({given}))"
        return f"transform(array({found}), r -> IF(r.{RAGGED} IS NULL, array({texts}), array()))[0]"

    def _doubled(self, line: str) -> str:
        """Return SQL for a line in which quotes are escaped only by doubling. An escape of nothing is dropped."""
        quote, escape = self.dialect.quote, self.dialect.escape
        if escape in ("", quote):
            return line
        found = f"{re.escape(escape)}(?:({re.escape(quote)})|({re.escape(escape)}))?"
        return f"regexp_replace({line}, {text(found)}, '$1$1$2')"

    def _split(self, line: str) -> str:
        separator, escape = self.dialect.separator, self.dialect.escape
        if not escape:
            return f"split({line}, {text(_literal(separator))}, -1)"
        hidden = f"replace(replace({line}, {text(escape * 2)}, '{ESCAPE}'), {text(escape + separator)}, '{SEPARATOR}')"
        return f"split({hidden}, {text(_literal(separator))}, -1)"

    def columns(self, fields: str) -> Iterator[tuple[str, str]]:
        """Yield each column's name and the SQL of its value, taken from the texts of a line."""
        for place, field in enumerate(self.schema.fields):
            yield field.name, value(field.dataType, self._text(fields, place, field.dataType), self._nesting)

    def reason(self, line: str, fields: str) -> str:
        """Return SQL for what is wrong with a line that was split into texts; null if nothing is."""
        number = len(self.schema.fields)
        ragged = f"WHEN size({fields}) <> {number} THEN 'the row does not have {number} fields'"
        return f"CASE {self._open(line)} {ragged} {' '.join(self._misfits(fields))} END"

    def _open(self, line: str) -> str:
        found = f"WHEN instr({line}, '\ufffd') > 0 THEN {text(NOT_UTF8)}"
        if not self.dialect.quote:
            return found
        plain = self._doubled(line)
        quotes = f"length({plain}) - length(replace({plain}, {text(self.dialect.quote)}, ''))"
        return f"{found} WHEN ({quotes}) % 2 = 1 THEN {text(OPEN)}"

    def _misfits(self, fields: str) -> Iterator[str]:
        for place, field in enumerate(self.schema.fields):
            x = self._text(fields, place, field.dataType)
            if (wrong := misfit(field.dataType, x, self._nesting)) != "false":
                yield f"WHEN {wrong} THEN {unfit(field.name, field.dataType, x)}"

    def _text(self, fields: str, place: int, type_: object) -> str:
        """Return SQL for a column's text; null for the null marker and, unless the type is text, for a blank."""
        x = self._nesting.unescaped(f"get({fields}, {place})")
        return x if isinstance(type_, StringType) else f"nullif(trim({x}), '')"

    @property
    def _nesting(self) -> TextNesting:
        return TextNesting(self.dialect)


@dataclass(frozen=True)
class TextNesting:
    """Nested values in the text of LazySimpleSerDe, with one separator per level. OpenCSVSerde has none."""

    dialect: Dialect

    def elements(self, x: str, level: int) -> str:
        separator, part = text(_literal(self.dialect.levels[level])), f"t{level}"
        parts = f"transform(split({x}, {separator}, -1), {part} -> nullif({part}, {text(self.dialect.null)}))"
        return f"IF({x} = '', array(), {parts})"

    def entries(self, x: str, level: int) -> str:
        """Return SQL for the parts of a map or struct, each with key, value and whole."""
        mark, q = text(self.dialect.levels[level + 1]), f"q{level}"
        after = f"IF(instr({q}, {mark}) > 0, substr({q}, instr({q}, {mark}) + 1), NULL)"
        part = f"struct(substring_index({q}, {mark}, 1) AS key, {after} AS value, {q} AS whole)"
        return f"transform({self.elements(x, level)}, {q} -> {part})"

    def field(self, entries: str, name: str, place: int) -> str:
        return f"get({entries}, {place}).whole"

    def number(self, type_: str, x: str) -> str:
        """OpenCSVSerde stores dates as days and timestamps as milliseconds since 1970; LazySimpleSerDe does neither."""
        if not self.dialect.quote:
            return "NULL"
        number = f"try_cast({x} AS bigint)"
        days = f"date_add(DATE'1970-01-01', try_cast({x} AS int))"
        return days if type_ == "date" else f"CAST(timestamp_millis({number}) AS {type_})"

    def plain(self, x: str) -> str:
        return x

    def floating(self, x: str) -> str:
        return x

    def unescaped(self, x: str) -> str:
        """Return SQL for a text of the line with its escapes removed; null for the null marker."""
        if self.dialect.quote:
            return x
        found = f"nullif({x}, {text(self.dialect.null)})"
        if not (escape := self.dialect.escape):
            return found
        plain = f"regexp_replace({found}, {text(re.escape(escape) + '(.)')}, '$1')"
        return f"replace(replace({plain}, '{SEPARATOR}', {text(self.dialect.separator)}), '{ESCAPE}', {text(escape)})"


NO_NESTING = TextNesting(Dialect("", "", "", NULL, LEVELS, False, ""))


def _literal(of: str) -> str:
    """Return a regular expression that matches just this text, written the same in both languages."""
    return "".join(f"[{letter}]" if letter not in "^\\[]" else "\\" + letter for letter in of)

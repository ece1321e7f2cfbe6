"""Lines of CSV as rows, as the table's SerDe takes them apart: OpenCSVSerde or LazySimpleSerDe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pyspark.sql import DataFrameReader
from pyspark.sql.types import StringType, StructType

from lake_etl.catalog import Table
from lake_etl.errors import JobError
from lake_etl.values import NOT_UTF8, misfit, text, unfit, value

NOWHERE, QUOTE, NULL = "\ufdd0", "\ufdd1", "\ufdd2"  # code points that no text may have
ESCAPE, SEPARATOR = "\ufdd3", "\ufdd4"  # they stand for what is escaped, while a line is split
LEVELS = "\x01\x02\x03\x04\x05\x06\x07\x08"  # Hive's separators, from the columns inward
RAGGED = "_lake_ragged"
OPEN = "a quote on the line is not closed"
MOST_FIELDS = "100000"
MULTILINE = "lake.multiline"  # of a table: a line end within quotes ends no record


@dataclass(frozen=True)
class Dialect:
    """How the SerDe's settings say that a line is written. quote is empty where quotes mean nothing."""

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
        """Of the parameters of SerDe and table.

        Raises JobError for a header of several lines, and for files of several lines a record that are not UTF-8.
        """
        header, encoding = int(given.get("skip.header.line.count", "0")), given.get("serialization.encoding", "UTF-8")
        if header > 1:
            raise JobError(f"dataset {dataset}: skip.header.line.count is {header}. Jobs read files with 0 or 1")
        multiline = quotes and given.get(MULTILINE) == "true"
        if multiline and encoding.lower() not in ("utf-8", "utf8"):
            raise JobError(f"dataset {dataset}: csv.multiline reads files of UTF-8. The table's are {encoding}")
        if quotes:
            separator, quote = given.get("separatorChar", ","), given.get("quoteChar", '"')
            escape = given.get("escapeChar", "\\")
            return cls(separator, quote, escape, NULL, "", header == 1, encoding, multiline)
        inner = given.get("collection.delim") or given.get("colelction.delim") or LEVELS[1]
        levels = inner + (given.get("mapkey.delim") or LEVELS[2]) + LEVELS[3:]
        null, escape = given.get("serialization.null.format", "\\N"), given.get("escape.delim", "")
        return cls(_delimiter(given), "", escape, null, levels, header == 1, encoding)


def with_multiline(table: Table) -> Table:
    """The table of a dataset whose records may have several lines."""
    return replace(table, parameters={**table.parameters, MULTILINE: "true"})


def _delimiter(given: Mapping[str, str]) -> str:
    found = given.get("field.delim") or given.get("delimiter") or given.get("serialization.format") or LEVELS[0]
    return chr(int(found)) if found.isdigit() and len(found) < 3 else found.replace("\\t", "\t")


def lines(reader: DataFrameReader, dialect: Dialect) -> DataFrameReader:
    """A reader of lines, in a column `value`, without each file's header. Blank lines are none.

    Only Spark's reader of CSV leaves headers out. So it reads a CSV of one column, which takes the whole line.
    """
    ends = {"sep": NOWHERE, "quote": QUOTE, "escape": QUOTE, "nullValue": NULL}
    return reader.schema("value string").options(header=str(dialect.header), encoding=dialect.encoding, **ends)


def records(content: str, dialect: Dialect) -> str:
    """SQL of the records of a whole file. A line end within quotes ends none; after a quote that is never closed,
    the rest of the file is one.
    """
    quote, escape = _mark(dialect.quote), "" if dialect.escape in ("", dialect.quote) else _mark(dialect.escape)
    escaped = f"|{escape}[{quote}{escape}]?+" if escape else ""
    inside = f"{quote}(?:[^{quote}{escape}]++{escaped})*+(?:{quote}|\\z)"
    record = f"(?:[^{quote}{escape}\n]++{escaped}|{inside})++"
    decoded = f"decode(CAST({content} AS binary), 'UTF-8')"
    plain = f"IF(startswith({decoded}, '\ufeff'), substr({decoded}, 2), {decoded})"
    lines_ = f"transform(regexp_extract_all({plain}, {text(record)}, 0), r -> trim(TRAILING '\r' FROM r))"
    found = f"filter({lines_}, r -> r <> '')"
    return f"slice({found}, 2, greatest(size({found}) - 1, 0))" if dialect.header else found


def _mark(of: str) -> str:
    """A character within a regular expression, in brackets too."""
    return of if of.isalnum() or of.isspace() else f"\\{of}"


@dataclass(frozen=True)
class CsvRows:
    """The rows of files that hold a row a line. schema: the table's columns, without partition keys."""

    schema: StructType
    dialect: Dialect

    def fields(self, line: str) -> str:
        """SQL of the texts of a line: one a column, or another number in a line that is ragged."""
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
        """SQL of a line whose quotes are escaped by being doubled alone. An escape of nothing is dropped."""
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
        """Each column's name and the SQL of its value, of the texts of a line."""
        for place, field in enumerate(self.schema.fields):
            yield field.name, value(field.dataType, self._text(fields, place, field.dataType), self._nesting)

    def reason(self, line: str, fields: str) -> str:
        """SQL of what is wrong with a line, whose texts are there; null where nothing is."""
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
        """SQL of a column's text; null for what says so, and of other types than text, for a blank."""
        x = self._nesting.unescaped(f"get({fields}, {place})")
        return x if isinstance(type_, StringType) else f"nullif(trim({x}), '')"

    @property
    def _nesting(self) -> TextNesting:
        return TextNesting(self.dialect)


@dataclass(frozen=True)
class TextNesting:
    """Nested values in LazySimpleSerDe's text, with a separator for each level. OpenCSVSerde has none."""

    dialect: Dialect

    def elements(self, x: str, level: int) -> str:
        separator, part = text(_literal(self.dialect.levels[level])), f"t{level}"
        parts = f"transform(split({x}, {separator}, -1), {part} -> nullif({part}, {text(self.dialect.null)}))"
        return f"IF({x} = '', array(), {parts})"

    def entries(self, x: str, level: int) -> str:
        """The parts of a map or struct, each as key, value and whole."""
        mark, q = text(self.dialect.levels[level + 1]), f"q{level}"
        after = f"IF(instr({q}, {mark}) > 0, substr({q}, instr({q}, {mark}) + 1), NULL)"
        part = f"struct(substring_index({q}, {mark}, 1) AS key, {after} AS value, {q} AS whole)"
        return f"transform({self.elements(x, level)}, {q} -> {part})"

    def field(self, entries: str, name: str, place: int) -> str:
        return f"get({entries}, {place}).whole"

    def number(self, type_: str, x: str) -> str:
        """OpenCSVSerde has dates as days and timestamps as milliseconds since 1970; LazySimpleSerDe as neither."""
        if not self.dialect.quote:
            return "NULL"
        number = f"try_cast({x} AS bigint)"
        days = f"date_add(DATE'1970-01-01', try_cast({x} AS int))"
        return days if type_ == "date" else f"CAST(timestamp_millis({number}) AS {type_})"

    def plain(self, x: str) -> str:
        return x

    def unescaped(self, x: str) -> str:
        """SQL of a text of the line without what escapes in it; null for the text that says so."""
        if self.dialect.quote:
            return x
        found = f"nullif({x}, {text(self.dialect.null)})"
        if not (escape := self.dialect.escape):
            return found
        plain = f"regexp_replace({found}, {text(re.escape(escape) + '(.)')}, '$1')"
        return f"replace(replace({plain}, '{SEPARATOR}', {text(self.dialect.separator)}), '{ESCAPE}', {text(escape)})"


NO_NESTING = TextNesting(Dialect("", "", "", NULL, LEVELS, False, ""))


def _literal(of: str) -> str:
    """A regular expression of just this text, which both languages write alike."""
    return "".join(f"[{letter}]" if letter not in "^\\[]" else "\\" + letter for letter in of)

"""Properties of SerDes and tables that affect values: those that are honoured and those that are refused."""

from __future__ import annotations

from dataclasses import dataclass

from local_aws.athena.errors import QueryFailed
from local_aws.athena.tables import Table

HONOURED, IGNORED, REFUSED = "honoured", "ignored", "refused"
_TEXT = ("text", "opencsv", "regex", "json")
NAMES = {
    "json": "JSON (OpenX, Hive)",
    "opencsv": "OpenCSVSerde",
    "orc": "ORC",
    "parquet": "Parquet",
    "regex": "RegexSerDe",
    "text": "LazySimpleSerDe",
}
"""The display names of the formats."""


@dataclass(frozen=True)
class Option:
    """A property. `usual` values have no effect and are never refused; a trailing `*` in the name matches a family."""

    name: str
    formats: tuple[str, ...]
    verdict: str
    about: str
    usual: tuple[str, ...] = ()

    def names(self, name: str) -> bool:
        return name.startswith(self.name[:-1]) if self.name.endswith("*") else name == self.name


_NO = ("", "false")
OPTIONS = [
    Option("skip.header.line.count", _TEXT, HONOURED, "lines to skip at the start of each file"),
    Option("skip.footer.line.count", _TEXT, REFUSED, "lines to skip at the end of each file", ("", "0")),
    Option("serialization.encoding", _TEXT, HONOURED, "the charset of the files; UTF-8 if not given"),
    Option("line.delim", _TEXT, REFUSED, "lines end with LF or CRLF", ("", "\n", "\\n", "10")),
    Option("textinputformat.record.delimiter", _TEXT, REFUSED, "lines end with LF or CRLF", ("", "\n", "\\n")),
    Option("use.null.for.invalid.data", ("opencsv",), HONOURED, "null for a text that does not fit its column's type"),
    Option("separatorChar", ("opencsv",), HONOURED, "between cells; a comma if not given"),
    Option("quoteChar", ("opencsv",), HONOURED, "around cells; a double quote if not given"),
    Option("escapeChar", ("opencsv",), HONOURED, "before a quote or itself; a backslash if not given"),
    Option("field.delim", ("text",), HONOURED, "between columns: a character, or the number of a byte"),
    Option("serialization.format", ("text",), HONOURED, "between columns, where `field.delim` is not given"),
    Option("collection.delim", ("text",), HONOURED, "between the items of an array, a struct or a map"),
    Option("colelction.delim", ("text",), HONOURED, "the same, as Hive spells it"),
    Option("mapkey.delim", ("text",), HONOURED, "between a key and its value"),
    Option("escape.delim", ("text",), HONOURED, "before a delimiter that is text"),
    Option("serialization.null.format", ("text",), HONOURED, r"the text that is null; `\N` if not given"),
    Option("serialization.last.column.takes.rest", ("text",), HONOURED, "the last column has the rest of the line"),
    Option("serialization.escape.crlf", ("text",), REFUSED, "escaped line ends", _NO),
    Option("hive.lazysimple.extended_boolean_literal", ("text",), REFUSED, "more words for true and false", _NO),
    Option("timestamp.formats", ("text", "json"), HONOURED, "patterns of timestamps, before the usual one"),
    Option("input.regex", ("regex",), HONOURED, "a pattern with a group for each column"),
    Option("input.regex.case.insensitive", ("regex",), HONOURED, "letters match in either case"),
    Option("output.format.string", ("regex",), IGNORED, "only for writing"),
    Option("ignore.malformed.json", ("json",), HONOURED, "OpenX: a line that is no object is a row of nulls"),
    Option("dots.in.keys", ("json",), HONOURED, "OpenX: a dot in a key is an underscore in its name"),
    Option("case.insensitive", ("json",), HONOURED, "OpenX: `false` compares keys as they are spelled"),
    Option("mapping.*", ("json",), HONOURED, "OpenX: the key from which a field is read"),
    Option("explicit.null", ("json",), IGNORED, "only for writing"),
    Option("paths", ("json",), IGNORED, "written by crawlers"),
    Option("parquet.column.index.access", ("parquet",), REFUSED, "columns by position", _NO),
    Option("orc.column.index.access", ("orc",), HONOURED, "columns by position; `false` takes them by name"),
]
_OPENX_ONLY = ("ignore.malformed.json", "dots.in.keys", "case.insensitive", "mapping.")


def refuse_options(table: Table) -> None:
    """Raises QueryFailed for a property that is not honoured here and would change values."""
    given = {**table.parameters, **(table.serde.get("Parameters") or {})}
    library = table.serde.get("SerializationLibrary", "")
    is_hive_json = table.format == "json" and "openx" not in library.lower()
    for name, value in given.items():
        found = [o for o in OPTIONS if o.verdict == REFUSED and table.format in o.formats and o.names(name)]
        if found and value.lower() not in found[0].usual:
            raise _refused(table, name, value, found[0].about)
        if is_hive_json and name.startswith(_OPENX_ONLY) and value.lower() not in _NO:
            raise _refused(table, name, value, "the SerDe org.openx.data.jsonserde.JsonSerDe has it")


def _refused(table: Table, name: str, value: str, about: str) -> QueryFailed:
    return QueryFailed(
        f"NOT_SUPPORTED: the property {name} = {value!r} of table {table.database}.{table.name} is not honoured here "
        f"and would change values ({about}); take it away to read the table without it"
    )


def rows() -> list[str]:
    """Return the rows of the table in the documentation."""
    lines = ["| property | SerDe | here | |", "|---|---|---|---|"]
    for option in OPTIONS:
        serdes = ", ".join(NAMES[name] for name in option.formats)
        lines.append(f"| `{option.name}` | {serdes} | {option.verdict} | {option.about} |")
    return lines

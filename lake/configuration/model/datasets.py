"""The input of a lake: files, and tables of databases."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from lake.configuration.model.base import CRON, DATABASE_TABLE, JSON_PATH, ColumnType, DeclaredType, Model, Name


class Crawl(Model):
    schedule: Annotated[str, Field(pattern=CRON)] | None = None
    """When the crawler runs, as `cron(...)` with AWS's six fields in UTC. Without it, on demand only."""
    stale_hours: Annotated[int, Field(ge=1, le=168)] | None = None
    """An alarm goes off when no crawl has succeeded for so long. AWS looks back 7 days at most."""
    recrawl: Literal["everything", "new_folders", "events"] = "everything"
    """What a later crawl reads: everything, new folders, or the folders in which S3 reported changes (`events`)."""
    on_update: Literal["update", "log"] = "update"
    """When files have other columns than the table: `update` the table, or only `log` it."""
    on_delete: Literal["deprecate", "delete", "log"] = "deprecate"
    """When files are gone: mark the table as deprecated, delete the table or partition, or only `log` it."""


class CsvFormat(Model):
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The character between two values."""
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    """The character around a value that contains the delimiter."""
    header: bool = True
    """Whether the first line of each file names the columns."""
    serde: Literal["OpenCSVSerDe", "LazySimpleSerDe", "None"] = "OpenCSVSerDe"
    """The table's SerDe. `LazySimpleSerDe` ignores quotes. With `None`, the crawler chooses."""
    multiline: bool = False
    """To jobs, a line end within quotes is part of the value; each file is read whole. To Athena, it ends the row."""


class JsonFormat(Model):
    path: Annotated[str, Field(pattern=JSON_PATH)]
    """Where the records are, such as `$.records[*]`, if files are not one object a line. Athena cannot read those."""


class GrokFormat(Model):
    pattern: Annotated[str, Field(min_length=1, max_length=2048)]
    """The grok pattern of a line, such as `%{IP:client} %{WORD:method}`."""
    custom_patterns: str | None = None
    """One pattern a line: a name, a space, a regular expression."""
    classification: str | None = None
    """The table's classification. Without it, the dataset's name."""


class XmlFormat(Model):
    row_tag: Annotated[str, Field(min_length=1)]
    """The element of a row. It must not be self-closing."""


class Projection(Model):
    """How Athena computes the values of a partition key. The settings are Athena's."""

    type: Literal["integer", "enum", "date", "injected"]
    """The kind of values. `injected`: every query has to name the value."""
    range: Annotated[list[int | str], Field(min_length=2, max_length=2)] | None = None
    """First and last value, such as `[2010, 2030]` or `[2024-01-01, NOW]`."""
    values: Annotated[list[str], Field(min_length=1)] | None = None
    """The values of an enum."""
    format: str | None = None
    """Format of a date, such as `yyyy-MM-dd`."""
    interval: Annotated[int, Field(ge=1)] | None = None
    """The step from one value to the next. Without it, 1."""
    interval_unit: Literal["YEARS", "MONTHS", "WEEKS", "DAYS", "HOURS", "MINUTES", "SECONDS"] | None = None
    """Of a date: the unit of `interval`. Required where `format` is finer than a day."""
    digits: Annotated[int, Field(ge=1)] | None = None
    """Width to which integers are padded with zeros."""

    @field_validator("range", mode="before")
    @classmethod
    def _dates_as_text(cls, given: Any) -> Any:
        return [str(end) if isinstance(end, date) else end for end in given] if isinstance(given, list) else given


class PartitionIndex(Model):
    keys: Annotated[list[Name], Field(min_length=1)]
    """The partition keys to index, in this order."""


class Dataset(Model):
    zone: Literal["raw", "curated"] = "raw"
    """The zone of its folder and its table. `curated` is for files that jobs write beside their tables."""
    format: Literal["csv", "json", "parquet", "grok", "xml", "jdbc"]
    """The format of its files, or `jdbc` for a table of a database."""
    connection: Name | None = None
    """The connection to its database. Only of a jdbc dataset."""
    table: Annotated[str, Field(pattern=DATABASE_TABLE)] | None = None
    """The table in the database, as `schema.table`. Only of a jdbc dataset."""
    catalog: Literal["crawled", "projected", "declared"] = "crawled"
    """A crawler finds the table, or `columns` gives it. Partitions: computed by Athena, or registered by `lake put`."""
    partitions: list[Name] | dict[Name, ColumnType] = []
    """The keys of its `key=value` folders, outermost first. Of a table that is not crawled, with their types."""
    columns: list[Name] | dict[Name, DeclaredType] = []
    """`{name: type}` of a table that is not crawled. Of a crawled CSV table without a header: the names."""
    projection: dict[Name, Projection] = {}
    """The values of each partition key. Only of a projected table."""
    partition_index: bool | PartitionIndex = True
    """An index over all partition keys, or those given. It speeds up queries on tables with many partitions."""
    csv: CsvFormat = CsvFormat()
    """How its CSV files are written."""
    json_: JsonFormat | None = Field(None, alias="json")
    """The JSON classifier, if its files are not one object a line."""
    grok: GrokFormat | None = None
    """The grok classifier. Required for the format grok. The embedded AWS cannot run it."""
    xml: XmlFormat | None = None
    """The XML classifier. Required for the format xml. The embedded AWS cannot run it."""
    crawl: Crawl = Crawl()
    """When its crawler runs, and what it does with changes. Only of a crawled table."""

    @property
    def in_database(self) -> bool:
        """Whether it is a table of a database, and not files."""
        return self.format == "jdbc"

    @property
    def keys(self) -> dict[str, str]:
        """Partition key: its type; a string where none is given."""
        given = self.partitions
        return given if isinstance(given, dict) else dict.fromkeys(given, "string")

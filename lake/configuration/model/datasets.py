"""The input of a lake: files and database tables."""

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
    """If the files' columns differ from the table's: `update` the table, or only `log` the difference."""
    on_delete: Literal["deprecate", "delete", "log"] = "deprecate"
    """If files were deleted: mark the table as deprecated, delete the table or partition, or only `log` it."""


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
    """Jobs keep a line break within quotes in the value, and do not split files. For Athena, it ends the row."""


class JsonFormat(Model):
    path: Annotated[str, Field(pattern=JSON_PATH)]
    """The path of the records, such as `$.records[*]`, if files are not JSON lines. Athena cannot read such files."""


class GrokFormat(Model):
    pattern: Annotated[str, Field(min_length=1, max_length=2048)]
    """The grok pattern that matches a line, such as `%{IP:client} %{WORD:method}`."""
    custom_patterns: str | None = None
    """One pattern per line: a name, a space, a regular expression."""
    classification: str | None = None
    """The table's classification. Without it, the dataset's name."""


class XmlFormat(Model):
    row_tag: Annotated[str, Field(min_length=1)]
    """The XML element that is a row. It must not be self-closing."""


class Projection(Model):
    """How Athena computes the values of a partition key. The settings are those of partition projection."""

    type: Literal["integer", "enum", "date", "injected"]
    """The type of projection. `injected`: every query must give the value."""
    range: Annotated[list[int | str], Field(min_length=2, max_length=2)] | None = None
    """The first and last value, such as `[2010, 2030]` or `[2024-01-01, NOW]`."""
    values: Annotated[list[str], Field(min_length=1)] | None = None
    """The values of an `enum`."""
    format: str | None = None
    """The date format, such as `yyyy-MM-dd`."""
    interval: Annotated[int, Field(ge=1)] | None = None
    """The step from one value to the next. Default: 1."""
    interval_unit: Literal["YEARS", "MONTHS", "WEEKS", "DAYS", "HOURS", "MINUTES", "SECONDS"] | None = None
    """The unit of `interval` for dates. Required if `format` is finer than a day."""
    digits: Annotated[int, Field(ge=1)] | None = None
    """The width to which integers are padded with zeros."""

    @field_validator("range", mode="before")
    @classmethod
    def _dates_as_text(cls, given: Any) -> Any:
        return [str(end) if isinstance(end, date) else end for end in given] if isinstance(given, list) else given


class PartitionIndex(Model):
    keys: Annotated[list[Name], Field(min_length=1)]
    """The partition keys to index, in this order."""


class Dataset(Model):
    zone: Literal["raw", "curated"] = "raw"
    """The zone of the folder and the table. `curated` is for files that jobs write in addition to their tables."""
    format: Literal["csv", "json", "parquet", "grok", "xml", "jdbc"]
    """The file format, or `jdbc` for a database table."""
    connection: Name | None = None
    """The connection to the database. Only for a jdbc dataset."""
    table: Annotated[str, Field(pattern=DATABASE_TABLE)] | None = None
    """The table in the database, as `schema.table`. Only for a jdbc dataset."""
    catalog: Literal["crawled", "projected", "declared"] = "crawled"
    """`crawled`: a crawler finds the table. The others need `columns`; Athena or `lake put` provides the partitions."""
    partitions: list[Name] | dict[Name, ColumnType] = []
    """The keys of the `key=value` folders, outermost first. With their types if the table is not crawled."""
    columns: list[Name] | dict[Name, DeclaredType] = []
    """`{name: type}` if the table is not crawled. For a crawled CSV table without a header, the names."""
    projection: dict[Name, Projection] = {}
    """The values of each partition key. Only for a projected table."""
    partition_index: bool | PartitionIndex = True
    """An index on all partition keys, or on the given ones. It speeds up queries on tables with many partitions."""
    csv: CsvFormat = CsvFormat()
    """The CSV dialect of the files."""
    json_: JsonFormat | None = Field(None, alias="json")
    """The JSON classifier, if the files are not JSON lines."""
    grok: GrokFormat | None = None
    """The grok classifier. Required for the grok format. The embedded AWS cannot run it."""
    xml: XmlFormat | None = None
    """The XML classifier. Required for the xml format. The embedded AWS cannot run it."""
    crawl: Crawl = Crawl()
    """When the crawler runs, and how it handles changes. Only for a crawled table."""

    @property
    def in_database(self) -> bool:
        """Whether the dataset is a database table rather than files."""
        return self.format == "jdbc"

    @property
    def keys(self) -> dict[str, str]:
        """Partition key -> type; `string` if none is given."""
        given = self.partitions
        return given if isinstance(given, dict) else dict.fromkeys(given, "string")

"""What lake.yaml may say: its fields, their types, and what each allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

PROJECT = r"^[a-z][a-z0-9-]*[a-z0-9]$"
NAME = r"^[a-z][a-z0-9_]*$"
TYPE = r"^(string|boolean|tinyint|smallint|int|bigint|float|double|date|timestamp|decimal\(\d+,\d+\))$"
REGION = r"^[a-z]{2}(-[a-z]+)+-\d$"
ACCOUNT = r"^\d{12}$"
FUNCTION = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"
PYTHON_FILE = r"^[\w./-]+\.py$"
CONDITION = r"""^[^"\\]+$"""
SCRIPT = r"^[\w./-]+\.(py|scala)$"
ARGUMENT = r"^--[A-Za-z][\w.-]*$"
REQUIREMENT = r"^[A-Za-z0-9][\w.-]*(\[[\w,-]+\])?([=<>!~]=?=?[\w.*,<>=!~-]+)?$"
SPARK_CONF = r"^spark\.[\w.-]+$"
ENDED = dict.fromkeys(("0.9", "1.0", "2.0"), "2026-04-01")
"""Versions of Glue that are past their end of life."""
LOOPBACK = r"^http://(127\.0\.0\.1|localhost):\d{2,5}$"
HOST = r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"
DATABASE = r"^\w[\w-]*$"
SUBNET = r"^subnet-[0-9a-f]+$"
SECURITY_GROUP = r"^sg-[0-9a-f]+$"
ZONE = r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$"
DATABASE_TABLE = r"^[A-Za-z_]\w*\.[A-Za-z_]\w*$"
SINK_TABLE = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$"
COLUMN_TYPE = rf"({TYPE}|^(array|map|struct)<[a-z0-9_:,<>() ]+>$)"
JSON_PATH = r"^\$(\.[A-Za-z_]\w*)*(\[\*\])?$"
CRON = r"^cron\(\S+ \S+ \S+ \S+ \S+ \S+\)$"
ALLOWED = {
    PROJECT: "lower-case letters, digits and hyphens, such as flights",
    NAME: "lower-case letters, digits and underscores, such as arr_delay",
    TYPE: "string, boolean, tinyint, smallint, int, bigint, float, double, date, timestamp or decimal(precision,scale)",
    COLUMN_TYPE: "string, int, bigint, double, ..., decimal(precision,scale), array<type>, map<type,type> or "
    "struct<name:type,...>",
    JSON_PATH: "where the records are, such as $.records[*], $[*] or $.detail",
    REGION: "an AWS region, such as eu-west-1",
    ACCOUNT: "the 12 digits of an AWS account, in quotes",
    FUNCTION: "module.function, such as my_rules.is_far",
    PYTHON_FILE: "a Python file, such as my_rules.py",
    CONDITION: 'a SQL condition without " and \\, texts in single quotes',
    SCRIPT: "a Python or Scala file, such as jobs/hello.py",
    ARGUMENT: "--name, such as --threshold",
    REQUIREMENT: "a package, and its version if it matters, such as holidays==0.83",
    SPARK_CONF: "a setting of Spark, such as spark.sql.shuffle.partitions",
    LOOPBACK: "http://127.0.0.1:PORT, as the embedded AWS listens on loopback only",
    HOST: "the name or address of a host, such as db.example.org",
    DATABASE: "the name of a database: letters, digits, underscores and hyphens",
    SUBNET: "the id of a subnet, such as subnet-0123456789abcdef0",
    SECURITY_GROUP: "the id of a security group, such as sg-0123456789abcdef0",
    ZONE: "the subnet's availability zone, such as eu-west-1a",
    DATABASE_TABLE: "schema.table, such as public.customers",
    SINK_TABLE: "a table of the catalog, such as flights, or with a connection schema.table, such as public.flights",
    CRON: "AWS's six fields in UTC: cron(minutes hours day-of-month month day-of-week year)",
}

ProjectName = Annotated[str, Field(pattern=PROJECT)]
Name = Annotated[str, Field(pattern=NAME)]
WorkerType = Literal["G.025X", "G.1X", "G.2X", "G.4X", "G.8X"]
ColumnType = Annotated[str, Field(pattern=TYPE)]
DeclaredType = Annotated[str, Field(pattern=COLUMN_TYPE)]


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


Columns = Annotated[list[Name], BeforeValidator(_listed, json_schema_input_type=Name | list[Name])]
"""One column, or several."""
Keys = Annotated[
    list[Name] | dict[Name, Name], BeforeValidator(_listed, json_schema_input_type=Name | list[Name] | dict[Name, Name])
]
"""One key or several; a mapping where the other side has them under other names."""


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)


class State(_Model):
    bucket: str
    """The S3 bucket that keeps Terraform's state."""


class Environment(_Model):
    region: Annotated[str, Field(pattern=REGION)]
    """The AWS region."""
    endpoint: Annotated[str, Field(pattern=LOOPBACK)] | None = None
    """Set for the embedded AWS only. Without it, the environment is an AWS account."""
    account: Annotated[str, Field(pattern=ACCOUNT)] | None = None
    """The account's 12 digits, in quotes. A login to any other account is refused before anything is read."""
    destroyable: bool = False
    """Whether data may be deleted. The command also has to say `--delete-data`."""
    personal: bool = False
    """Whether each user has one of their own: all names get the user's, from `LAKE_USER` or else the login."""
    state: State | None = None
    """Where Terraform keeps its state. Without it, in `.state/<environment>/` beside lake.yaml."""


class Network(_Model):
    subnet: Annotated[str, Field(pattern=SUBNET)]
    """The subnet that crawlers and jobs run in."""
    security_groups: Annotated[list[Annotated[str, Field(pattern=SECURITY_GROUP)]], Field(min_length=1)]
    """AWS requires that one of them allows all inbound TCP from itself."""
    zone: Annotated[str, Field(pattern=ZONE)]
    """The availability zone of the subnet."""


class Connection(_Model):
    type: Literal["postgresql", "network"]
    """A PostgreSQL database, or only a way into a VPC (`network`)."""
    host: Annotated[str, Field(pattern=HOST)] | None = None
    """Name or address of the database's host. Required, except with `type: network`."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 5432
    """TCP port of the database."""
    database: Annotated[str, Field(pattern=DATABASE)] | None = None
    """Name of the database. Required, except with `type: network`."""
    ssl: bool = True
    """Encrypt the connection. The server's certificate is not checked."""
    network: Network | None = None
    """Where in a VPC crawlers and jobs run to reach it."""


class Crawl(_Model):
    schedule: Annotated[str, Field(pattern=CRON)] | None = None
    """When the crawler runs, as `cron(...)` with AWS's six fields in UTC. Without it, on demand only."""
    recrawl: Literal["everything", "new_folders", "events"] = "everything"
    """What a later crawl reads: everything, new folders, or the folders in which S3 reported changes (`events`)."""
    on_update: Literal["update", "log"] = "update"
    """When files have other columns than the table: `update` the table, or only `log` it."""
    on_delete: Literal["deprecate", "delete", "log"] = "deprecate"
    """When files are gone: mark the table as deprecated, delete the table or partition, or only `log` it."""


class CsvFormat(_Model):
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The character between two values."""
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    """The character around a value that contains the delimiter."""
    header: bool = True
    """Whether the first line of each file names the columns."""
    serde: Literal["OpenCSVSerDe", "LazySimpleSerDe", "None"] = "OpenCSVSerDe"
    """The table's SerDe. `LazySimpleSerDe` ignores quotes. With `None`, the crawler chooses."""


class JsonFormat(_Model):
    path: Annotated[str, Field(pattern=JSON_PATH)]
    """Where the records are, such as `$.records[*]`, if files are not one object a line. Athena cannot read those."""


class GrokFormat(_Model):
    pattern: Annotated[str, Field(min_length=1, max_length=2048)]
    """The grok pattern of a line, such as `%{IP:client} %{WORD:method}`."""
    custom_patterns: str | None = None
    """One pattern a line: a name, a space, a regular expression."""
    classification: str | None = None
    """The table's classification. Without it, the dataset's name."""


class XmlFormat(_Model):
    row_tag: Annotated[str, Field(min_length=1)]
    """The element of a row. It must not be self-closing."""


class Projection(_Model):
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


class PartitionIndex(_Model):
    keys: Annotated[list[Name], Field(min_length=1)]
    """The partition keys to index, in this order."""


class Dataset(_Model):
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
    def keys(self) -> dict[str, str]:
        """Partition key: its type; a string where none is given."""
        given = self.partitions
        return given if isinstance(given, dict) else dict.fromkeys(given, "string")


Format = Literal["parquet", "orc", "json", "csv", "avro"]
Compression = Literal["zstd", "snappy", "gzip", "zlib", "deflate", "bzip2", "none"]


class Function(_Model):
    function: Annotated[str, Field(pattern=FUNCTION)]
    """`module.function` of a file in `py_files`. It takes the DataFrame and returns a Column."""


class DropNullFields(_Model):
    also: list[str | int | float] = []
    """Values that count as null, such as `["", "null", -1]`: text in string columns, numbers in numeric ones."""


class Join(_Model):
    with_: Name = Field(alias="with")
    """The other dataset."""
    on: Keys
    """One key or several; a mapping where the other side has them under other names."""
    how: Literal["inner", "left", "right", "full", "semi", "anti"] = "inner"
    """`left` keeps every row of the step's data, `semi` those with a match, `anti` those without."""
    take: dict[Name, Name] | list[Name] | None = None
    """Columns to take from the other dataset. A mapping renames them. Without it, all columns."""
    cast_right: dict[Name, ColumnType] = {}
    """Column of the other dataset: the type to cast it to for the join."""


class Lookup(_Model):
    from_: Name = Field(alias="from")
    """The dataset to look in."""
    on: Keys
    """The key or keys; a mapping where the other side has them under other names."""
    take: Name
    """The column whose value is taken."""
    default: str | int | float | None = None
    """The value if the key is not there."""
    on_many: Literal["error", "first"] = "error"
    """If a key has several values: fail, or take the smallest."""


class Map(_Model):
    add: dict[Name, str | Function] = {}
    """New column: SQL expression, or `{function: module.function}`."""
    rename: dict[Name, Name] = {}
    """Column: its new name."""
    cast: dict[Name, ColumnType] = {}
    """Column: its new type."""
    on_error: Literal["null", "quarantine", "fail"] = "null"
    """What a value that cannot be cast does: it becomes null, its row is quarantined, or the run fails."""
    lookup: dict[Name, Lookup] = {}
    """New column: the dataset to look its value up in."""
    delete: list[Name] = []
    """Columns to remove, last of all."""

    @field_validator("on_error", mode="before", json_schema_input_type=Literal["null", "quarantine", "fail"] | None)
    @classmethod
    def _null_is_a_word_here(cls, on_error: Any) -> Any:
        return "null" if on_error is None else on_error


class Dedupe(_Model):
    by: Columns = []
    """Rows with the same values in these columns are duplicates. Without it, rows that are equal in every column."""
    newest: Name | None = None
    """Keep the duplicate with the greatest value in this column."""


class Convert(_Model):
    format: Format | None = None
    """The file format of the sink."""
    compression: Compression | None = None
    """The compression of the sink."""
    target_file_mb: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Approximate size of a file."""


class FindMatches(_Model):
    columns: Annotated[dict[Name, Literal["name", "date", "address", "code"]], Field(min_length=1)]
    """The columns to compare, each with its kind."""
    id: Name
    """The column that identifies a record: unique and never null."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """Records match from this probability on."""
    blocking: list[Annotated[list[Name], Field(min_length=1)]] = []
    """Compare only records that agree on all columns of one of these lists. Without it, lists are chosen."""
    compare: dict[Name, list[Annotated[int, Field(ge=1)]]] = {}
    """Column: the edit distances that count as near. Without it, they follow from the kind of the column."""
    known: Name | None = None
    """A dataset with `match_id`, or the job's own table. Its records keep theirs; new ones are matched to them."""


class Step(_Model):
    """One transform: exactly one of these settings."""

    drop_fields: list[Name] | None = None
    """Remove these columns."""
    drop_null_fields: DropNullFields | None = None
    """`{}`: remove the columns that are null in every row."""
    filter: str | Function | None = None
    """SQL condition, or `{function: module.function}`. Rows for which it is not true are removed and counted."""
    find_matches: FindMatches | None = None
    """Find duplicates: records of the same thing get the same `match_id`."""
    join: Join | None = None
    """Join another dataset."""
    map: Map | None = None
    """Add, cast, look up, rename and delete columns."""
    dedupe: Dedupe | None = None
    """Keep one row of each group of duplicates. The others are counted."""
    convert: Convert | None = None
    """How the sink writes. Replaces the same settings of the sink."""
    sql: str | None = None
    """Spark SQL. The step's data is `input`; other datasets have their names."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Step:
        if len(self.model_fields_set) != 1:
            allowed = ", ".join(type(self).model_fields)
            raise ValueError(f"a step is exactly one of: {allowed}")
        return self

    def datasets(self) -> dict[tuple[str, ...], str]:
        """The other datasets it reads, by the place in lake.yaml that names them."""
        lookups = self.map.lookup if self.map else {}
        named = {("map", "lookup", column, "from"): lookup.from_ for column, lookup in lookups.items()}
        return named | ({("join", "with"): self.join.with_} if self.join else {})

    def functions(self) -> list[tuple[str, ...]]:
        """The places that name a Python function."""
        added = self.map.add if self.map else {}
        named = [("map", "add", column) for column, given in added.items() if isinstance(given, Function)]
        return [*named, *([("filter",)] if isinstance(self.filter, Function) else [])]


class Rows(_Model):
    min: Annotated[int, Field(ge=0)] | None = None
    """At least this many rows."""
    max: Annotated[int, Field(ge=0)] | None = None
    """At most this many rows."""


class Fresh(_Model):
    column: Name
    """A date or timestamp."""
    hours: Annotated[int, Field(ge=1)]
    """No value is older than this at the start of the run."""


class Refers(_Model):
    to: Name
    """The dataset that must have the key."""
    on: Keys
    """The key or keys; a mapping where the other side has them under other names."""


class Expectation(_Model):
    """A rule for the rows that go to the sink: exactly one of the settings before `where`."""

    complete: Columns | None = None
    """Columns that are never null."""
    unique: Columns | None = None
    """No two rows have the same values in these columns. All rows of a duplicate fail."""
    in_: dict[Name, list[str | int | float | None]] | None = Field(None, alias="in")
    """Column: the allowed values. Null fails unless it is one of them."""
    between: dict[Name, Annotated[list[int | float | None], Field(min_length=2, max_length=2)]] | None = None
    """Column: the least and the greatest value, or null for no limit. Null fails."""
    matches: dict[Name, str] | None = None
    """Column: the Java regular expression that the whole text has to match. Null fails."""
    rows: Rows | None = None
    """How many rows there are."""
    fresh: Fresh | None = None
    """No value of a date or timestamp is too old."""
    refers: Refers | None = None
    """Every key is in another dataset."""
    where: Annotated[str, Field(pattern=CONDITION)] | None = None
    """SQL condition: check only the rows for which it is true, such as `tailnum IS NOT NULL`."""
    at_least: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of rows that has to pass. Without it, all rows."""
    otherwise: Literal["fail", "quarantine", "warn"] = "fail"
    """If rows fail: publish nothing (`fail`), set those rows aside (`quarantine`), or only warn."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Expectation:
        checks = [name for name in type(self).model_fields if name not in ("where", "at_least", "otherwise")]
        if sum(getattr(self, name) is not None for name in checks) != 1:
            raise ValueError(f"an expectation is exactly one of: {', '.join(checks).replace('in_', 'in')}")
        return self

    def datasets(self) -> dict[tuple[str, ...], str]:
        """The datasets it reads, by the place in lake.yaml that names them."""
        return {("refers", "to"): self.refers.to} if self.refers else {}


class CastNulls(_Model):
    """Values that a `cast` (with `on_error: null`) or a `cast_right` makes null because they do not fit the type."""

    warn_over: Annotated[float, Field(ge=0, le=1)] = 0.01
    """A run warns, with examples, above this share of a column's values. Every report counts them."""


class Sink(_Model):
    table: Annotated[str, Field(pattern=SINK_TABLE)]
    """The table in the curated database, and the folder of its files. With a connection: `schema.table` there."""
    connection: Name | None = None
    """Write to this database instead of files."""
    mode: Literal["insert", "truncate", "upsert"] = "insert"
    """Add the rows, replace all rows, or replace rows with the same keys. Only with a connection."""
    keys: list[Name] = []
    """The columns that identify a row. The table needs a unique index on them. Only of an upsert."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Rows per round trip. Only with a connection."""
    format: Format = "parquet"
    """The file format. `avro` needs a jar that neither pyspark nor the embedded AWS has."""
    compression: Compression | None = None
    """The compression. By default zstd for parquet and orc, gzip for json and csv, snappy for avro."""
    partition_by: list[Name] = []
    """The partition keys. A run replaces the partitions that it has rows for and keeps the others."""
    target_file_mb: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Approximate size of a file. Without it, each partition is one file."""


class JobSettings(_Model):
    """Settings of every job."""

    py_files: list[Annotated[str, Field(pattern=PYTHON_FILE)]] = []
    """Python files that steps or the script can import. Paths are relative to lake.yaml."""
    connections: list[Name] = []
    """Connections whose network the job runs in, besides those of its datasets and its sink."""
    glue_version: Literal["5.0", "5.1", "6.0"] = "5.1"
    """`6.0` (Spark 4.1, Scala 2.13) is for scripts of your own. The steps are tested on Spark 3.5 only."""
    worker_type: WorkerType = "G.1X"
    """`G.025X` is for streaming jobs. Provider 5.100.0 has none larger than `G.8X` and none with more memory."""
    workers: Annotated[int, Field(ge=2, le=100)] = 2
    """How many workers a run gets; with `autoscaling`, at most this many."""
    autoscaling: bool = True
    """Glue starts only as many workers as there is work for."""
    flex: bool = False
    """Use spare capacity. It is about a third cheaper, and a run may wait for it or lose it."""
    timeout_minutes: Annotated[int, Field(ge=1, le=10_080)] | None = None
    """A longer run is stopped. Default: 60, and for a streaming job 10,080, which is AWS's limit."""
    notify_minutes: Annotated[int, Field(ge=1)] | None = None
    """A longer run sends an event to EventBridge."""
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    """How often Glue retries a failed run."""
    max_concurrent_runs: Annotated[int, Field(ge=1, le=1000)] = 1
    """How many runs of the job may be under way at once."""
    arguments: dict[Annotated[str, Field(pattern=ARGUMENT)], str] = {}
    """Arguments in addition to those of the lake, such as `{--threshold: "3"}`."""
    python_modules: list[Annotated[str, Field(pattern=REQUIREMENT)]] = []
    """Python packages that Glue installs, such as `holidays==0.83`."""
    spark_conf: dict[Annotated[str, Field(pattern=SPARK_CONF)], str] = {}
    """Settings of Spark, such as `{spark.sql.shuffle.partitions: "64"}`."""
    encryption: bool = False
    """Encrypt logs, temporary files and bookmarks with the lake's key, by a security configuration."""

    @field_validator("glue_version", mode="before")
    @classmethod
    def _still_supported(cls, version: Any) -> Any:
        if version in ENDED:
            raise ValueError(f"Glue {version} ended on {ENDED[version]}: AWS creates and runs no such job any more")
        return version


class ScriptJob(JobSettings):
    """A job that runs a script of your own."""

    script: Annotated[str, Field(pattern=SCRIPT)]
    """Path of the script, from lake.yaml. A Scala script has an object `GlueApp` with `main`."""
    type: Literal["batch", "streaming", "shell"] = "batch"
    """Spark that ends, Spark that does not end, or Python without Spark."""

    @property
    def language(self) -> Literal["python", "scala"]:
        return "scala" if self.script.endswith(".scala") else "python"


class Job(JobSettings):
    """A job of steps, from a dataset to a table."""

    source: Name
    """The dataset it reads."""
    language: Literal["python", "scala"] = "python"
    """The language of the script that runs the steps. The steps do the same in both."""
    incremental: bool = False
    """A run reads only files that no run has read before, and adds their rows as partitions with a key `batch`."""
    steps: list[Step] = []
    """Its transforms, in order. Each gets the output of the one before."""
    expect: list[Expectation] = []
    """Rules about the rows that go to the sink."""
    cast_nulls: CastNulls = CastNulls()
    """When a run warns of values that a cast made null."""
    sink: Sink
    """The table it writes."""

    def datasets(self) -> dict[tuple[str | int, ...], str]:
        """The datasets it names: its source, and those of its steps and expectations, by the place in lake.yaml."""
        parts: dict[str, Sequence[Step | Expectation]] = {"steps": self.steps, "expect": self.expect}
        return {("source",): self.source} | {
            (field, number, *place): dataset
            for field, listed in parts.items()
            for number, part in enumerate(listed)
            for place, dataset in part.datasets().items()
        }


def _kind(job: Any) -> str:
    return "ScriptJob" if isinstance(job, ScriptJob) or (isinstance(job, Mapping) and "script" in job) else "Job"


AnyJob = Annotated[Annotated[Job, Tag("Job")] | Annotated[ScriptJob, Tag("ScriptJob")], Discriminator(_kind)]


class Window(_Model):
    by: Name
    """The column to count by."""
    seconds: Annotated[int, Field(ge=1)]
    """Length of the window."""


class Buffer(_Model):
    megabytes: Annotated[int, Field(ge=64, le=128)] = 64
    """Firehose writes a file at this size. AWS requires at least 64 for Parquet."""
    seconds: Annotated[int, Field(ge=0, le=900)] = 60
    """Firehose writes a file after this time, or at `megabytes`, whichever comes first."""


class Stream(_Model):
    columns: Annotated[dict[Name, ColumnType], Field(min_length=1)]
    """The fields of an event, with their types."""
    shards: Annotated[int, Field(ge=1, le=200)] = 1
    """Shards of the Kinesis stream. Each takes 1 MB or 1,000 events a second."""
    retention_hours: Annotated[int, Field(ge=24, le=8760)] = 24
    """How long Kinesis keeps an event."""
    buffer: Buffer = Buffer()
    """How much Firehose collects before it writes a file."""
    window: Window | None = None
    """Set to deploy a Flink application that counts events."""


class WorkflowStep(_Model):
    crawl: list[Name] = []
    """The datasets whose crawlers it starts."""
    run: list[Name] = []
    """The jobs it starts."""
    after: Literal["all", "any"] = "all"
    """Start when all, or any, of the crawlers and jobs of the step before have succeeded."""


class Workflow(_Model):
    schedule: Annotated[str, Field(pattern=CRON)] | None = None
    """When it runs, as `cron(...)` with AWS's six fields in UTC. Without it, on demand only."""
    steps: Annotated[list[WorkflowStep], Field(min_length=1)]
    """What it starts, in order. A step starts when the one before has succeeded."""


class Queries(_Model):
    folder: str = "queries"
    """A folder of SQL files beside lake.yaml, one statement a file. Each becomes a named query."""
    bytes_scanned_cutoff: Annotated[int, Field(ge=10_485_760)] = 10_000_000_000
    """A query that would read more bytes is cancelled. AWS requires at least 10 MiB."""


class MlTransform(_Model):
    """AWS's own FindMatches. It ran only on Glue 2.0, which ended on 2026-04-01: use the step `find_matches`."""

    dataset: Name
    """The dataset. Its table has to be in the catalog when the etl stack is deployed."""
    primary_key: Name
    """The column that identifies a record."""
    precision_recall: Annotated[float, Field(ge=0, le=1)] = 0.5
    """From 0 (find all matches) to 1 (find only true matches)."""
    accuracy_cost: Annotated[float, Field(ge=0, le=1)] = 0.5
    """From 0 (least cost) to 1 (most accuracy)."""
    enforce_labels: bool = False
    """Whether the output has to agree with the labels."""
    max_capacity: Annotated[float, Field(ge=2, le=100)] = 10.0
    """DPUs of a task run."""


class Config(_Model):
    project: ProjectName
    """The lake's name. The name of every resource begins with it."""
    environments: Annotated[dict[Name, Environment], Field(min_length=1)]
    """Where the lake can be deployed. `LAKE_ENV` chooses one. Without it, the first is used."""
    connections: dict[Name, Connection] = {}
    """Databases, and networks, that datasets and jobs use."""
    datasets: dict[Name, Dataset] = {}
    """The lake's input: files in the raw zone, a folder each, and tables of databases."""
    every_job: dict[Name, AnyJob] = Field({}, alias="jobs")
    """Glue jobs: steps from a dataset to a table, or a script of your own."""
    workflows: dict[Name, Workflow] = {}
    """Chains of crawlers and jobs, started on demand or by schedule."""
    ml_transforms: dict[Name, MlTransform] = {}
    """AWS's own FindMatches transforms, which AWS no longer runs."""
    streams: dict[Name, Stream] = {}
    """Streams of events: Kinesis, Firehose to Parquet in the raw zone, and a Flink application."""
    queries: Queries = Queries()
    """Athena's named queries, and how much a query may read."""

    @property
    def jobs(self) -> dict[str, Job]:
        """The jobs that are steps from a dataset to a sink."""
        return {name: job for name, job in self.every_job.items() if isinstance(job, Job)}

    @property
    def scripts(self) -> dict[str, ScriptJob]:
        """The jobs that are a person's own script."""
        return {name: job for name, job in self.every_job.items() if isinstance(job, ScriptJob)}


REPORTS = "job_reports"
"""The folder of the curated zone that every run of a job leaves its report in."""

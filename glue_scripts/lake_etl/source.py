"""Reading a source table: the good rows go on, and what cannot be read is kept apart with its reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, DataFrameReader, Observation, SparkSession
from pyspark.sql import functions as fn

from lake_etl.catalog import NO_VALUE, Table
from lake_etl.documents import NOTHING_THERE, records
from lake_etl.errors import JobError
from lake_etl.json_lines import with_more

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CORRUPT, FILE = "_lake_corrupt_record", "_lake_source_file"
NESTED = re.compile("array|map|struct|binary")
IGNORE_CORRUPT_FILES = "spark.sql.files.ignoreCorruptFiles"


@dataclass
class Source:
    """A dataset being read.

    rows      what the steps work on: the good rows, with the table's columns and partition keys
    rejected  reads the bad rows: source_file, raw, reason (None where rows cannot be bad: Parquet)
    files     the files of which nothing can be read: path -> reason
    counts    filled once a query has read the rows: "rows" read in all, "bad" among them
    damaged   looks for further files of which nothing can be read: path -> reason
    """

    dataset: str
    rows: DataFrame
    rejected: Callable[[], DataFrame] | None
    files: dict[str, str]
    counts: Observation = field(repr=False)
    damaged: Callable[[], dict[str, str]] = field(default=dict, repr=False)


def read_source(
    spark: SparkSession,
    s3: S3Client,
    table: Table,
    only: dict[str, int] | None = None,
    without: dict[str, str] | None = None,
    most: int | None = None,
) -> Source:
    """Read a table of the catalog, or only some of its files (path -> size in bytes), without some (path -> reason).

    most: no more rows than this, whichever they are.

    Nothing is read yet but file names. So a Parquet file that is damaged makes the query fail that reads it, and
    `damaged` then finds all of them: to open thousands of files beforehand would cost as much as the job.
    """
    sizes = _sizes(s3, table) if only is None else only
    empty = {path: "the file is empty (0 bytes)" for path, size in sizes.items() if not size}
    left_out = (without or {}) | _unfit_for_lines(s3, table, sizes)
    loaded = _load(spark, table, sizes, some=only is not None)
    frame = _without(loaded, left_out) if left_out else loaded
    frame = frame.limit(most) if most else frame
    counts = Observation()
    rows = _good(table, _counted(table, frame, counts))
    if CORRUPT in frame.columns:
        return Source(table.dataset, rows, partial(_rejected, table, frame), empty | left_out, counts)
    return Source(table.dataset, rows, None, empty | left_out, counts, partial(_damaged, spark, loaded, sizes))


def _unfit_for_lines(s3: S3Client, table: Table, sizes: dict[str, int]) -> dict[str, str]:
    lines = table.format == "json" and "jsonPath" not in table.parameters
    return with_more(s3, [path for path, size in sizes.items() if size]) if lines else {}


def _sizes(s3: S3Client, table: Table) -> dict[str, int]:
    if table.registered is None:
        return list_files(s3, table.location)
    return {path: size for location in table.registered.values() for path, size in list_files(s3, location).items()}


def list_files(s3: S3Client, location: str) -> dict[str, int]:
    """Path -> size in bytes of each data file under the location. As for Spark, _names and .names are none."""
    return dict(each_file(s3, location))


def each_file(s3: S3Client, location: str) -> Iterator[tuple[str, int]]:
    """The same, one after the other: a thousand are listed at a time."""
    bucket, prefix = urlsplit(location).netloc, urlsplit(location).path.lstrip("/")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    objects = (entry for page in pages for entry in page.get("Contents", []))
    for entry in objects:
        name = entry["Key"].removeprefix(prefix)
        if name and not name.endswith(("/", "_$folder$")) and not _hidden(name):
            yield f"{location}{name}", entry["Size"]


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or (part.startswith("_") and "=" not in part) for part in name.split("/"))


def _load(spark: SparkSession, table: Table, sizes: dict[str, int], *, some: bool) -> DataFrame:
    """The table with all its columns, for text formats the raw text of the bad rows, and FILE if partitions need it."""
    hive_style = _hive_style(table, sizes)
    columns = table.columns | ({CORRUPT: "string"} if table.format != "parquet" else {})
    path = table.parameters.get("jsonPath", "")
    format_, in_files = ("text", {"value": "string"}) if path else (table.format, columns)
    schema = _ddl(in_files | (table.partition_keys if hive_style else {}))
    if not any(sizes.values()):
        return spark.createDataFrame([], _ddl(columns | table.partition_keys | {FILE: "string"}))
    reader = _options(spark.read.schema(schema), table)
    if table.registered is not None and table.partition_keys:
        return _registered_partitions(reader, table, sizes)
    reader = reader.option("basePath", table.location) if hive_style else reader.option("recursiveFileLookup", True)
    places = [_literal(path) for path, size in sizes.items() if size] if some else table.location
    frame = reader.load(places, format=format_)
    if path:
        frame = records(_with_file(frame), path, table.columns, CORRUPT)
    return _plain_partitions(frame, table) if table.partition_keys and not hive_style else frame


def _with_file(frame: DataFrame) -> DataFrame:
    """Each row with its file. Spark makes the metadata of every row where it is named, even if nothing needs it."""
    return frame if FILE in frame.columns else frame.select("*", fn.col("_metadata.file_path").alias(FILE))


def _without(frame: DataFrame, files: Iterable[str]) -> DataFrame:
    """Spark applies a condition on the file's name before it opens the file."""
    return _with_file(frame).where(~fn.col(FILE).isin([_uri(path) for path in files]))


def _registered_partitions(reader: DataFrameReader, table: Table, sizes: dict[str, int]) -> DataFrame:
    """The files of the registered partitions, with the values that the catalog has for each."""
    folders = {path.rpartition("/")[0] + "/" for path in sizes}
    places = {location: values for values, location in (table.registered or {}).items() if location in folders}
    rows = [(_uri(location), *(None if v == NO_VALUE else v for v in values)) for location, values in places.items()]
    frame = _with_file(reader.option("recursiveFileLookup", True).load(list(places), format=table.format))
    named = frame.sparkSession.createDataFrame(rows, _ddl(dict.fromkeys(("_folder", *table.partition_keys), "string")))
    named = named.withColumns({key: fn.col(f"`{key}`").cast(type_) for key, type_ in table.partition_keys.items()})
    folder = fn.regexp_replace(FILE, "[^/]*$", "").alias("_folder")
    return frame.select("*", folder).join(fn.broadcast(named), "_folder").drop("_folder")


def _hive_style(table: Table, sizes: dict[str, int]) -> bool:
    """Whether folders are named key=value. Else their values go by position, as a crawler's partition_0 does."""
    if table.registered is not None:
        return False
    first = next(iter(sizes), "").removeprefix(table.location)
    return any(first.startswith(f"{key}=") for key in table.partition_keys)


def _plain_partitions(frame: DataFrame, table: Table) -> DataFrame:
    frame = _with_file(frame)
    folders = fn.split(fn.substr(fn.col(FILE), fn.lit(len(table.location) + 1)), "/")
    return frame.withColumns(
        {
            key: fn.get(folders, fn.lit(place)).cast(type_)
            for place, (key, type_) in enumerate(table.partition_keys.items())
        }
    )


def _options(reader: DataFrameReader, table: Table) -> DataFrameReader:
    reader = reader.options(mode="PERMISSIVE", columnNameOfCorruptRecord=CORRUPT)
    if "jsonPath" in table.parameters:
        return reader.option("wholetext", True)
    return reader.options(**_csv_options(table)) if table.format == "csv" else reader


def _csv_options(table: Table) -> dict[str, str]:
    """Spark's options for the SerDe's: LazySimpleSerDe and OpenCSVSerde name theirs differently."""
    given = table.parameters
    header = int(given.get("skip.header.line.count", "0"))
    if header > 1:
        raise JobError(f"dataset {table.dataset}: skip.header.line.count is {header}. Jobs read files with 0 or 1")
    quote = given.get("quoteChar", '"')
    return {
        "header": str(header == 1),
        "sep": given.get("separatorChar") or given.get("field.delim") or given.get("delimiter") or ",",
        "quote": quote,
        "escape": given.get("escapeChar", quote),
        "nullValue": given.get("serialization.null.format", ""),
    }


def _counted(table: Table, frame: DataFrame, counts: Observation) -> DataFrame:
    """The frame, with its rows, its bad rows, and its rows that have any value counted by what reads it.

    Naming every column keeps Spark from skipping those that the job does not use. A value that does not fit its
    type is found only in a column that is read, and each pass over the data must find the same.
    """
    bad = fn.count(CORRUPT) if CORRUPT in frame.columns else fn.lit(0)
    # It looks only as far as the first value that is there: a fraction of the cost of one count a column.
    filled = fn.count(fn.coalesce(*[fn.when(fn.col(f"`{column}`").isNotNull(), True) for column in table.columns]))
    return frame.observe(counts, fn.count(fn.lit(1)).alias("rows"), bad.alias("bad"), filled.alias("filled"))


def _good(table: Table, frame: DataFrame) -> DataFrame:
    good = frame.where(fn.col(CORRUPT).isNull()) if CORRUPT in frame.columns else frame
    return good.select(*[f"`{column}`" for column in (*table.columns, *table.partition_keys)])


def _rejected(table: Table, frame: DataFrame) -> DataFrame:
    frame = _counted(table, _with_file(frame), Observation())
    bad = frame.where(fn.col(CORRUPT).isNotNull()).withColumn("texts", _as_texts(table))
    return bad.select(fn.col(FILE).alias("source_file"), fn.col(CORRUPT).alias("raw"), _reason(table).alias("reason"))


def _as_texts(table: Table) -> Column:
    """The raw row parsed again with every column a string, to see what was wrong with it."""
    schema = _ddl({**dict.fromkeys(table.columns, "string"), CORRUPT: "string"})
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT}
    if table.format == "csv":
        return fn.from_csv(CORRUPT, schema, options | _csv_options(table))
    return fn.from_json(CORRUPT, schema, options)


def _reason(table: Table) -> Column:
    shape = {
        "csv": f"the row does not have {len(table.columns)} fields",
        "json": "the line is not valid JSON",
    }
    path = table.parameters.get("jsonPath")
    nothing = fn.when(fn.col(NOTHING_THERE), fn.lit(f"the document has nothing at {path}")) if path else fn.lit(None)
    return fn.coalesce(
        nothing,
        fn.when(fn.col(f"texts.{CORRUPT}").isNotNull(), fn.lit(shape[table.format])),
        *[_unfit(column, type_) for column, type_ in table.columns.items() if not NESTED.match(type_)],
        fn.lit("a value does not fit the type of its column"),
    )


def _unfit(column: str, type_: str) -> Column:
    text = f"texts.`{column}`"
    message = fn.concat(fn.lit(f"column {column}: '"), fn.col(text), fn.lit(f"' is not {type_}"))
    return fn.when(fn.expr(f"{text} IS NOT NULL AND try_cast({text} AS {type_}) IS NULL"), message)


def _damaged(spark: SparkSession, frame: DataFrame, sizes: dict[str, int]) -> dict[str, str]:
    """Path -> reason of the Parquet files that cannot be read. Only those that gave no row are tried alone."""
    with _ignoring_corrupt_files(spark):
        gave_rows = {unquote(row[0]) for row in _with_file(frame).select(FILE).distinct().collect()}
    suspects = [path for path, size in sizes.items() if size and path not in gave_rows]
    return {path: fault for path in suspects if (fault := _fault(spark, path))}


@contextmanager
def _ignoring_corrupt_files(spark: SparkSession) -> Iterator[None]:
    spark.conf.set(IGNORE_CORRUPT_FILES, "true")
    try:
        yield
    finally:
        spark.conf.unset(IGNORE_CORRUPT_FILES)


def _fault(spark: SparkSession, path: str) -> str:
    """What Parquet says of the file: the innermost cause. Empty for a file that is whole."""
    try:
        spark.read.parquet(path)
    except (Py4JJavaError, PySparkException) as error:
        causes: list[str] = re.findall(r"Caused by: [\w.$]+: (.*)", str(error))
        return (causes or str(error).splitlines())[-1]
    return ""


def _literal(path: str) -> str:
    """The path for Spark's reader, which would take it for a pattern of paths."""
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", path)


def _uri(path: str) -> str:
    """The path as Spark's file metadata has it."""
    return quote(path, safe="/:=@!$&'()*+,;~")


def _ddl(columns: dict[str, str]) -> str:
    return ", ".join(f"`{name}` {type_}" for name, type_ in columns.items())

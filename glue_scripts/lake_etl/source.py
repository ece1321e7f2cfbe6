"""Reads a source table: good rows go on; what cannot be read is set aside with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as fn
from pyspark.sql.types import StructField, StructType

from lake_etl.binary_source import BinaryFiles, Damage
from lake_etl.catalog import Table
from lake_etl.csv_rows import NO_NESTING
from lake_etl.errors import JobError
from lake_etl.formats import FORMATS
from lake_etl.names import column, parsed_type, quoted
from lake_etl.partitions import Placed, placed
from lake_etl.storage import each_version, literal, uri_of
from lake_etl.text_source import CORRUPT, FILE, REASON, TextFiles, with_file
from lake_etl.values import misfit, scalar

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PLACE = "_lake_place"
EMPTY = "the file is empty (0 bytes)"
UNSEEN = "Spark does not see the file, since its key is not a path. Copy it to a plain key"
NO_DAMAGE = Damage({}, {})


@dataclass
class Source:
    """A dataset being read.

    rows      the good rows, with the table's columns and partition keys: the input of the steps
    rejected  reads the bad rows: source_file, raw, reason (None if there can be none: Parquet)
    files     files that cannot be read at all: path -> reason
    counts    filled once a query has read the rows: all "rows", and the "bad" ones among them
    damage    finds the files that make a query fail
    changed   the first file that was replaced or deleted since it was listed; None if none was
    """

    dataset: str
    rows: DataFrame
    rejected: Callable[[], DataFrame] | None
    files: dict[str, str]
    counts: Observation = field(repr=False)
    damage: Callable[[], Damage] = field(default=lambda: NO_DAMAGE, repr=False)
    changed: Callable[[], str | None] = field(default=lambda: None, repr=False)


def read_source(
    spark: SparkSession,
    s3: S3Client,
    table: Table,
    only: dict[str, int] | None = None,
    known: Damage = NO_DAMAGE,
    most: int | None = None,
) -> Source:
    """Read a table of the catalog, or some of its files (path -> size in bytes), without those known to be damaged.

    most: maximum number of rows, in no particular order.

    Of Parquet nothing is read yet but file names. So a file that is damaged makes the query fail that reads it, and
    `damage` then finds all of them: to open thousands of files beforehand would cost as much as the job.

    Raises JobError where there is no file at all: its folder is gone, or was never filled; and where no file can be
    read. A batch may be of one damaged file: it empties no table.
    """
    _check_types(table)
    listed = _listed(s3, table) if only is None else {path: (size, "") for path, size in only.items()}
    if not listed and only is None and not table.is_closed:
        raise JobError(
            f"dataset {table.dataset}: there is no file at {table.location}. Nothing is published, and what was there "
            "stays. Put files there, or run the dataset's crawler if they lie elsewhere"
        )
    sizes, changed = {path: size for path, (size, _) in listed.items()}, partial(_changed, s3, table, listed)
    filled = [path for path, size in sizes.items() if size]
    places = _partitions(spark, table, filled)
    files = {path: EMPTY for path, size in sizes.items() if not size} | places.astray | dict(known.files)
    if not filled:
        return _nothing(spark, table, files)
    roots = [literal(place) for place in (table.locations if only is None else filled)]
    damage: Callable[[], Damage]
    if FORMATS[table.format].is_text:
        texts = TextFiles(spark, s3, table, _schema(table.columns), roots, filled, list(files))
        (frame, found), damage = _planned(texts, files), lambda: Damage(texts.damaged(), {})
    else:
        binary = BinaryFiles(spark, table.format, _schema(table.columns), roots, list(files), known.own_schemas)
        if not known and (converted := binary.converted(filled)):
            return read_source(spark, s3, table, only, converted, most)
        frame, found, damage = binary.frame(), {}, partial(binary.damage, sizes)
    if frame is None:
        return read_source(spark, s3, table, only, Damage(files | found, {}), most)
    seen = set(frame.inputFiles())
    files |= {path: UNSEEN for path in filled if uri_of(path) not in seen}
    if only is None and files.keys() >= set(filled):
        raise _none_readable(table, files)
    return replace(_source(table, _placed(frame, table, places), files, damage, most), changed=changed)


def _none_readable(table: Table, files: Mapping[str, str]) -> JobError:
    path, reason = next(iter(files.items()))
    return JobError(
        f"dataset {table.dataset}: none of its files can be read. {path}: {reason}. Nothing is published, and what was "
        "there stays. Replace the files, or correct the table"
    )


def _planned(texts: TextFiles, known: Mapping[str, str]) -> tuple[DataFrame | None, dict[str, str]]:
    """Return the files as a frame or, if Spark cannot plan to read them, the newly found damage."""
    try:
        return texts.frame(), {}
    except Py4JJavaError:
        if not (found := texts.damaged()).keys() - known.keys():
            raise
        return None, found


def _source(
    table: Table, frame: DataFrame, files: dict[str, str], damage: Callable[[], Damage], most: int | None
) -> Source:
    frame, counts = frame.limit(most) if most else frame, Observation()
    rows = _good(table, _counted(table, frame, counts))
    rejected = partial(_rejected, table, frame) if REASON in frame.columns else None
    return Source(table.dataset, rows, rejected, files, counts, damage)


def _nothing(spark: SparkSession, table: Table, files: dict[str, str]) -> Source:
    """Return the source of a table whose files are all empty or unreadable."""
    more = {CORRUPT: "string", REASON: "string"} if FORMATS[table.format].is_text else {}
    schema = _schema(table.columns | table.partition_keys | more | {FILE: "string"})
    return _source(table, spark.createDataFrame([], schema), files, lambda: NO_DAMAGE, None)


def _schema(columns: Mapping[str, str]) -> StructType:
    return StructType([StructField(name, parsed_type(type_)) for name, type_ in columns.items()])


def _check_types(table: Table) -> None:
    """Raise JobError for a column of a type that Spark does not support."""
    for name, type_ in (table.columns | table.partition_keys).items():
        try:
            parsed_type(type_)
        except PySparkException:
            raise JobError(
                f"dataset {table.dataset}: column {name} is of type '{type_}', which jobs do not support. "
                "Change the column's type in the table"
            ) from None


def _listed(s3: S3Client, table: Table) -> dict[str, tuple[int, str]]:
    """Return path -> size in bytes and ETag of the table's files."""
    found = (version for root in table.locations for version in each_version(s3, root))
    return {path: (size, etag) for path, size, etag in found}


def _changed(s3: S3Client, table: Table, before: Mapping[str, tuple[int, str]]) -> str | None:
    """Return the first file that has changed. A file without an ETag is compared by size only."""
    now = _listed(s3, table)

    def is_same(path: str, size: int, etag: str) -> bool:
        return path in now and now[path][0] == size and etag in ("", now[path][1])

    return next((path for path, version in before.items() if not is_same(path, *version)), None)


def _partitions(spark: SparkSession, table: Table, paths: list[str]) -> Placed:
    """Return the partition values of each file, if they fit the keys' types."""
    if not table.partition_keys:
        return Placed({}, {})
    found = placed(paths, table.location, table.partition_keys, table.partitions)
    keys = _schema(table.partition_keys)
    wrong = {name: misfit(type_, quoted(name), NO_NESTING) for name, type_ in ((f.name, f.dataType) for f in keys)}
    if all(sql == "false" for sql in wrong.values()):
        return found
    texts = spark.createDataFrame(
        list(dict.fromkeys(found.values.values())), _schema(dict.fromkeys(keys.names, "string"))
    )
    unfit = {tuple(row) for row in texts.where(" OR ".join(wrong.values())).collect()}
    astray = {path: _misplaced(table, values) for path, values in found.values.items() if values in unfit}
    return Placed({path: its for path, its in found.values.items() if path not in astray}, found.astray | astray)


def _misplaced(table: Table, values: tuple[str | None, ...]) -> str:
    shown = "/".join(f"{key}={value}" for key, value in zip(table.partition_keys, values, strict=True))
    types = ", ".join(f"{key} {type_}" for key, type_ in table.partition_keys.items())
    return f"the folder {shown} does not fit the types of the keys: {types}"


def _placed(frame: DataFrame, table: Table, places: Placed) -> DataFrame:
    """Add the partition keys of each row's file. Files that arrived after the listing are left to the next run."""
    if not table.partition_keys:
        return frame
    schema = _schema(dict.fromkeys((PLACE, *table.partition_keys), "string"))
    rows = [(uri_of(path), *values) for path, values in places.values.items()]
    named = frame.sparkSession.createDataFrame(rows, schema)
    keys = [
        fn.expr(scalar(key.dataType, quoted(key.name), NO_NESTING)).alias(key.name)
        for key in _schema(table.partition_keys)
    ]
    placed_ = fn.broadcast(named.select(PLACE, *keys))
    frame = with_file(frame)
    return frame.join(placed_, frame[FILE] == placed_[PLACE]).drop(PLACE)


def _counted(table: Table, frame: DataFrame, counts: Observation) -> DataFrame:
    """Return the frame; a query that reads it counts its rows, its bad rows, and its rows with any value.

    Naming every column keeps Spark from skipping columns that the job does not use: Spark detects a value that does
    not fit its type only in a column that it reads, and each pass over the data must find the same rows.
    """
    bad = fn.count(REASON) if REASON in frame.columns else fn.lit(0)
    # coalesce stops at the first non-null value, at a fraction of the cost of one count per column.
    filled = fn.count(fn.coalesce(*[fn.when(column(name).isNotNull(), True) for name in table.columns]))
    return frame.observe(counts, fn.count(fn.lit(1)).alias("rows"), bad.alias("bad"), filled.alias("filled"))


def _good(table: Table, frame: DataFrame) -> DataFrame:
    good = frame.where(fn.col(REASON).isNull()) if REASON in frame.columns else frame
    return good.select(*map(quoted, (*table.columns, *table.partition_keys)))


def _rejected(table: Table, frame: DataFrame) -> DataFrame:
    bad = _counted(table, frame, Observation()).where(fn.col(REASON).isNotNull())
    return bad.select(fn.col(FILE).alias("source_file"), fn.col(CORRUPT).alias("raw"), fn.col(REASON).alias("reason"))

"""Writes the job's table: one folder per partition, inside a folder of the run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession

from lake_etl.csv_lines import as_lines
from lake_etl.errors import JobError, check_columns, check_options, of_rows, reason, unknown
from lake_etl.exact import held
from lake_etl.formats import FORMATS
from lake_etl.names import column, quoted

TIMESTAMP = "yyyy-MM-dd HH:mm:ss.SSSSSS"  # the format that the text readers of Hive and Athena expect


@dataclass(frozen=True)
class Sink:
    """Where and how a job writes. target_file_mb: approximate file size; without it, one file per partition."""

    table: str
    format: str = "parquet"
    compression: str = ""
    partition_by: tuple[str, ...] = ()
    target_file_mb: int | None = None


@dataclass(frozen=True)
class Written:
    """What a run wrote: rows and bytes counted in the files, partitions as values -> location."""

    location: str
    rows: int
    bytes: int
    files: int
    columns: dict[str, str]
    keys: dict[str, str]
    partitions: dict[tuple[str, ...], str]


def read_sink(options: dict[str, Any]) -> Sink:
    """Return the sink for the options: table, and optionally format, compression, partition_by, target_file_mb.

    Raises JobError for an unknown option or value.
    """
    check_options(options, ("table",), ("format", "compression", "partition_by", "target_file_mb"))
    format_ = options.get("format") or "parquet"
    if format_ not in FORMATS:
        raise unknown("sink format", format_, FORMATS)
    allowed = FORMATS[format_].compressions
    compression = options.get("compression") or allowed[0]
    if compression not in allowed:
        raise unknown(f"sink compression of {format_}", compression, allowed)
    keys = tuple(options.get("partition_by") or ())
    return Sink(options["table"], format_, compression, keys, options.get("target_file_mb"))


def write_table(frame: DataFrame, location: str, sink: Sink) -> Written:
    """Write the frame under the run's own location, which ends with a slash, and count the rows in the files."""
    keys = sink.partition_by
    check_columns(frame, keys, "the data that goes to the sink")
    if len(keys) == len(frame.columns):
        raise JobError(f"sink partition_by: {', '.join(keys)} are all the columns. Leave one for the files")
    frame = held(frame, sink.format, keys)
    with _files_of(frame.sparkSession, sink):
        _save(_arranged(frame, sink), location, sink)
    rows, files = _arrived(frame, location, sink)
    types = {name.lower(): type_.replace("timestamp_ntz", "timestamp") for name, type_ in frame.dtypes}
    lower = [key.lower() for key in keys]
    folders = {tuple(path.split("/")[-len(keys) - 1 : -1]) for path in files if keys}
    return Written(
        location,
        rows=rows,
        bytes=sum(files.values()),
        files=len(files),
        columns={name: type_ for name, type_ in types.items() if name not in lower},
        keys={key: types[key] for key in lower},
        partitions={tuple(map(_value, names)): location + "/".join([*names, ""]) for names in sorted(folders)},
    )


def _arranged(frame: DataFrame, sink: Sink) -> DataFrame:
    """Bring the rows of a partition together, in as many tasks as there should be files."""
    if sink.target_file_mb:
        # A hint in SQL: DataFrame.hint of PySpark 3.5 takes no columns.
        keys = ", ".join(map(quoted, sink.partition_by))
        hint = f"REBALANCE({keys})" if keys else "REBALANCE"
        return frame.sparkSession.sql(f"SELECT /*+ {hint} */ * FROM {{rows}}", rows=frame)
    return frame.repartition(*map(column, sink.partition_by)) if sink.partition_by else frame


@contextmanager
def _files_of(spark: SparkSession, sink: Sink) -> Iterator[None]:
    """Set the session's partition size, by which adaptive execution splits what it rebalances."""
    size = (sink.target_file_mb or 0) * FORMATS[sink.format].shuffled
    settings = {
        "spark.sql.adaptive.advisoryPartitionSizeInBytes": f"{size}MB",
        "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    }
    before = {name: str(spark.conf.get(name)) for name in settings}
    try:
        for name, value in settings.items() if size else ():
            spark.conf.set(name, value)
        yield
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)


def _save(frame: DataFrame, location: str, sink: Sink) -> None:
    try:
        _writer(frame, sink).save(location)
    except Py4JJavaError as error:
        if of_rows(error):
            raise
        raise JobError(f"while writing {location}: {reason(error)}") from error
    except AnalysisException as error:
        if f"Failed to find data source: {sink.format}" not in str(error):
            raise
        raise JobError(
            f"sink format {sink.format}: this Spark cannot write it. Give the job its jar (spark-{sink.format}), "
            f"or write one of: {', '.join(name for name in FORMATS if name != sink.format)}"
        ) from error


def _writer(frame: DataFrame, sink: Sink) -> DataFrameWriter:
    if sink.format == "csv":
        frame = as_lines(frame, sink.partition_by)
    compression = "uncompressed" if sink.compression == "none" else sink.compression
    writer = frame.write.format("text" if sink.format == "csv" else sink.format).mode("overwrite")
    writer = writer.options(compression=compression, timestampFormat=TIMESTAMP, timestampNTZFormat=TIMESTAMP)
    return writer.partitionBy(*sink.partition_by)


def _arrived(frame: DataFrame, location: str, sink: Sink) -> tuple[int, dict[str, int]]:
    """Return the number of rows, and path -> size in bytes of their files."""
    is_text = FORMATS[sink.format].is_text
    schema = "value string" if is_text else frame.drop(*sink.partition_by).schema
    reader = frame.sparkSession.read.option("recursiveFileLookup", True)
    rows = reader.schema(schema).load(location, format="text" if is_text else sink.format).count()
    files = frame.sparkSession.read.option("recursiveFileLookup", True).load(location, format="binaryFile")
    return rows, {row[0]: row[1] for row in files.select("path", "length").collect() if rows}


def _value(folder: str) -> str:
    """Return the value of `name=a%2Fb`: Spark escapes it as Hive does."""
    return re.sub("%([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), folder.partition("=")[2])

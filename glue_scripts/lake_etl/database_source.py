"""Reads a table of a database as a dataset: its exact values, or an error that names column and value."""

from __future__ import annotations

from py4j.protocol import Py4JJavaError
from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as fn

from lake_etl.database import Database, Session, check_table, find_database, is_of_the_driver, quoted, refusal
from lake_etl.database_types import Reading, Type, columns_of, reading, refused, selected
from lake_etl.errors import JobError, failure
from lake_etl.names import column, double_quoted
from lake_etl.source import Source

FETCHED = 10_000  # rows per round trip
REFUSED = "_lake_refused_"


def read_database(spark: SparkSession, connection: str, table: str, dataset: str) -> Source:
    """Return a table of a database as a dataset, read by one statement when the steps need it. It has no bad rows.

    The rows are kept on Spark's disks: a second statement would see another snapshot.

    A value that Spark cannot hold fails the query that reads its column. Raises JobError if there is no such table.
    """
    database = find_database(connection)
    session = Session(spark, database)
    try:
        check_table(session, table, f"dataset {dataset}")
        columns = columns_of(session, table)
    finally:
        session.close()
    _check_names(columns, dataset)
    frame = _rows(spark, database, _query(table, columns)).persist(StorageLevel.DISK_ONLY)
    frame = frame.select(*(_value(dataset, place, *found) for place, found in enumerate(columns.items())))
    counts = Observation()
    frame = frame.observe(counts, fn.count(fn.lit(1)).alias("rows"), fn.lit(0).alias("bad"))
    return Source(dataset, frame, None, {}, counts)


def _check_names(columns: dict[str, Type], dataset: str) -> None:
    lower: dict[str, str] = {}
    for name in columns:
        if (other := lower.setdefault(name.lower(), name)) != name:
            raise JobError(
                f"dataset {dataset}: a job cannot tell the columns {other} and {name} apart. "
                "Make a view that renames one of them, and read the view"
            )


def _query(table: str, columns: dict[str, Type]) -> str:
    values = [part for place, found in enumerate(columns.items()) for part in _selected(place, *found)]
    return f"(SELECT {', '.join(values)} FROM {quoted(table)}) AS given"


def _selected(place: int, name: str, type_: Type) -> list[str]:
    found, value = _reading(type_), double_quoted(name)
    if not found:
        return [value]
    why = [f"{refused(value, found)} AS {REFUSED}{place}"] if found.fits else []
    return [f"{selected(value, found)} AS {value}", *why]


def _value(dataset: str, place: int, name: str, type_: Type) -> Column:
    found, value = _reading(type_), column(name)
    if not found or not found.fits:
        return value
    message = fn.concat(
        fn.lit(f"dataset {dataset}: column {name} ({type_.full}): the value "),
        fn.col(f"{REFUSED}{place}"),
        fn.lit(
            f" is not within {found.limit}. Make a view that casts it, such as CAST({name} AS text), and read the view"
        ),
    )
    return fn.when(fn.col(f"{REFUSED}{place}").isNull(), value).otherwise(failure(message)).alias(name)


def _reading(type_: Type) -> Reading | None:
    return reading("text" if type_.plain == "text" else type_.full)


def _rows(spark: SparkSession, database: Database, query: str) -> DataFrame:
    try:
        return spark.read.format("jdbc").options(**database.options(query), fetchsize=str(FETCHED)).load()
    except Py4JJavaError as error:
        if not is_of_the_driver(error):
            raise
        raise refusal(error, database) from None

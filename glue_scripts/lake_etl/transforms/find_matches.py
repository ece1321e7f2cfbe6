from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn

from lake_etl.errors import JobError, NotYetWritten, check_columns
from lake_etl.names import OWN, column, type_of

if TYPE_CHECKING:
    from lake_etl.matching import Matching

MATCH, SCORE = "match_id", "match_confidence_score"
ID = f"{OWN}id"
ROWS_A_BATCH = 50_000


def find_matches(frame: DataFrame, options: dict[str, Any], dataset: Callable[[str], DataFrame]) -> DataFrame:
    """Add match_id, the same for records of the same thing, and match_confidence_score (0 to 1).

    columns    mapping of the columns to compare -> name, date, address or code
    id         the column that identifies a record: never null, and unique
    threshold  the minimum probability of a match (default 0.9)
    blocking   lists of columns; only records that agree on all columns of one list are compared. Default: chosen
    compare    mapping column -> list of edit distances that count as near. Default: by the column's kind
    known      a dataset that has been through find_matches, with these columns, match_id and match_confidence_score,
               or the job's own table. Its records keep both; new records join one of them, or start a new match

    No rows are added or removed. match_id is the id of one of the records; the same data give the same match_id.
    A score is the probability of a record's best match or, for a single record, that it has none.
    The records are matched in the driver: at most 200,000, including known ones; more raise JobError.

    find_matches(people, {"columns": {"name": "name", "born": "date"}, "id": "person"}, read)
    """
    matching = matching_of(options)
    _check(frame, matching)
    found = _found(frame, matching, _known(options.get("known"), matching, dataset))
    matched = frame.withColumn(ID, column(matching.id).cast("string")).join(found, ID, "left").drop(ID)
    return matched.withColumn(MATCH, fn.col(MATCH).cast(type_of(frame, matching.id)))


def matching_of(options: dict[str, Any]) -> Matching:
    """Return the step's options without `known`. Raises JobError if they are wrong or duckdb is missing."""
    try:
        from lake_etl.matching import read_options
    except ImportError as error:
        raise JobError(
            f"{error.name} is not installed. Start the job with --additional-python-modules duckdb"
        ) from error
    return read_options({name: value for name, value in options.items() if name != "known"})


def _check(frame: DataFrame, matching: Matching) -> None:
    check_columns(frame, [matching.id, *matching.columns])
    for name in (MATCH, SCORE):
        if name in map(str.lower, frame.columns):
            raise JobError(f"the data already has a column '{name}'. Rename it in an earlier step")


def _known(name: str | None, matching: Matching, dataset: Callable[[str], DataFrame]) -> DataFrame | None:
    try:
        known = dataset(name) if name else None
    except NotYetWritten:
        return None
    if known is not None:
        check_columns(known, [matching.id, MATCH, SCORE, *matching.columns], f"dataset {name}")
    return known


def _found(frame: DataFrame, matching: Matching, known: DataFrame | None) -> DataFrame:
    """Return ID, match_id and match_confidence_score of every record of the frame, and of the known ones."""
    from lake_etl.matching import match_with_known

    new = _table(_texts(frame, matching, fn.lit(None)))
    # Fetch the known table completely: the job may be about to overwrite it.
    score = fn.col(SCORE).cast("string").alias(SCORE)
    old = _table(_texts(known, matching, fn.col(MATCH), score)) if known is not None else None
    return _frame(frame.sparkSession, match_with_known(new, old, matching))


def _texts(frame: DataFrame, matching: Matching, known: Column, *more: Column) -> DataFrame:
    """Return the compared columns as text, and the record's _id and _known match_id."""
    compared = [column(name).cast("string").alias(name) for name in matching.columns]
    id_ = column(matching.id).cast("string").alias("_id")
    return frame.select(id_, known.cast("string").alias("_known"), *compared, *more)


def _table(frame: DataFrame) -> pa.Table:
    """Collect the frame's rows in the driver through Arrow: Spark 3.5 has no public call for it."""

    def packed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            yield pa.record_batch({"packed": [sink.getvalue().to_pybytes()]})

    schema = pa.schema([(name, pa.string()) for name in frame.columns])
    rows = frame.mapInArrow(packed, "packed binary").collect()
    # A column that is never null by its type has another schema.
    tables = [pa.ipc.open_stream(row.packed).read_all().cast(schema) for row in rows]
    return pa.concat_tables([schema.empty_table(), *tables])


def _frame(spark: SparkSession, matches: pa.Table) -> DataFrame:
    def unpacked(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for packed in batch.column("packed"):
                yield from pa.ipc.open_stream(packed.as_buffer()).read_all().to_batches()

    packed = []
    for batch in matches.to_batches(max_chunksize=ROWS_A_BATCH):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        packed.append((sink.getvalue().to_pybytes(),))
    frame = spark.createDataFrame(packed, "packed binary")
    found = frame.mapInArrow(unpacked, f"_id string, {MATCH} string, {SCORE} double")
    return found.withColumnRenamed("_id", ID)

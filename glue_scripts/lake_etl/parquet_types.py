"""The types of the columns of Parquet files, from the files' ends: Spark's reader trusts the table's types instead."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.types import StructField, StructType

AT_ONCE = 16  # files that are opened in parallel
NANOS = "lake.nanos"  # metadata of a column whose integers are nanoseconds since 1970


def of_equal_types(spark: SparkSession, paths: Iterable[str]) -> list[list[str]]:
    """Return the files in groups of the same columns, without those whose ends cannot be read."""
    groups = defaultdict(list)
    paths = list(paths)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for path, columns in zip(paths, pool.map(partial(_columns, spark), paths), strict=True):
            groups[columns].append(path)
    return [files for columns, files in groups.items() if columns]


def parquet_schema(spark: SparkSession, path: str, names: Iterable[str]) -> StructType:
    """Return those of the named columns that a file has, in any case, in types of Spark.

    Columns in nanoseconds are integers with NANOS, if the session reads them so. A column of a type that Spark does
    not have, such as a time of the day, is left out. Raises Py4JJavaError for a file that is not Parquet.
    """
    wanted = {name.lower() for name in names}
    with _opened(spark, path) as reader:
        fields = [field for field in _message(reader).getFields() if field.getName().lower() in wanted]
        return StructType([found for field in fields for found in _in_spark(spark, field)])


def _in_spark(spark: SparkSession, field: Any) -> Iterator[StructField]:
    jvm: Any = spark._jvm
    conf = spark._jsparkSession.sessionState().conf()
    converter = jvm.org.apache.spark.sql.execution.datasources.parquet.ParquetToSparkSchemaConverter(conf)
    with suppress(Py4JJavaError, PySparkException):
        types = converter.convert(jvm.org.apache.parquet.schema.MessageType("file", [field]))
        metadata = {NANOS: True} if "TIMESTAMP(NANOS" in field.toString() else {}
        yield StructField(field.getName(), StructType.fromJson(json.loads(types.json()))[0].dataType, metadata=metadata)


def _columns(spark: SparkSession, path: str) -> str:
    try:
        with _opened(spark, path) as reader:
            return str(_message(reader).toString())
    except Py4JJavaError:  # the query that reads the file fails too, and finds out why
        return ""


def _message(reader: Any) -> Any:
    return reader.getFileMetaData().getSchema()


@contextmanager
def _opened(spark: SparkSession, path: str) -> Iterator[Any]:
    jvm: Any = spark._jvm
    file = jvm.org.apache.hadoop.fs.Path(path)
    parquet, configuration = jvm.org.apache.parquet.hadoop, spark._jsc.hadoopConfiguration()
    reader = parquet.ParquetFileReader.open(parquet.util.HadoopInputFile.fromPath(file, configuration))
    try:
        yield reader
    finally:
        reader.close()

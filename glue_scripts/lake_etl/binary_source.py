"""Reads Parquet and ORC files with the table's schema or, if every value then converts exactly, with the file's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn
from pyspark.sql.types import (
    ArrayType,
    DataType,
    LongType,
    MapType,
    NullType,
    NumericType,
    StructField,
    StructType,
    TimestampType,
)

from lake_etl.names import column, quoted
from lake_etl.parquet_types import NANOS, of_equal_types, parquet_schema
from lake_etl.storage import check_opens, literal, path_of
from lake_etl.text_source import FILE, with_file, without

IGNORE_CORRUPT_FILES, NANOS_AS_LONG = "spark.sql.files.ignoreCorruptFiles", "spark.sql.legacy.parquet.nanosAsLong"
UNREADABLE = "it cannot be read as {}: it is of another format, or damaged"
UNKNOWN = "Spark cannot read its values: it is damaged, or of a codec or encoding that Spark does not know. Rewrite it"
TWICE = "its columns {} differ in case alone. Rewrite the file with one of them, or with other names"
SHOWN = 40  # characters of a value in a message
AsWell = frozenset[tuple[str, str]]  # types in a file that Spark's reader takes for those of a table, exactly
AS_WELL: dict[str, AsWell] = {
    "orc": frozenset(),
    "parquet": frozenset(
        {("tinyint", "smallint"), ("tinyint", "int"), ("smallint", "int"), ("timestamp_ntz", "timestamp")}
        | {("binary", "string"), ("string", "binary")}
    ),
}


@dataclass(frozen=True)
class Damage:
    """What was found of files: those that cannot be read (path -> reason), and those with other types than the table.

    own_schemas: path -> the table's columns, with the file's types where these differ.
    """

    files: dict[str, str]
    own_schemas: dict[str, StructType]

    def __bool__(self) -> bool:
        return bool(self.files or self.own_schemas)


@dataclass(frozen=True)
class BinaryFiles:
    """The Parquet or ORC files of a table: those that Spark lists at its locations, without the excluded ones."""

    spark: SparkSession
    format: str
    schema: StructType
    places: list[str]
    left_out: Iterable[str]
    own_schemas: Mapping[str, StructType]

    def frame(self) -> DataFrame:
        """Return the table's columns, and FILE if some files are read separately."""
        reader = self.spark.read.option("recursiveFileLookup", True).schema(self.schema)
        frame = without(reader.load(self.places, format=self.format), [*self.left_out, *self.own_schemas])
        apart = defaultdict(list)
        for path, schema in self.own_schemas.items():
            apart[schema.json()].append(path)
        others = [self._by_own_schema(self.own_schemas[paths[0]], paths) for paths in apart.values()]
        return reduce(DataFrame.unionByName, others, frame)

    def _by_own_schema(self, schema: StructType, paths: list[str]) -> DataFrame:
        with setting(self.spark, NANOS_AS_LONG):
            found = with_file(self.spark.read.schema(schema).load([*map(literal, paths)], format=self.format))
            columns = (
                _exactly(field, there).alias(field.name) for field, there in zip(self.schema, schema, strict=True)
            )
            return found.select(*columns, FILE)

    def damage(self, sizes: Mapping[str, int]) -> Damage:
        """Inspect the files of other types than the table, and those that gave no row (path -> size in bytes)."""
        paths = [path for path, size in sizes.items() if size]
        return self._judged(dict.fromkeys([*self._of_other_types(paths), *self._suspects(paths)]))

    def converted(self, paths: list[str]) -> Damage:
        """Inspect the files of other types than the table: Spark's readers convert some values without checks."""
        return self._judged(self._of_other_types(paths))

    def _of_other_types(self, paths: list[str]) -> list[str]:
        if self.format == "orc":
            return [] if self._are_of_types() else paths
        groups = of_equal_types(self.spark, paths)
        return [path for files in groups if self._is_of_other_types(files[0]) for path in files]

    def _is_of_other_types(self, path: str) -> bool:
        own = self._own_schema(path)
        return isinstance(own, StructType) and any(self._differing(own))

    def _differing(self, own: StructType) -> Iterator[tuple[StructField, StructField]]:
        return _differing(own, self.schema, AS_WELL[self.format])

    def _are_of_types(self) -> bool:
        """Whether the files have the types of the table: Spark reads the ends of all of them in parallel."""
        reader = self.spark.read.options(recursiveFileLookup=True, mergeSchema=True)
        try:
            with setting(self.spark, IGNORE_CORRUPT_FILES):
                merged = reader.load(self.places, format=self.format).schema
        except (Py4JJavaError, PySparkException):
            return False
        return _is_alike(merged, self.schema, AS_WELL[self.format])

    def _suspects(self, paths: list[str]) -> Iterable[str]:
        try:
            with setting(self.spark, IGNORE_CORRUPT_FILES):
                # Spark reads no column for a plain count, so it would not notice one that cannot be read.
                counts = [fn.count(quoted(name)) for name in self.schema.names]
                gave_rows = {path_of(row[0]) for row in with_file(self.frame()).groupBy(FILE).agg(*counts).collect()}
        except Py4JJavaError:  # what fails after a file was opened is not ignored
            return self._failing(paths)
        return (path for path in paths if path not in gave_rows)

    def _failing(self, paths: list[str]) -> Iterator[str]:
        """Yield the files whose values Spark cannot read with the table's schema."""
        middle = len(paths) // 2
        if not self._reads(paths):
            yield from [*self._failing(paths[:middle]), *self._failing(paths[middle:])] if middle else paths

    def _reads(self, paths: list[str]) -> bool:
        frame = self.spark.read.schema(self.schema).load([*map(literal, paths)], format=self.format)
        try:
            frame.write.format("noop").mode("overwrite").save()
        except Py4JJavaError:
            return False
        return True

    def _judged(self, paths: Iterable[str]) -> Damage:
        found = Damage({}, {})
        for path in paths:
            self._judge(path, found)
        return found

    def _judge(self, path: str, found: Damage) -> None:
        own = self._own_schema(path)
        if isinstance(own, str):
            found.files[path] = own
        elif differing := list(self._differing(own)):
            read_as = StructType([dict(differing).get(field, field) for field in self.schema])
            if fault := next(filter(None, (self._unfit(path, read_as, *pair) for pair in differing)), ""):
                found.files[path] = fault
            else:
                found.own_schemas[path] = read_as
        elif not self._reads([path]):
            found.files[path] = UNKNOWN

    def _own_schema(self, path: str) -> StructType | str:
        """Return the file's schema, or why it cannot be read."""
        try:
            with setting(self.spark, NANOS_AS_LONG):
                if self.format == "parquet":
                    own = parquet_schema(self.spark, path, self.schema.names)
                    return TWICE.format(" and ".join(twice)) if (twice := _twice(own.names)) else own
                return self.spark.read.load(literal(path), format=self.format).schema
        except (Py4JJavaError, PySparkException):
            check_opens(self.spark, path)
            return UNREADABLE.format({"parquet": "Parquet", "orc": "ORC"}[self.format])

    def _unfit(self, path: str, read_as: StructType, field: StructField, there: StructField) -> str:
        """Return why a column of a file cannot be read as the table's type. Empty if all its values convert exactly."""
        kind = "timestamp in nanoseconds" if there.metadata.get(NANOS) else there.dataType.simpleString()
        such = f"column {field.name} is {kind} in the file and {field.dataType.simpleString()} in the table"
        way_out = "Rewrite the file, or change the column's type"
        if not _comparable(there.dataType, field.dataType, bool(there.metadata.get(NANOS))):
            return f"{such}. {way_out}"
        with setting(self.spark, NANOS_AS_LONG):
            frame = self.spark.read.schema(read_as).load(literal(path), format=self.format)
            value = _exactly(field, there)
            lost = frame.where(column(there.name).isNotNull() & value.isNull()).select(quoted(there.name)).head()
        return f"{such}, which cannot hold {str(lost[0])[:SHOWN]}. {way_out}" if lost else ""


def _twice(names: list[str]) -> list[str]:
    """Return the names that differ in case alone."""
    lower = [name.lower() for name in names]
    return [name for name in names if lower.count(name.lower()) > 1]


def _differing(own: StructType, schema: StructType, as_well: AsWell) -> Iterator[tuple[StructField, StructField]]:
    """Yield the fields of a schema that are of another type in a file, each with that of the file."""
    there = {field.name.lower(): field for field in own}
    for field in schema:
        found = there.get(field.name.lower())
        if found and not (_is_alike(found.dataType, field.dataType, as_well) and not found.metadata.get(NANOS)):
            yield field, found


def _is_alike(there: DataType, here: DataType, as_well: AsWell) -> bool:
    """Whether types are equal but for the order and case of a struct's fields, and fields that only one has."""
    if isinstance(there, StructType) and isinstance(here, StructType):
        return not any(_differing(there, here, as_well))
    if isinstance(there, ArrayType) and isinstance(here, ArrayType):
        return _is_alike(there.elementType, here.elementType, as_well)
    if isinstance(there, MapType) and isinstance(here, MapType):
        pairs = (there.keyType, here.keyType), (there.valueType, here.valueType)
        return all(_is_alike(*pair, as_well) for pair in pairs)
    return there == here or (there.simpleString(), here.simpleString()) in as_well


def _comparable(there: DataType, here: DataType, nanos: bool) -> bool:
    if nanos:
        return isinstance(here, TimestampType)
    return isinstance(there, NullType) or _are_numbers(there, here)


def _are_numbers(there: DataType, here: DataType) -> bool:
    if isinstance(there, ArrayType) and isinstance(here, ArrayType):
        return _are_numbers(there.elementType, here.elementType)
    return isinstance(there, NumericType) and isinstance(here, NumericType)


def _exactly(field: StructField, there: StructField) -> Column:
    """Return a column of a file as the table's type; null for a value that does not convert exactly."""
    if isinstance(there.dataType, NullType):
        return fn.lit(None).cast(field.dataType)
    old, name = column(there.name), quoted(there.name)
    if there.dataType == field.dataType:
        return old
    if there.metadata.get(NANOS) and isinstance(there.dataType, LongType):
        return fn.when(old % 1000 == 0, fn.expr(f"timestamp_micros({name} div 1000)"))
    new, back = f"try_cast({name} AS {field.dataType.simpleString()})", there.dataType.simpleString()
    return fn.expr(f"IF(try_cast({new} AS {back}) = {name}, {new}, NULL)")


@contextmanager
def setting(spark: SparkSession, name: str) -> Iterator[None]:
    """Set a setting of the session to true within the block."""
    spark.conf.set(name, "true")
    try:
        yield
    finally:
        spark.conf.unset(name)

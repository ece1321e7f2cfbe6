"""Reads text files into frames: one row per line, with the table's columns, and the reason if a line does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from py4j.protocol import Py4JJavaError
from pyspark.sql import Column, DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as fn
from pyspark.sql.types import DataType, MapType, StringType, StructField, StructType

from lake_etl.catalog import Table
from lake_etl.csv_rows import BLANK, CsvRows, Dialect, decoded, lines, records, whole_lines
from lake_etl.documents import DOCUMENT, FAULT, RECORD, records_at
from lake_etl.json_rows import FORMATS, JsonRows, Keys, spelled
from lake_etl.names import quoted
from lake_etl.storage import head_of, literal, packed_fault, uri_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CORRUPT, REASON, FILE = "_lake_corrupt_record", "_lake_reason", "_lake_source_file"
ROW, FIELDS, PARSED = "_lake_row", "_lake_fields", "_lake_parsed"
BY_LIBRARIES = (".zst", ".snappy", ".lz4")  # Spark unpacks them if its Hadoop comes with the libraries
UNPACKED = "Spark cannot unpack it: it is damaged, or its codec is missing here. Pack the file with gzip or bzip2"
HEADS, HEAD = 32, 256 * 1024  # number of files to check for the spelling of names, and bytes of each


@dataclass(frozen=True)
class TextFiles:
    """The text files of a table: those that Spark lists at its locations, without the excluded ones.

    frame: the table's columns; CORRUPT and REASON, both null for a line that fits; FILE.
    """

    spark: SparkSession
    s3: S3Client
    table: Table
    schema: StructType
    places: list[str]
    paths: list[str]
    left_out: Iterable[str]

    def frame(self) -> DataFrame:
        if self.table.format == "csv":
            return self._csv()
        return self._documents() if "jsonPath" in self.table.parameters else self._json()

    def damaged(self) -> dict[str, str]:
        """Return path -> reason for the compressed files that are damaged, or that Spark cannot unpack."""
        with ThreadPoolExecutor(8) as pool:
            faults = pool.map(partial(packed_fault, self.s3), self.paths)
            found = {path: fault for path, fault in zip(self.paths, faults, strict=True) if fault}
        return found | {
            path: UNPACKED for path in self.paths if path.endswith(BY_LIBRARIES) and not self._unpacks(path)
        }

    def _unpacks(self, path: str) -> bool:
        try:
            self.spark.read.text(literal(path)).head()
        except Py4JJavaError:
            return False
        return True

    def _csv(self) -> DataFrame:
        dialect = Dialect.of(self.table.dataset, self.table.parameters, self.table.quotes)
        rows = CsvRows(self.schema, dialect)
        frame = self._whole_files(records("value", dialect)) if dialect.multiline else self._lines(dialect)
        frame = frame.withColumn(FIELDS, fn.expr(rows.fields("value")))
        frame = frame.withColumn(REASON, fn.expr(rows.reason("value", FIELDS)))
        values = (fn.when(fn.col(REASON).isNull(), fn.expr(sql)).alias(name) for name, sql in rows.columns(FIELDS))
        return frame.select(*values, _where_bad("value"), REASON, FILE)

    def _lines(self, dialect: Dialect) -> DataFrame:
        """Read lines with Spark's CSV reader, which drops a line of blanks alone: such a line may have empty fields."""
        plain = self._read(lines(self._reader(), dialect), "csv")
        if dialect.separator > " ":
            return plain
        text = self._read(self._reader(), "text")
        if not dialect.header:
            return text.select(fn.expr(decoded("value", dialect)).alias("value"), FILE).where("value <> ''")
        by_file = self._whole_files(whole_lines("value", dialect))
        return self._apart(plain, text.where(fn.col("value").rlike(BLANK)), lambda is_odd: by_file.where(is_odd))

    def _whole_files(self, found: str) -> DataFrame:
        """found: SQL of the records in the text of a file, `value`."""
        files = self._read(self._reader().option("wholetext", True), "text")
        return files.select(fn.expr(f"explode({found})").alias("value"), FILE)

    def _apart(self, plain: DataFrame, odd: DataFrame, read: Callable[[Column], DataFrame]) -> DataFrame:
        """Return the rows of files, those with odd lines by `read`, which takes the condition that a file is one.

        `plain` has to have listed the files before `odd`, so that it has none that `odd` did not look through.
        """
        files = [row[0] for row in odd.select(FILE).distinct().collect()]
        if not files:
            return plain
        is_odd = fn.col(FILE).isin(files)
        return plain.where(~is_odd).unionByName(read(is_odd))

    def _documents(self) -> DataFrame:
        path, rows = self.table.parameters["jsonPath"], self._rows({})
        files = self._read(self._reader().option("wholetext", True), "text")
        found = records_at(files.withColumn("value", fn.expr(rows.exact("value"))), path)
        nothing = fn.when(fn.col(RECORD).isNull(), fn.lit(f"the document has nothing at {path}"))
        found = _taken_apart(found, rows, RECORD).withColumn(REASON, fn.coalesce(FAULT, nothing, REASON))
        found = found.withColumn(RECORD, fn.expr(rows.nesting.plain(f"coalesce({RECORD}, {DOCUMENT})")))
        return found.select(*self._again(), _where_bad(RECORD), REASON, FILE)

    def _json(self) -> DataFrame:
        rows = self._rows(spelled(self._heads(), self.table.parameters.get("paths", "")))
        lines = self._read(self._reader(), "text").where(rows.filled("value")).withColumnRenamed("value", CORRUPT)
        if rows.all_are_odd():
            return _read_again(lines, rows).select(*self._again(), *OTHERS)
        return self._parsed(lines, rows)

    def _parsed(self, lines: DataFrame, rows: JsonRows) -> DataFrame:
        """Read lines with Spark's own parser, and those that are not plain to it again."""
        written = rows.as_written()
        schema = StructType([*written.fields, StructField(CORRUPT, StringType())])
        options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT, **FORMATS}
        parsed = lines.withColumn(PARSED, fn.from_json(CORRUPT, schema, options))
        plain = f"{PARSED}.{CORRUPT} IS NULL AND {rows.plain(CORRUPT, PARSED)}"
        frame = _read_again(parsed.withColumn(CORRUPT, fn.expr(f"IF({plain}, NULL, {CORRUPT})")), rows)
        fits = fn.col(CORRUPT).isNull() & fn.col(ROW).isNull()
        values = (
            fn.when(fits, _deduplicated(f"{PARSED}.{quoted(there.name)}", there.dataType).cast(field.dataType))
            .otherwise(again)
            .alias(field.name)
            for field, there, again in zip(self.schema, written, self._again(), strict=True)
        )
        return frame.select(*values, *OTHERS)

    def _again(self) -> Iterator[Column]:
        return (fn.col(f"{ROW}.{quoted(name)}").alias(name) for name in self.schema.names)

    def _rows(self, spelled: Mapping[str, str]) -> JsonRows:
        return JsonRows(self.schema, Keys.of(self.table.parameters), spelled)

    def _heads(self) -> Iterator[str]:
        """Yield lines from the start of some files; the last line may be cut off."""
        some = self.paths[:: len(self.paths) // HEADS + 1]
        with ThreadPoolExecutor(8) as pool:
            for head in pool.map(lambda path: head_of(self.s3, path, HEAD), some):
                yield from head.decode(errors="replace").split("\n")

    def _reader(self) -> DataFrameReader:
        return self.spark.read.option("recursiveFileLookup", True)

    def _read(self, reader: DataFrameReader, format_: str) -> DataFrame:
        return without(with_file(reader.load(self.places, format=format_)), self.left_out)


def _deduplicated(name: str, type_: DataType) -> Column:
    """A parsed value. Of a key that is twice in a map, Spark's parser keeps both."""
    return fn.expr(f"map_from_entries(map_entries({name}))") if isinstance(type_, MapType) else fn.col(name)


def _read_again(frame: DataFrame, rows: JsonRows) -> DataFrame:
    """With ROW and REASON of what is in CORRUPT: either is there for it. CORRUPT stays of bad lines alone."""
    return _taken_apart(frame, rows, CORRUPT).withColumn(CORRUPT, _where_bad(CORRUPT))


def _taken_apart(frame: DataFrame, rows: JsonRows, line: str) -> DataFrame:
    """With ROW or REASON of each line that is there. A column for the fields, so that each line is parsed once."""
    frame = frame.withColumn(FIELDS, fn.expr(rows.fields(line)))
    frame = frame.withColumn(REASON, fn.expr(f"IF({line} IS NULL, NULL, {rows.reason(line, FIELDS)})"))
    return frame.withColumn(ROW, fn.expr(f"IF({line} IS NULL OR {REASON} IS NOT NULL, NULL, {rows.row(FIELDS)})"))


def _where_bad(name: str) -> Column:
    return fn.when(fn.col(REASON).isNotNull(), fn.col(name)).alias(CORRUPT)


def with_file(frame: DataFrame) -> DataFrame:
    """Add each row's file, as a URI."""
    return frame if FILE in frame.columns else frame.select("*", fn.col("_metadata.file_path").alias(FILE))


def without(frame: DataFrame, files: Iterable[str]) -> DataFrame:
    """Exclude files. Spark applies a condition on the file name before it opens the file."""
    uris = [uri_of(path) for path in files]
    return with_file(frame).where(~fn.col(FILE).isin(uris)) if uris else frame


OTHERS = (CORRUPT, REASON, FILE)

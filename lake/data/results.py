"""Saves a query result as a local file. It is streamed, so results of any size work."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import pyarrow as pa
from botocore.exceptions import ClientError
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from lake.aws import Aws, error_code
from lake.data.sql import Answer, Column
from lake.errors import BadInput, LakeError

BLOCK = 16 * 1024**2
"""Bytes per read. No row is longer."""
TYPES = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
"""Athena type -> Parquet type. All other types are saved as Athena's text."""


def check(file: Path) -> None:
    """Raise BadInput for a file that cannot be written, before the query incurs costs."""
    if file.suffix not in WRITERS:
        raise BadInput(f"--output {file}: the suffix selects the format. Allowed: {' or '.join(WRITERS)}")
    if not file.parent.is_dir() or file.is_dir():
        raise BadInput(
            f"--output {file}: {file if file.is_dir() else file.parent} is {'' if file.is_dir() else 'not '}a folder"
        )


def save(aws: Aws, answer: Answer, file: Path) -> int:
    """Write the entire result as CSV or Parquet, by the file's suffix, replacing the file. Returns its size in bytes.

    CSV is Athena's own: every value is quoted, and NULL is an empty unquoted field. Parquet has Athena's types.
    """
    with _replacing(file) as target, _opened(aws, answer.output) as body:
        lines = answer.output.endswith(".csv")
        (WRITERS[file.suffix] if lines else _write_lines(file.suffix))(body, answer.columns, target)
    return file.stat().st_size


@contextmanager
def _replacing(file: Path) -> Iterator[IO[bytes]]:
    """Write to a temporary file that replaces `file` when it is complete."""
    unfinished = file.with_name(f".{file.name}.part")
    try:
        with unfinished.open("wb") as target:
            yield target
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _opened(aws: Aws, output: str) -> Iterator[Any]:
    place = urlsplit(output)
    try:
        body = aws.s3.get_object(Bucket=place.netloc, Key=place.path[1:])["Body"]
    except ClientError as error:
        if error_code(error) == "NoSuchKey":
            raise LakeError("the statement returns no rows to save in a file") from None
        raise
    with body:
        yield body


def _write_csv(body: Any, columns: list[Column], target: IO[bytes]) -> None:
    shutil.copyfileobj(body, target)


def _write_parquet(body: Any, columns: list[Column], target: IO[bytes]) -> None:
    fields = [pa.field(name, _type(column)) for name, column in zip(_unique(columns), columns, strict=True)]
    places = [f"c{place}" for place in range(len(fields))]
    types = dict(zip(places, (field.type for field in fields), strict=True))
    with parquet.ParquetWriter(target, pa.schema(fields), compression="zstd") as writer:
        for batch in _batches(body, places, types):
            writer.write_batch(pa.record_batch(batch.columns, schema=pa.schema(fields)))


def _batches(body: Any, places: list[str], types: dict[str, Any]) -> Iterator[Any]:
    reading = arrow_csv.ReadOptions(column_names=places, skip_rows=1, block_size=BLOCK)
    parsing = arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    converting = arrow_csv.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    try:
        yield from arrow_csv.open_csv(pa.PythonFile(body, "r"), reading, parsing, converting)
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise LakeError(f"the result does not fit its column types: {error}. Use a .csv file instead") from None


def _type(column: Column) -> Any:
    return (
        pa.decimal128(column.precision, column.scale)
        if column.type == "decimal"
        else TYPES.get(column.type, pa.string())
    )


def _unique(columns: list[Column]) -> list[str]:
    """The column names, made unique: a second `a` becomes `a_2`."""
    names: list[str] = []
    for column in columns:
        again = sum(name == column.name for name in names)
        names.append(f"{column.name}_{again + 1}" if again else column.name)
    return names


def _write_lines(suffix: str) -> Callable[[Any, list[Column], IO[bytes]], None]:
    """A writer for statements whose result is tab-separated text: SHOW, DESCRIBE, ..."""

    def write(body: Any, columns: list[Column], target: IO[bytes]) -> None:
        rows = [line.decode().split("\t") for line in body.iter_lines()]
        names = _unique(columns)
        if suffix == ".parquet":
            table = pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)})
            parquet.write_table(table, target)
            return
        text = TextIOWrapper(target, newline="", write_through=True)
        csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([names, *rows])
        text.detach()

    return write


WRITERS: dict[str, Callable[[Any, list[Column], IO[bytes]], None]] = {".csv": _write_csv, ".parquet": _write_parquet}

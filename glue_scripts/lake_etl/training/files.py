"""The files of a training set: one a part, and the same rows give the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn

from lake_etl.errors import JobError
from lake_etl.names import check_comparable, column

TIMESTAMP = "yyyy-MM-dd HH:mm:ss.SSSSSS"
COMPRESSION = {"parquet": "snappy", "csv": "none"}
# Values stay as they are, with their spaces and line breaks.
CSV: dict[str, Any] = {
    "quote": '"',
    "escape": '"',
    "multiLine": True,
    "ignoreLeadingWhiteSpace": False,
    "ignoreTrailingWhiteSpace": False,
}


@dataclass(frozen=True)
class File:
    """A file: its place below the set's folder, its rows, its bytes and their SHA-256."""

    path: str
    rows: int
    bytes: int
    sha256: str


class Folder:
    """A folder of S3 as Hadoop has it, with which a file that Spark wrote gets a name that says what it is."""

    def __init__(self, spark: SparkSession, location: str) -> None:
        self._jvm: Any = spark._jvm
        self._hadoop = spark._jsparkSession.sessionState().newHadoopConf()
        self.location = location

    def path(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self.location + name)

    @property
    def _files(self) -> Any:
        return self.path("").getFileSystem(self._hadoop)

    def only_file(self, folder: str) -> Any:
        """The one data file that Spark wrote into a folder below."""
        found = [file for file in self._files.listStatus(self.path(folder)) if file.getPath().getName()[0] not in "._"]
        if len(found) != 1:
            raise JobError(f"{self.location}{folder}: {len(found)} files were written, and not one")
        return found[0]

    def sha256(self, path: Any) -> str:
        stream = self._files.open(path)
        try:
            return str(self._jvm.org.apache.commons.codec.digest.DigestUtils.sha256Hex(stream))
        finally:
            stream.close()

    def take(self, source: Any, name: str) -> None:
        """Move a file here; one that is there is replaced."""
        target = self.path(name)
        self._files.mkdirs(target.getParent())
        self._files.delete(target, False)
        if not self._files.rename(source, target):
            raise JobError(f"{self.location}{name}: the file cannot be put there")

    def delete(self) -> None:
        self._files.delete(self.path(""), True)


def write_file(rows: DataFrame, folder: Folder, name: str, format_: str) -> tuple[Any, File]:
    """Write rows as one file, sorted by all their columns. Returns where it is now."""
    check_comparable(rows, rows.columns, "the training set")
    arranged = rows.repartition(1).sortWithinPartitions(*map(column, rows.columns))
    written = arranged.select(*[_text(name, type_) for name, type_ in rows.dtypes]) if format_ == "csv" else arranged
    where = name.replace("/", "_")
    writer = written.write.mode("overwrite").options(
        compression=COMPRESSION[format_], header=False, nullValue="", emptyValue='""', **CSV
    )
    writer.format(format_).save(folder.location + where)
    found = folder.only_file(where)
    reader = rows.sparkSession.read.options(**CSV).schema(written.schema).format(format_)
    count = reader.load(folder.location + where).count()
    return found.getPath(), File(name, count, int(found.getLen()), folder.sha256(found.getPath()))


def _text(name: str, type_: str) -> Column:
    """A value as SageMaker's algorithms and Athena read it."""
    if type_ == "boolean":
        return column(name).cast("int").alias(name)
    if type_.startswith("timestamp"):
        return fn.date_format(column(name), TIMESTAMP).alias(name)
    if type_.startswith(("array", "struct", "binary")):
        raise JobError(f"column {name} is {type_}, which CSV does not hold. Use format: parquet, or leave it out")
    return column(name).alias(name)

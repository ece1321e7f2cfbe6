"""Hive's class names for the file formats in the Data Catalog, for crawlers and Athena's DDL."""

from __future__ import annotations

from typing import NamedTuple

_HIVE = "org.apache.hadoop.hive"
_PARQUET = f"{_HIVE}.ql.io.parquet"
_LINES = ("org.apache.hadoop.mapred.TextInputFormat", f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat")


class Classes(NamedTuple):
    """The input format, output format and SerDe."""

    input: str
    output: str
    serde: str


PARQUET = Classes(
    f"{_PARQUET}.MapredParquetInputFormat",
    f"{_PARQUET}.MapredParquetOutputFormat",
    f"{_PARQUET}.serde.ParquetHiveSerDe",
)
ORC = Classes(f"{_HIVE}.ql.io.orc.OrcInputFormat", f"{_HIVE}.ql.io.orc.OrcOutputFormat", f"{_HIVE}.ql.io.orc.OrcSerde")
JSON = Classes(*_LINES, "org.openx.data.jsonserde.JsonSerDe")
TEXT = Classes(*_LINES, f"{_HIVE}.serde2.lazy.LazySimpleSerDe")
OPEN_CSV = Classes(*_LINES, f"{_HIVE}.serde2.OpenCSVSerde")
AVRO = Classes(
    f"{_HIVE}.ql.io.avro.AvroContainerInputFormat",
    f"{_HIVE}.ql.io.avro.AvroContainerOutputFormat",
    f"{_HIVE}.serde2.avro.AvroSerDe",
)
RC_FILE = Classes(
    f"{_HIVE}.ql.io.RCFileInputFormat",
    f"{_HIVE}.ql.io.RCFileOutputFormat",
    f"{_HIVE}.serde2.columnar.LazyBinaryColumnarSerDe",
)
SEQUENCE_FILE = Classes(
    "org.apache.hadoop.mapred.SequenceFileInputFormat",
    f"{_HIVE}.ql.io.HiveSequenceFileOutputFormat",
    f"{_HIVE}.serde2.lazy.LazySimpleSerDe",
)
ION = Classes(
    "com.amazon.ionhiveserde.formats.IonInputFormat",
    "com.amazon.ionhiveserde.formats.IonOutputFormat",
    "com.amazon.ionhiveserde.IonHiveSerDe",
)

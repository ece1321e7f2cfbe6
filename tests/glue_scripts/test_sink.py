"""The sink's formats: what Spark reads back, and the files' catalog entries."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from pyspark.sql import DataFrame, SparkSession

from lake_etl.catalog import publish_partitions, publish_table, storage_of
from lake_etl.errors import JobError
from lake_etl.exact import held
from lake_etl.formats import FORMATS
from lake_etl.job import SETTINGS
from lake_etl.sink import TIMESTAMP, Written, read_sink, write_table
from tests.glue_scripts.edges import LOST_IN_ORC, edges
from tests.glue_scripts.small_lake import Lake

SCHEMA = "Id int, name string, at timestamp, day date, price decimal(9,2), good boolean, part string"
ROWS: list[tuple[Any, ...]] = [
    (1, "Smith, J\\r", datetime(2013, 1, 1, 10, tzinfo=UTC), date(2013, 1, 1), Decimal("1.50"), True, "a"),
    (2, "", None, None, None, None, "a"),
    (3, None, datetime(2013, 1, 1, 10, 0, 0, 250, tzinfo=UTC), date(2013, 1, 1), Decimal("-2.00"), False, "b/c"),
]
PAIRS = [
    (name, compression) for name, format_ in FORMATS.items() for compression in format_.compressions if name != "avro"
]


def write(frame: DataFrame, location: str, **options: Any) -> Written:
    return write_table(frame, location, read_sink({"table": "t", **options}))


@pytest.fixture
def frame(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(ROWS, SCHEMA)


@pytest.mark.parametrize(("format_", "compression"), PAIRS)
def test_every_format_and_compression_is_written_and_counted(
    frame: DataFrame, tmp_path: Path, format_: str, compression: str
) -> None:
    written = write(frame, f"{tmp_path}/t/", format=format_, compression=compression, partition_by=["part"])
    files = [file for file in tmp_path.rglob("part-*") if file.is_file()]
    assert (written.rows, written.files, written.bytes) == (3, 2, sum(file.stat().st_size for file in files))
    assert written.partitions == {("a",): f"{tmp_path}/t/part=a/", ("b/c",): f"{tmp_path}/t/part=b%2Fc/"}


@pytest.mark.parametrize("format_", ["parquet", "orc", "json"])
def test_written_values_are_read_back_unchanged(frame: DataFrame, tmp_path: Path, format_: str) -> None:
    write(frame, f"{tmp_path}/t/", format=format_)
    read = frame.sparkSession.read.schema(frame.schema).option("timestampFormat", "yyyy-MM-dd HH:mm:ss.SSSSSS")
    assert sorted(read.format(format_).load(f"{tmp_path}/t").collect()) == sorted(frame.collect())


@pytest.fixture
def as_in_a_run(spark: SparkSession) -> Iterator[SparkSession]:
    before = {name: spark.conf.get(name) for name in SETTINGS}
    for name, value in SETTINGS.items():
        spark.conf.set(name, value)
    yield spark
    for name, was in before.items():
        spark.conf.set(name, str(was)) if was is not None else spark.conf.unset(name)


def shown(frame: DataFrame) -> list[Any]:
    """Return the rows as text with all digits; a timestamp without a time zone is taken as UTC."""
    texts = frame.selectExpr(*[f"CAST(`{name}` AS string) AS `{name}`" for name in frame.columns])
    return sorted((tuple(row) for row in texts.collect()), key=str)


@pytest.mark.parametrize("format_", ["parquet", "orc", "json"])
def test_edge_values_are_read_back_unchanged(as_in_a_run: SparkSession, tmp_path: Path, format_: str) -> None:
    frame = edges(as_in_a_run, nested=True)
    write(frame, f"{tmp_path}/t/", format=format_)
    times = {"timestampFormat": TIMESTAMP, "timestampNTZFormat": TIMESTAMP}
    read = as_in_a_run.read.schema(held(frame, format_, ()).schema)
    assert shown(read.options(**times).format(format_).load(f"{tmp_path}/t")) == shown(frame)


def test_edge_values_are_written_to_csv_as_hive_does(as_in_a_run: SparkSession, tmp_path: Path) -> None:
    frame = edges(as_in_a_run, nested=False)
    write(frame, f"{tmp_path}/t/", format="csv", compression="none")
    lines = [row.value for row in as_in_a_run.read.text(f"{tmp_path}/t").collect()]
    assert sorted(map(fields, lines), key=str) == shown(frame)


def fields(line: str) -> tuple[str | None, ...]:
    """Split a line as LazySimpleSerDe does: a backslash escapes the next character."""
    parts = re.findall(r"(?:^|,)((?:[^,\\]|\\.)*)", line, re.DOTALL)
    return tuple(None if part == r"\N" else re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in parts)


@pytest.mark.parametrize("time", LOST_IN_ORC)
@pytest.mark.parametrize("column", ["CAST('{}' AS {}) AS x", "array(named_struct('y', CAST('{}' AS {}))) AS x"])
def test_orc_refuses_times_that_it_cannot_hold(
    as_in_a_run: SparkSession, tmp_path: Path, time: str, column: str
) -> None:
    types = ["timestamp", "timestamp_ntz", *(["date"] if ":" not in time else [])]
    for type_ in types:
        with pytest.raises(Exception, match=r"sink format orc: column x has a time in .*Choose parquet"):
            write(as_in_a_run.sql("SELECT " + column.format(time, type_)), f"{tmp_path}/{type_}/", format="orc")


def test_a_timestamp_without_a_time_zone_stays_a_timestamp_in_orc(as_in_a_run: SparkSession, tmp_path: Path) -> None:
    written = write(
        as_in_a_run.sql("SELECT array(TIMESTAMP_NTZ'2013-01-01 10:00:00') AS x"), f"{tmp_path}/", format="orc"
    )
    assert written.columns == {"x": "array<timestamp>"}
    assert as_in_a_run.read.orc(str(tmp_path)).dtypes == [("x", "array<timestamp>")]


@pytest.mark.parametrize("format_", ["parquet", "orc", "json", "csv"])
@pytest.mark.parametrize("value", ["NULL", "array(NULL)", "named_struct('y', NULL)"])
def test_a_column_without_a_type_is_refused(spark: SparkSession, tmp_path: Path, format_: str, value: str) -> None:
    with pytest.raises(JobError, match=r"sink: column z has no type, .*CAST\(NULL AS string\)"):
        write(spark.sql(f"SELECT 1 AS a, {value} AS z"), f"{tmp_path}/t/", format=format_)


@pytest.mark.parametrize("text", ["", "__HIVE_DEFAULT_PARTITION__"])
def test_a_text_with_the_partition_folder_of_null_is_refused(spark: SparkSession, tmp_path: Path, text: str) -> None:
    frame = spark.createDataFrame([(1, text), (2, None)], "a int, part string")
    with pytest.raises(
        Exception, match=rf"sink partition_by: column part has the text '{text}', whose folder is the one of null"
    ):
        write(frame, f"{tmp_path}/t/", partition_by=["part"])


@pytest.mark.parametrize("type_", ["array<int>", "map<string,int>", "struct<a:int>", "binary", "void"])
def test_a_nested_partition_key_is_refused(spark: SparkSession, tmp_path: Path, type_: str) -> None:
    frame = spark.sql(f"SELECT 1 AS a, CAST(NULL AS {type_}) AS part")
    with pytest.raises(JobError, match=r"sink partition_by: column part is .*\. Allowed: texts, numbers, dates"):
        write(frame, f"{tmp_path}/t/", partition_by=["part"])


@pytest.mark.parametrize("format_", ["parquet", "json", "csv", "orc"])
@pytest.mark.parametrize("target_file_mb", [None, 1])
def test_any_column_name_is_written(
    spark: SparkSession, tmp_path: Path, format_: str, target_file_mb: int | None
) -> None:
    names = ["user.id", "a b", "line", "x/y", *([] if format_ == "orc" else ["c`d"])]
    frame = spark.range(1).selectExpr(*[f"{place} AS `{name.replace('`', '``')}`" for place, name in enumerate(names)])
    options = {"format": format_, "target_file_mb": target_file_mb}
    written = write(frame, f"{tmp_path}/t/", partition_by=["user.id", "x/y"], **options)
    assert written.keys == {"user.id": "int", "x/y": "int"}
    assert written.partitions == {("0", "3"): f"{tmp_path}/t/user.id=0/x%2Fy=3/"}
    assert list(written.columns) == [name for name in names if name not in written.keys]
    if format_ in ("parquet", "orc"):
        assert set(spark.read.format(format_).load(f"{tmp_path}/t/user.id=0").columns) == {*names} - {"user.id"} | {
            "x/y"
        }


def test_orc_refuses_a_name_with_a_backquote(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"ORC files do not hold the backquote in the name of a`b\. Rename it"):
        write(spark.sql("SELECT 1 AS `a``b`"), f"{tmp_path}/t/", format="orc")


def test_csv_delimiters_and_nulls_are_written_as_hive_reads_them(frame: DataFrame, tmp_path: Path) -> None:
    write(frame, f"{tmp_path}/t/", format="csv", compression="none", partition_by=["part"])
    lines = [line for file in tmp_path.rglob("part-*.txt") for line in file.read_text().splitlines()]
    assert sorted(lines) == [
        r"1,Smith\, J\\r,2013-01-01 10:00:00,2013-01-01,1.50,true",
        r"2,,\N,\N,\N,\N",
        r"3,\N,2013-01-01 10:00:00.00025,2013-01-01,-2.00,false",
    ]


def test_csv_refuses_values_that_it_cannot_hold(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"sink format csv: column tags is array<string>\. Choose json, parquet or orc"):
        write(spark.createDataFrame([([],)], "tags array<string>"), f"{tmp_path}/t/", format="csv")
    with pytest.raises(Exception, match=r"sink format csv: column note has a text of more than one line"):
        write(spark.createDataFrame([("a\nb",)], "note string"), f"{tmp_path}/t/", format="csv")


def test_avro_is_refused_if_spark_lacks_it(frame: DataFrame, tmp_path: Path) -> None:
    with pytest.raises(
        JobError, match=r"sink format avro: this Spark cannot write it\. .*spark-avro.* or write one of"
    ):
        write(frame, f"{tmp_path}/t/", format="avro")


@pytest.mark.parametrize("format_", ["parquet", "orc", "json", "csv"])
def test_a_table_without_rows_is_written_too(frame: DataFrame, tmp_path: Path, format_: str) -> None:
    assert write(frame.where("Id > 9"), f"{tmp_path}/t/", format=format_).rows == 0


def test_small_files_are_combined_to_the_target_size(spark: SparkSession, tmp_path: Path) -> None:
    frame = spark.range(0, 1_200_000, numPartitions=40).selectExpr(
        "id", "sha1(cast(id AS string)) AS hash", "id % 2 AS k"
    )
    before = spark.conf.get("spark.sql.adaptive.advisoryPartitionSizeInBytes")
    plain, half = tmp_path / "plain", tmp_path / "half"
    assert write(frame, f"{plain}/").files == 40
    written = write(frame, f"{half}/", target_file_mb=8)
    assert 2 <= written.files <= 8
    assert all(4 < file.stat().st_size / 1e6 < 16 for file in half.glob("part-*")), list(half.glob("part-*"))
    by_key = write(frame, f"{tmp_path}/keys/", target_file_mb=8, partition_by=["k"])
    assert (by_key.rows, len(by_key.partitions)) == (1_200_000, 2)
    assert 2 <= by_key.files <= 10
    assert spark.conf.get("spark.sql.adaptive.advisoryPartitionSizeInBytes") == before


@pytest.mark.parametrize(
    ("format_", "input_", "serde"),
    [
        ("parquet", "MapredParquetInputFormat", "ParquetHiveSerDe"),
        ("orc", "OrcInputFormat", "OrcSerde"),
        ("json", "TextInputFormat", "openx.data.jsonserde.JsonSerDe"),
        ("csv", "TextInputFormat", "LazySimpleSerDe"),
    ],
)
def test_the_catalog_has_the_formats_classes(lake: Lake, format_: str, input_: str, serde: str) -> None:
    glue, database = boto3.client("glue"), f"{lake.database}_curated"
    storage = storage_of(format_, {"id": "int"})
    publish_table(glue, database, "t", "s3://curated/t/", storage, {"part": "string"})
    publish_partitions(glue, database, "t", storage, {("a",): "s3://curated/t/part=a/"})
    table = glue.get_table(DatabaseName=database, Name="t")["Table"]
    [partition] = glue.get_partitions(DatabaseName=database, TableName="t")["Partitions"]
    assert table["Parameters"]["classification"] == format_
    for descriptor in (table["StorageDescriptor"], partition["StorageDescriptor"]):
        assert descriptor["InputFormat"].endswith(input_)
        assert descriptor["SerdeInfo"]["SerializationLibrary"].endswith(serde)

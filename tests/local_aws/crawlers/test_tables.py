"""Which folders become which tables, and their definitions."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

CSV = "id,name\n1,ann\n2,bob\n"
FLIGHT = '{"flight": 1, "origin": "JFK", "delay": 2.5}\n'
TEXT = "org.apache.hadoop.mapred.TextInputFormat"


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def partition_keys(table: dict[str, Any]) -> list[tuple[str, str]]:
    return [(key["Name"], key["Type"]) for key in table["PartitionKeys"]]


def test_a_csv_table_is_described_as_by_glue(lake: Any) -> None:
    lake.put({"people/a.csv": CSV})
    lake.crawl("people/", TablePrefix="raw_")
    table = lake.tables()["raw_people"]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert table["Owner"] == "owner"
    assert table["StorageDescriptor"]["Location"] == f"s3://{lake.name}/people/"
    assert table["StorageDescriptor"]["InputFormat"] == TEXT
    assert table["StorageDescriptor"]["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {"field.delim": ","},
    }
    assert table["Parameters"] == {
        "classification": "csv",
        "compressionType": "none",
        "typeOfData": "file",
        "UPDATED_BY_CRAWLER": lake.name,
        "CrawlerSchemaSerializerVersion": "1.0",
        "CrawlerSchemaDeserializerVersion": "1.0",
        "objectCount": "1",
        "sizeKey": str(len(CSV)),
        "recordCount": "2",
        "averageRecordSize": str(len(CSV) // 2),
        "delimiter": ",",
        "columnsOrdered": "true",
        "areColumnsQuoted": "false",
        "skip.header.line.count": "1",
    }


def test_json_and_parquet_tables_name_their_serdes(lake: Any) -> None:
    lake.put({"j/a.json": FLIGHT, "p/a.parquet": parquet(a=[1])})
    lake.crawl("j/", "p/")
    serdes = {name: table["StorageDescriptor"]["SerdeInfo"] for name, table in lake.tables().items()}
    assert serdes["j"]["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"
    assert serdes["j"]["Parameters"] == {"paths": "flight,origin,delay"}
    assert serdes["p"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
    assert lake.tables()["p"]["StorageDescriptor"]["InputFormat"].endswith("MapredParquetInputFormat")


def test_quoted_csv_is_marked_and_keeps_the_lazy_serde(lake: Any) -> None:
    lake.put({"t/a.csv": 'id,name\n1,"a,b"\n'})
    lake.crawl("t/")
    table = lake.tables()["t"]
    assert table["Parameters"]["areColumnsQuoted"] == "true"
    assert table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("LazySimpleSerDe")


def test_hive_folders_are_partitions_under_their_names(lake: Any) -> None:
    days = {f"flights/Year=2013/month={m:02}/day={d}/f.json": FLIGHT for m in (1, 2) for d in (1, 2)}
    lake.put({**days, "flights/Year=2013/month=02/day=a%20b/f.json": FLIGHT})
    lake.crawl("flights/")
    assert partition_keys(lake.tables()["flights"]) == [
        ("year", "string"),
        ("month", "string"),
        ("day", "string"),
    ]
    partitions = lake.partitions("flights")
    assert set(partitions) == {
        ("2013", "01", "1"),
        ("2013", "01", "2"),
        ("2013", "02", "1"),
        ("2013", "02", "2"),
        ("2013", "02", "a b"),
    }
    storage = partitions["2013", "01", "2"]["StorageDescriptor"]
    assert storage["Location"] == f"s3://{lake.name}/flights/Year=2013/month=01/day=2/"
    assert [column["Name"] for column in storage["Columns"]] == ["flight", "origin", "delay"]


def test_plain_folders_are_partitions_with_numbers_for_names(lake: Any) -> None:
    lake.put({"flights/2013/01/f.json": FLIGHT, "flights/2013/02/f.json": FLIGHT})
    lake.crawl("flights/")
    assert partition_keys(lake.tables()["flights"]) == [("partition_0", "string"), ("partition_1", "string")]
    assert set(lake.partitions("flights")) == {("2013", "01"), ("2013", "02")}


def test_folders_with_different_schemas_are_separate_tables(lake: Any) -> None:
    lake.put(
        {
            "raw/flights/year=2013/a.json": FLIGHT,
            "raw/flights/year=2014/a.json": FLIGHT,
            "raw/Planes-V2/a.csv": CSV,
            "raw/weather/a.parquet": parquet(temp=[1.0]),
        }
    )
    lake.crawl("raw/")
    assert {name: len(table["PartitionKeys"]) for name, table in lake.tables().items()} == {
        "flights": 1,
        "planes_v2": 0,
        "weather": 0,
    }


def test_folders_with_similar_schemas_are_partitions_of_one_table(lake: Any) -> None:
    lake.put({"sales/us/a.csv": CSV, "sales/eu/a.csv": CSV})
    lake.crawl("sales/")
    assert list(lake.tables()) == ["sales"]
    assert set(lake.partitions("sales")) == {("us",), ("eu",)}


def test_different_files_in_one_folder_are_separate_tables(lake: Any) -> None:
    lake.put({"raw/people.csv": CSV, "raw/flights.json": FLIGHT})
    lake.crawl("raw/")
    assert {name: table["StorageDescriptor"]["Location"] for name, table in lake.tables().items()} == {
        "people_csv": f"s3://{lake.name}/raw/people.csv",
        "flights_json": f"s3://{lake.name}/raw/flights.json",
    }


def test_the_table_level_decides_which_folders_are_tables(lake: Any) -> None:
    lake.put({"raw/a/x/1.csv": CSV, "raw/a/y/1.csv": CSV, "raw/b/z/1.csv": CSV})
    lake.crawl("raw/", Configuration=json.dumps({"Version": 1.0, "Grouping": {"TableLevelConfiguration": 3}}))
    assert {name: set(lake.partitions(name)) for name in lake.tables()} == {
        "a": {("x",), ("y",)},
        "b": {("z",)},
    }


def test_combining_compatible_schemas_makes_one_table_of_old_and_new_columns(lake: Any) -> None:
    lake.put({"t/old/a.json": '{"a": 1}\n', "t/new/a.json": '{"a": 1, "b": 2, "c": 3}\n'})
    lake.crawl("t/", Configuration=json.dumps({"Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"}}))
    assert set(lake.columns("t")) == {"a", "b", "c"}


def test_two_tables_of_one_name_get_distinct_names(lake: Any) -> None:
    lake.put({"a/people/1.csv": CSV, "b/people/1.csv": CSV})
    lake.crawl("a/people/", "b/people/")
    first, second = sorted(lake.tables())
    assert first == "people"
    assert second.startswith("people_")
    locations = {table["StorageDescriptor"]["Location"] for table in lake.tables().values()}
    assert locations == {f"s3://{lake.name}/a/people/", f"s3://{lake.name}/b/people/"}


def test_hidden_empty_and_excluded_objects_are_not_data(lake: Any) -> None:
    lake.put(
        {
            "t/a.csv": CSV,
            "t/_SUCCESS": "x",
            "t/.part.crc": "x",
            "t/_temporary/b.json": FLIGHT,
            "t/empty.csv": "",
            "t/old/b.json": FLIGHT,
            "t/notes.txt": "hello",
            "t/b.bak": FLIGHT,
            "t/deep/er/c.tmp": FLIGHT,
            "none/a.csv": "",
        }
    )
    target = {"Path": "t/", "Exclusions": ["old/**", "*.{txt,bak}", "**.tmp"]}
    lake.crawl(target, "none/")
    assert list(lake.tables()) == ["t"]
    assert lake.tables()["t"]["Parameters"]["objectCount"] == "1"
    assert lake.columns("t") == {"id": "bigint", "name": "string"}


def test_a_sample_reads_only_some_files_per_folder(lake: Any) -> None:
    lake.put({"t/d=1/a.json": '{"a": 1}\n', "t/d=1/b.json": '{"a": "x"}\n', "t/d=2/a.json": '{"a": 2}\n'})
    lake.crawl({"Path": "t/", "SampleSize": 1})
    assert lake.columns("t") == {"a": "int"}
    assert set(lake.partitions("t")) == {("1",), ("2",)}


def test_a_column_that_is_a_partition_key_is_left_out_with_a_warning(lake: Any) -> None:
    lake.put({"t/year=2013/a.json": '{"year": 2013, "a": 1}\n'})
    lake.crawl("t/")
    assert lake.columns("t") == {"a": "int"}
    assert any("year is a partition key" in line for line in lake.warnings())


def test_broken_files_are_named_and_the_rest_form_the_table(lake: Any) -> None:
    whole = parquet(a=[1, 2], b=["x", "y"])
    lake.put(
        {
            "p/whole.parquet": whole,
            "p/cut.parquet": whole[:-20],
            "j/a.json": '{"a": 1}\n{"a": 2, oops\n{"a": 3}\n',
            "c/a.csv": "id,name\n1,x\n2,y,z\n3\n4,w\n",
        }
    )
    lake.crawl("p/", "j/", "c/")
    assert lake.columns("p") == {"a": "bigint", "b": "string"}
    assert lake.columns("j") == {"a": "int"}
    assert lake.columns("c") == {"id": "bigint", "name": "string"}
    named = "\n".join(lake.warnings())
    assert f"s3://{lake.name}/p/cut.parquet" in named
    assert f"s3://{lake.name}/j/a.json: 1 of 3 lines" in named
    assert f"s3://{lake.name}/c/a.csv: 2 lines" in named


def test_files_at_another_depth_are_named_and_left_out(lake: Any) -> None:
    lake.put({"t/d=1/a.csv": CSV, "t/d=2/a.csv": CSV, "t/stray.csv": CSV})
    lake.crawl("t/")
    assert set(lake.partitions("t")) == {("1",), ("2",)}
    assert any("stray.csv" in line for line in lake.warnings())


def test_the_json_serde_has_the_files_key_spellings(lake: Any) -> None:
    lake.put({"t/d=1/a.json": '{"Carrier": "UA", "delay": 1}\n'})
    lake.crawl("t/")
    lake.put({"t/d=2/a.json": '{"delay": 1, "depTime": 2}\n'})
    lake.run()
    descriptor = lake.tables()["t"]["StorageDescriptor"]
    assert [column["Name"] for column in descriptor["Columns"]] == ["carrier", "delay", "deptime"]
    assert descriptor["SerdeInfo"]["Parameters"]["paths"] == "Carrier,delay,depTime"

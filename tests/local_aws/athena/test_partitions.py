"""Partitions: values with any characters, own columns, invalid folders, and projection settings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

import pytest

from local_aws.athena import projection
from local_aws.athena.coercions import coerces
from local_aws.athena.errors import QueryFailed
from local_aws.athena.hive_types import parsed
from local_aws.athena.projection import projected_partitions

from .conftest import LAKE, Lake, parquet

COMMAS = {"serde": {"field.delim": ","}}


@pytest.fixture(scope="module", autouse=True)
def towns(lake: Lake) -> Iterator[None]:
    folders = ("city=S%C3%A3o%20Paulo", "city=12%3A30", "city=a b", "city=", "City=upper")
    for number, folder in enumerate(folders):
        lake.put(f"towns/{folder}/a.csv", f"{number}\n")
    lake.table("towns", "text", "v int", "city string", **COMMAS)
    yield


def test_repair_unescapes_values_and_names_a_folder_without_one(lake: Lake) -> None:
    lines = [" ".join(filter(None, row)) for row in lake.rows("MSCK REPAIR TABLE towns")]
    assert "Repair: Added partition to metastore towns:city=12%3A30" in lines
    assert any(
        line.startswith("Repair: Cannot add partition towns:city=: the value of city is empty") for line in lines
    )
    assert lake.rows("SELECT city, v FROM towns ORDER BY v") == [["São Paulo", "0"], ["12:30", "1"], ["a b", "2"]]
    assert lake.rows("SELECT v FROM towns WHERE city = '12:30'") == [["1"]]
    assert not any("Added" in row[0] for row in lake.rows("MSCK REPAIR TABLE towns") if row[0])


def test_an_insert_adds_to_partitions_where_they_lie(lake: Lake) -> None:
    for key, body in {"spread/city=New York": "1", "spread/city=Köln": "2", "spread-oslo": "3"}.items():
        lake.put(f"{key}/a.csv", f"{body}\n")
    lake.table("spread", "text", "v int", "city string", **COMMAS)
    lake.rows("MSCK REPAIR TABLE spread")
    lake.rows(f"ALTER TABLE spread ADD PARTITION (city='Oslo') LOCATION 's3://{LAKE}/spread-oslo'")
    lake.rows("ALTER TABLE spread ADD PARTITION (city='São Paulo')")
    towns = ("New York", "Köln", "Oslo", "São Paulo", "12:30 ü")
    rows = ", ".join(f"({n}, '{town}')" for n, town in enumerate(towns, 11))
    lake.rows(f"INSERT INTO spread VALUES {rows}, (16, NULL)")
    assert lake.rows("SELECT v, city FROM spread ORDER BY v") == [
        ["1", "New York"], ["2", "Köln"], ["3", "Oslo"],
        *([str(n), town] for n, town in enumerate(towns, 11)), ["16", None],
    ]  # fmt: skip
    (place,) = lake.rows("""SELECT "$path" FROM spread WHERE v = 15""")[0]
    assert f"s3://{LAKE}/spread/city=12%3A30 ü/" in str(place), "a folder as Hive names it"


def test_an_insert_into_a_partition_that_is_read_otherwise_is_refused(lake: Lake) -> None:
    lake.table("otherwise", "text", "v int", "city string", **COMMAS)
    tabs = {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {"field.delim": "\t"},
    }
    part = {"Values": ["Oslo"], "StorageDescriptor": {"Location": f"s3://{LAKE}/tabs/", "SerdeInfo": tabs}}
    lake.glue.create_partition(DatabaseName="flights", TableName="otherwise", PartitionInput=part)
    reason = lake.run("INSERT INTO otherwise VALUES (1, 'Bergen'), (2, 'Oslo')").reason
    assert reason.startswith("NOT_SUPPORTED: INSERT INTO: the partition (Oslo) has another SerDe than its table"), (
        reason
    )
    assert lake.rows("SELECT * FROM otherwise") == []


def test_a_failed_insert_leaves_no_file_in_a_partition_elsewhere(lake: Lake) -> None:
    lake.table("apart", "text", "v int", "city string", **COMMAS)
    lake.partitions("apart", {("Oslo",): f"s3://{LAKE}/apart-oslo/", ("Rome",): "s3://no-such-bucket-here/rome/"})
    assert lake.run("INSERT INTO apart VALUES (1, 'Oslo'), (2, 'Rome')").state == "FAILED"
    assert not lake.s3.list_objects_v2(Bucket=LAKE, Prefix="apart-oslo/").get("Contents")


def test_a_folder_with_a_bad_value_does_not_keep_others_out(lake: Lake) -> None:
    for folder, value in {"n=01": 1, "n=x": 2}.items():
        lake.put(f"numbered/{folder}/a.csv", f"{value}\n")
    lake.table("numbered", "text", "v int", "n int", **COMMAS)
    lines = [" ".join(filter(None, row)) for row in lake.rows("MSCK REPAIR TABLE numbered")]
    assert "Repair: Cannot add partition numbered:n=x: the value 'x' of n is no int" in lines
    assert lake.rows("SELECT n, v FROM numbered") == [["1", "1"]]


def test_a_partition_with_a_bad_value_fails_only_queries_that_read_it(lake: Lake) -> None:
    for day in ("2024-01-31", "soon"):
        lake.put(f"days/{day}/a.csv", "1\n")
    lake.table("days", "text", "v int", "day date", **COMMAS)
    lake.partitions("days", {(day,): f"s3://{LAKE}/days/{day}/" for day in ("2024-01-31", "soon")})
    assert lake.rows("SELECT v FROM days WHERE day = DATE '2024-01-31'") == [["1"]]
    reason = lake.run("SELECT v FROM days").reason
    assert reason.startswith("HIVE_INVALID_PARTITION_VALUE: Invalid partition value 'soon' for date partition key day")
    assert f"s3://{LAKE}/days/soon/" in reason


@pytest.mark.parametrize("value", ["Paris, TX", "a(b)", "O''Hare", "x=y", "10:15"])
def test_a_partition_with_any_value_is_added_and_dropped_by_hand(lake: Lake, value: str) -> None:
    lake.rows(f"ALTER TABLE towns ADD PARTITION (city = '{value}') LOCATION 's3://{LAKE}/any/'")
    assert [f"city={value.replace(chr(39) * 2, chr(39))}"] in lake.rows("SHOW PARTITIONS towns")
    lake.rows(f"ALTER TABLE towns DROP PARTITION (city = '{value}')")


def test_a_partition_is_read_by_its_own_serde(lake: Lake) -> None:
    lake.put("mixed/p=1/a.csv", "1,x\n")
    lake.put("mixed/p=2/a.csv", "2|y\n")
    lake.table("mixed", "text", "n int; s string", "p int", **COMMAS)
    library = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
    for value, delimiter in {"1": ",", "2": "|"}.items():
        serde = {"SerializationLibrary": library, "Parameters": {"field.delim": delimiter}}
        storage = {"Location": f"s3://{LAKE}/mixed/p={value}/", "SerdeInfo": serde}
        given = {"Values": [value], "StorageDescriptor": storage}
        lake.glue.create_partition(DatabaseName="flights", TableName="mixed", PartitionInput=given)
    assert lake.rows("SELECT n, s, p FROM mixed ORDER BY n") == [["1", "x", "1"], ["2", "y", "2"]]


def test_a_partition_whose_columns_do_not_fit_fails_the_query_with_awss_message(lake: Lake) -> None:
    lake.put("flags/day=1/a.csv", "1,true\n")
    lake.table("flags", "text", "id bigint; flag string", "day string", **COMMAS)
    columns = [{"Name": "id", "Type": "int"}, {"Name": "flag", "Type": "boolean"}]
    storage = {"Location": f"s3://{LAKE}/flags/day=1/", "Columns": columns}
    given = {"Values": ["1"], "StorageDescriptor": storage}
    lake.glue.create_partition(DatabaseName="flights", TableName="flags", PartitionInput=given)
    assert lake.run("SELECT id FROM flags").reason == (
        "HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch between the table and partition schemas. The types are "
        "incompatible and cannot be coerced. The column 'flag' in table 'flights.flags' is declared as type 'string', "
        "but partition 'day=1' declared column 'flag' as type 'boolean'."
    )


@pytest.mark.parametrize(
    ("own", "wanted", "by_name", "due"),
    [
        ("int", "bigint", False, True),
        ("bigint", "int", False, False),
        ("float", "double", False, True),
        ("bigint", "string", False, False),
        ("varchar(3)", "string", False, True),
        ("decimal(5,2)", "decimal(9,2)", False, True),
        ("array<int>", "array<bigint>", False, True),
        ("struct<a:int>", "struct<a:bigint,b:string>", False, True),
        ("struct<a:int,c:int>", "struct<a:int,b:int,c:int>", False, False),
        ("struct<b:int,a:int>", "struct<a:int,b:int>", False, False),
        ("struct<b:int,a:int>", "struct<a:int,b:int>", True, True),
        ("struct<b:int,a:string>", "struct<a:int,b:int>", True, False),
    ],
)
def test_a_partitions_type_may_be_narrower_than_the_tables(own: str, wanted: str, by_name: bool, due: bool) -> None:
    assert coerces(parsed(own), parsed(wanted), by_name) is due


@pytest.mark.parametrize(("kind", "body"), [("text", "1\n2\n"), ("parquet", parquet(v=[1, 2]))])
def test_partitions_of_one_location_have_its_rows_each(lake: Lake, kind: str, body: str | bytes) -> None:
    at = lake.put(f"shared_{kind}/one/a", body).removesuffix("a")
    lake.table(f"shared_{kind}", kind, "v int", "k string")
    lake.partitions(f"shared_{kind}", {("x",): at, ("y",): at})
    due = [["1", "x"], ["1", "y"], ["2", "x"], ["2", "y"]]
    assert lake.rows(f"SELECT v, k FROM shared_{kind} ORDER BY v, k") == due
    assert lake.rows(f"SELECT v FROM shared_{kind} WHERE k = 'x' ORDER BY v") == [["1"], ["2"]]
    lake.rows(f"DROP TABLE shared_{kind}")


def _values(settings: dict[str, str], *given: str) -> list[str]:
    parameters = {f"projection.d.{name}": value for name, value in settings.items()}
    found = projected_partitions(parameters, ["d"], "s3://lake/t/")
    return [values[0] for _, values in found.among(f"s3://lake/t/d={value}/a" for value in given)]


@pytest.mark.parametrize(
    ("settings", "given", "due"),
    [
        ({"type": "integer", "range": "1,9", "interval": "3"}, "1 2 4 7 8", "1 4 7"),
        ({"type": "date", "format": "yyyy-MM-dd", "range": "2024-01-01,2024-01-09", "interval": "2",
          "interval.unit": "DAYS"}, "2024-01-01 2024-01-02 2024-01-03", "2024-01-01 2024-01-03"),
        ({"type": "date", "format": "yyyy-MM-dd", "range": "2024-01-01,2024-01-30", "interval": "1",
          "interval.unit": "WEEKS"}, "2024-01-01 2024-01-02 2024-01-08", "2024-01-01 2024-01-08"),
        ({"type": "date", "format": "yyyy-MM", "range": "2024-01,2024-12", "interval": "3"},
         "2024-01 2024-02 2024-04", "2024-01 2024-04"),
        ({"type": "date", "format": "yyyy", "range": "2020,2030", "interval": "5", "interval.unit": "YEARS"},
         "2020 2021 2025", "2020 2025"),
        ({"type": "date", "format": "yyyy-MM-dd", "range": "2024-01-01,2024-01-09"}, "2024-01-02", "2024-01-02"),
        ({"type": "date", "format": "yyyy-M-d", "range": "2024-1-1,2024-12-31"}, "2024-01-05 2024-1-5 2024-1-05",
         "2024-1-5"),
        ({"type": "date", "format": "yyyy-MM-dd", "range": "2024-01-01,2024-12-31"}, "2024-1-5 2024-01-05",
         "2024-01-05"),
    ],
)  # fmt: skip
def test_projected_values_are_an_interval_apart(settings: dict[str, str], given: str, due: str) -> None:
    assert _values(settings, *given.split()) == due.split()


@pytest.mark.parametrize(
    ("begin", "first"), [("NOW-3MONTHS", "2024-02-29"), ("NOW-1YEAR", "2023-05-31"), ("NOW - 2 WEEKS", "2024-05-17")]
)
def test_a_range_of_months_and_years_goes_by_the_calendar(
    monkeypatch: pytest.MonkeyPatch, begin: str, first: str
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime(2024, 5, 31, 12, tzinfo=tz)

    monkeypatch.setattr(projection, "datetime", Clock)
    before = (datetime.fromisoformat(first) - timedelta(days=1)).strftime("%Y-%m-%d")
    settings = {"type": "date", "format": "yyyy-MM-dd", "range": f"{begin},NOW"}
    assert _values(settings, before, first, "2024-05-31", "2024-06-01") == [first, "2024-05-31"]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (
            {"type": "date", "format": "yyyy-MM-dd-HH", "range": "2024-01-01-00,NOW", "interval": "6"},
            "interval.unit is",
        ),
        ({"type": "date", "format": "yyyy", "range": "2024,NOW", "interval": "0"}, "interval and interval.unit"),
        (
            {"type": "date", "format": "yyyy", "range": "2024,NOW", "interval.unit": "AGES"},
            "interval and interval.unit",
        ),
    ],
)
def test_an_incomplete_interval_is_refused(settings: dict[str, str], word: str) -> None:
    with pytest.raises(QueryFailed, match=f"^INVALID_TABLE_PROPERTY: projection.d.* {word}"):
        _values(settings)


@pytest.mark.parametrize("template", ["s3://lake/t/", "s3://lake/t/${e}/", "s3://lake/t/${d}/${e}/"])
def test_a_template_with_a_missing_or_unknown_key_is_refused(template: str) -> None:
    parameters = {"projection.d.type": "injected", "storage.location.template": template}
    with pytest.raises(QueryFailed, match=r"^INVALID_TABLE_PROPERTY: .* must have each partition key once"):
        projected_partitions(parameters, ["d"], "s3://lake/t/")

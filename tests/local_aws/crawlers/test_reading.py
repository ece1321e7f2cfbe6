"""Athena on every format and dialect after a crawl: the rows of the declared table, or a stated difference.

A crawler knows only the files. So it finds other types where the table declares narrower ones, and no SerDe settings
that do not show in the bytes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local_aws.athena.conftest import Lake, Ran
from tests.local_aws.athena.test_reading import as_text
from tests.reading.cases import CASES, Case

BUCKET, RESULTS, DATABASE = "crawled-reading", "crawled-reading-results", "crawled_reading"
DIFFERENCES: dict[str, list[list[str | None]] | str] = {
    "keys of nested objects in any case": [  # an object is a struct, never a map
        ["1", "{firstname=Ann, address={zipcode=12}}", "[{sku=x}]", "{k=1}"],
        ["2", "{firstname=Bob, address={zipcode=13}}", "[{sku=y}, {sku=z}]", None],
    ],
    "a key that is there twice": [["2", None], ["3", "{id=9}"]],  # the table declares fewer columns
    "keys in their own case alone": [["b"]],  # case.insensitive is a setting
    # Types that the table declares and the texts do not show.
    "numbers and booleans in quotation marks": [["7", "1.5", "TRUE", "5"], ["8.0", "2", "false", '{"k":[1,2]}']],
    "values that do not fit": [
        ["x", None, None], ["1.5", None, None], ["1", "2013-02-30", None], ["2", None, "[1, x]"], ["3", None, "[1]"],
    ],
    "one value where an array is due": [["1", "one"], ["2", '["a","b"]'], ["3", "[]"]],
    "moments": [
        *([each] for each in ("2024-01-31T10:00:00Z", "2024-01-31 10:00:01", "1706695202000", "1706695205")),
        *([each] for each in ("2024-01-31T12:00:03+02:00", "2024-01-31T10:00:04.5", "0001-01-01 00:00:00", None)),
    ],
    "moments that are none": [
        ["10:00", None], ["2024-01", None], [None, "2024-01-31T10:00:00"], [None, "31.01.2024"], [None, "2024-01-31"],
    ],
    "decimals": [["1.2345678900123458E9"], ["9.876543210012346E9"], ["2.25"]],
    "decimals at any level, beside text that looks like them": [  # numbers are doubles, and "7" makes a list of texts
        ["{p=2.5, l=null, s=null}", None],
        ["{p=-1.1234567890123457, l=null, s=null}", None],
        ['{p=1.1234567890123457, l=[0.1, 0.1, 7], s=a " : 1.123456789012345678}', None],
        ['{p=3.0, l=null, s={"k":1.1234567890123457,"i":12345678901234567890}}', "{x=1.5E-17}"],
    ],
    "decimals as texts with commas": [["1", "1,5"], ["2", "1.5"], ["3", "2.5"]],
    "numbers that are no moment": [["1", "99999999999999999"], ["2", "1706695202000"]],
    "milliseconds within an array and a map": [["[null, 1706695202000]", "{k=1706695202000}"]],
    "maps whose keys are numbers, or twice there": [
        ["1", "{1=x, 2=null}", "{a=2, b=null}"], ["2", "{1=null, 2=y}", "{a=null, b=3}"],
    ],
    "single quotation marks": "no table",
    # Folder names are taken literally.
    "folders named in another case": [["1", "1"], ["2", "02"]],
    "folders without names, and deeper ones": [["2", "2024", "02", "x"]],
    "a folder that does not fit its key's type": [["1", "1"], ["2", "one"]],
    "values of other types": [
        ["1", "yes", "1", "19000"], ["2", "true", "1e3", "0"], ["3", "FALSE", "0x10", "1"],
        ["4", "true", "2", "31.01.2024"], ["5", "1", "2", "2"],
    ],
    # SerDe settings that do not show in the files.
    **dict.fromkeys(
        ("Latin-1, packed", "rows of empty fields between tabs, below a header"),
        "HIVE_BAD_DATA",
    ),
    "no quotes in LazySimpleSerDe": [
        ["1", '"a"', "5"], ["2", "hello\\", " you"], ["3", None, None], ["4", "c:\\\\dir", "7"], ["5", "", "8"],
    ],
    "arrays, maps and structs in text": [
        ["1", "a|b|c", "x:1|y:2", "7|q", "none"], ["2", "d", "z:3", "8|r", "e"], ["3", *["none"] * 3, "f"],
    ],
    "LazySimpleSerDe's own delimiters, and a moment": [["1", "2024-01-31 10:00:00.123", "2024-1-5"], ["2", None, None]],
    "Parquet: fields of a struct in any order and case, and one that is not there": [
        ["1", "{a=1, b=10, z=null}"], ["2", "{a=2, b=20, z=null}"], ["3", "{a=null, b=30, z=null}"],
        ["4", "{a=4, b=40, z=9}"],
    ],
    # Files without columns.
    "lines that are no object": "SYNTAX_ERROR: SELECT * not allowed from relation that has no columns",
    "files of other formats in a table of CSV": "no folder",
    "a file of text in a table of Parquet": "no folder",
    "an object of 10,000 keys": "wide",  # each of them is a column
    "JSON of MongoDB's export": [  # a moment within an object stays a text
        ["{$oid=65ba}", "{$date=2024-01-31T10:00:00.5Z}", "{$numberlong=9007199254740993}"],
        ["{$oid=65bb}", "{$date=2024-01-31T10:00:01Z}", None],
    ],
    "JSON of DynamoDB's export": [
        ["{id={n=1}, tags={ss=[a, b]}, m={m={k={s=v}}}}"], ["{id={n=2}, tags=null, m=null}"],
    ],
    "moments as Go, Python, Java, BigQuery and JavaScript write them": [
        ["1", "2024-01-31T10:00:00.123456789Z"], ["2", "2024-01-31T10:00:00.123456+00:00"],
        ["3", "2024-01-31T10:00:00+0000"], ["4", "2024-01-31 10:00:00 UTC"],
        ["5", "2024-01-31T10:00:00.000Z"], ["6", "2024-01-31T10:00:00-05:30"],
    ],
    "empty texts for numbers, moments and booleans": [
        ["", "1", None, None, None], [None, "2", "", None, None], [None, "3", None, "", None],
        [None, "4", None, None, ""], [None, "", None, None, None],
    ],
    "integers at the edge of their types": [  # all of them are bigint
        ["9223372036854775807", "2147483647", "32767", "127"],
        ["-9223372036854775808", "-2147483648", "-32768", "-128"],
        [None, "2147483648", None, None], [None, None, "32768", None], [None, None, None, "128"],
        [None, None, None, "-129"],
    ],
    "tiny integers at any level": [
        ["[1, 127]", "{k=-128}", "{t=5}"], ["[1, 200]", None, None], [None, "{k=200}", None], [None, None, "{t=200}"],
    ],
    "markers that programs leave beside the files": [["3", "sub"]],  # the folder is a partition
    "CSV with the index of pandas, and its texts for nothing": [
        ["0", "1", "1.5", "NaN"], ["1", "2", "", ""], ["2", "3", "NaN", "None"], ["3", "4", "inf", "x"],
    ],
    "CSV of Excel": [["id", "note"], ["1", 'a "b"'], ["2", "x"]],
    "CSV with a header again in the middle": [["1", "x"], ["id", "note"], ["2", "y"]],
    "of delimiters, one character, or the number of one": [["1", "2;3", "a:4"], ["2", "4", "b:5"]],
    "Parquet: whole numbers without sign in columns with one": [
        ["7", "4294967295"], ["8", "9"], ["4294967295", None], [None, "18446744073709551615"],
    ],
    # Without a classifier that says where the records are, each document is one.
    **dict.fromkeys(
        ("documents on lines, after blank ones", "documents side by side", "arrays of records side by side"),
        "HIVE_BAD_DATA",
    ),
    **dict.fromkeys(
        ("one array of objects in a file", "a log that ends in zero bytes", "Parquet: none of the table's columns"),
        "no table",
    ),
    # Differing files are separate tables, and Athena reads tables of folders.
    **dict.fromkeys(
        ("Parquet: damaged files", "Parquet: numbers, dates and moments that Spark takes for one another"),
        "no folder",
    ),
    "Parquet: whole numbers of wider types, where every value fits": "HIVE_BAD_DATA",
}  # fmt: skip
Tables = dict[str, dict[str, Any]]


@pytest.mark.parametrize("number", range(len(CASES)), ids=list(CASES))
def test_a_crawled_table_has_the_rows(lake: Lake, crawled: Tables, number: int) -> None:
    name, case = list(CASES.items())[number]
    due = DIFFERENCES.get(name, _declared(case))
    if due == "no table":
        assert f"case_{number}" not in crawled
        return
    if due == "no folder":
        assert f"case_{number}" not in crawled
        assert not any(location.endswith("/") for location in _locations(crawled, number))
        return
    if due == "wide":
        assert len(crawled[f"case_{number}"]["StorageDescriptor"]["Columns"]) == 10_001
        return
    ran = _run(lake, f'SELECT * FROM "case_{number}"')
    if isinstance(due, str):
        assert ran.state == "FAILED" and ran.reason.startswith(due), ran.reason
        return
    assert ran.state == "SUCCEEDED", ran.reason
    assert sorted(map(json.dumps, ran.rows)) == sorted(map(json.dumps, due))


def test_every_stated_difference_exists() -> None:
    """A case that is listed here but reads as declared would test nothing."""
    assert [name for name, rows in DIFFERENCES.items() if name not in CASES or rows == _declared(CASES[name])] == []


def _declared(case: Case) -> list[list[str | None]] | str:
    due = case.rows if case.athena is None else case.athena
    types = {**case.columns, **case.keys}
    return due if isinstance(due, str) else [[as_text(row[name], kind) for name, kind in types.items()] for row in due]


def _locations(crawled: Tables, number: int) -> list[str]:
    found = [str(table["StorageDescriptor"]["Location"]) for table in crawled.values()]
    return [location for location in found if f"/case_{number}/" in location]


def _run(lake: Lake, sql: str) -> Ran:
    return lake.run(
        sql,
        QueryExecutionContext={"Database": DATABASE},
        ResultConfiguration={"OutputLocation": f"s3://{RESULTS}/"},
    )


@pytest.fixture(scope="module")
def lake(aws: Callable[[str], Any]) -> Lake:
    made = Lake(aws)
    for bucket in (BUCKET, RESULTS):
        made.s3.create_bucket(Bucket=bucket)
    made.glue.create_database(DatabaseInput={"Name": DATABASE})
    return made


@pytest.fixture(scope="module")
def crawled(lake: Lake) -> Iterator[Tables]:
    """The tables after all crawls, by name. For CSV, a classifier has what the setting `csv` of a dataset sets."""
    numbers = {"": list[int]()}
    for number, case in enumerate(CASES.values()):
        for file, body in case.files.items():
            lake.s3.put_object(Bucket=BUCKET, Key=f"case_{number}/{file}", Body=body)
        numbers.setdefault(_classifier(lake, number, case), []).append(number)
    for classifier, its in numbers.items():
        _start(lake, classifier or "plain", [classifier] if classifier else [], its)
    for classifier in numbers:
        _wait(lake, classifier or "plain")
    pages = lake.glue.get_paginator("get_tables").paginate(DatabaseName=DATABASE)
    yield {table["Name"]: table for page in pages for table in page["TableList"]}


def _classifier(lake: Lake, number: int, case: Case) -> str:
    """Return the name of the case's classifier; empty if it needs none."""
    if case.format != "csv":
        return ""
    given = case.parameters
    settings = {
        "Name": f"csv-{number}",
        "Delimiter": given.get("separatorChar", ","),
        "QuoteSymbol": given.get("quoteChar", '"'),
        "ContainsHeader": "PRESENT" if "skip.header.line.count" in given else "ABSENT",
        "Header": list(case.columns),
        "Serde": "OpenCSVSerDe",
    }
    lake.glue.create_classifier(CsvClassifier=settings)
    return f"csv-{number}"


def _start(lake: Lake, name: str, classifiers: list[str], numbers: list[int]) -> None:
    targets = {"S3Targets": [{"Path": f"s3://{BUCKET}/case_{number}/"} for number in numbers]}
    role = "arn:aws:iam::000000000000:role/crawler"
    lake.glue.create_crawler(Name=name, Role=role, DatabaseName=DATABASE, Targets=targets, Classifiers=classifiers)
    lake.glue.start_crawler(Name=name)


def _wait(lake: Lake, name: str) -> None:
    for _ in range(3600):
        crawler = lake.glue.get_crawler(Name=name)["Crawler"]
        if crawler["State"] == "READY":
            assert crawler["LastCrawl"]["Status"] == "SUCCEEDED", crawler["LastCrawl"]
            return
        time.sleep(0.05)
    raise AssertionError(f"the crawler {name} did not end within 180 s")

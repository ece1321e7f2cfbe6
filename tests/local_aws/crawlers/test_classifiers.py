"""A crawler's own classifiers come before the built-in ones."""

from __future__ import annotations

from typing import Any

import pytest


def classifier(lake: Any, kind: str, **settings: Any) -> dict[str, Any]:
    """Create a classifier and return the crawler's setting that names it."""
    lake.glue.create_classifier(**{kind: {"Name": lake.name, **settings}})
    return {"Classifiers": [lake.name]}


@pytest.mark.parametrize(
    ("settings", "body", "columns", "skipped"),
    [
        ({"ContainsHeader": "PRESENT"}, "A,b\nx,y\n", {"a": "string", "b": "string"}, "1"),
        ({"ContainsHeader": "ABSENT"}, "a,b\n1,2\n", {"col0": "string", "col1": "string"}, None),
        ({"Header": ["One", "two"]}, "1,x\n2,y\n", {"one": "bigint", "two": "string"}, None),
        ({"Header": ["a", "b"]}, "a,b\n2,y\n", {"a": "bigint", "b": "string"}, "1"),
        ({"Delimiter": "~"}, "a~b\n2~y\n", {"a": "bigint", "b": "string"}, "1"),
        ({"QuoteSymbol": "'"}, "a,b\n2,'y,z'\n", {"a": "bigint", "b": "string"}, "1"),
        ({"AllowSingleColumn": True}, "a\n2\n3\n", {"a": "bigint"}, "1"),
    ],
)
def test_a_csv_classifier_is_honoured(
    lake: Any, settings: dict[str, Any], body: str, columns: dict[str, str], skipped: str | None
) -> None:
    lake.put({"t/a.csv": body})
    lake.crawl("t/", **classifier(lake, "CsvClassifier", **settings))
    assert lake.columns("t") == columns
    assert lake.tables()["t"]["Parameters"].get("skip.header.line.count") == skipped


def test_the_open_csv_serde_is_used_if_configured(lake: Any) -> None:
    lake.put({"t/a.csv": "id;name\n1;'x'\n"})
    wanted = {"Delimiter": ";", "QuoteSymbol": "'", "Serde": "OpenCSVSerDe"}
    lake.crawl("t/", **classifier(lake, "CsvClassifier", **wanted))
    assert lake.tables()["t"]["StorageDescriptor"]["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        "Parameters": {"separatorChar": ";", "quoteChar": "'", "escapeChar": "\\"},
    }


@pytest.mark.parametrize(
    ("path", "body", "columns"),
    [
        ("$[*]", '[{"a": 1}, {"a": 2.5}]', {"a": "double"}),
        ("$.records[*]", '{"records": [{"a": 1}, {"b": "x"}]}', {"a": "int", "b": "string"}),
        ("$.detail", '{"detail": {"a": 3000000000}}\n{"detail": {"a": 1}}\n', {"a": "bigint"}),
    ],
)
def test_a_json_classifier_sets_the_records_path(lake: Any, path: str, body: str, columns: dict[str, str]) -> None:
    lake.put({"t/a.json": body})
    lake.crawl("t/", **classifier(lake, "JsonClassifier", JsonPath=path))
    assert lake.columns("t") == columns


def test_the_built_in_classifiers_follow_one_that_does_not_fit(lake: Any) -> None:
    lake.put({"t/a.json": '{"a": 1, "b": 2}\n', "u/a.csv": "a,b,c\n1,2,3\n"})
    lake.crawl("t/", "u/", **classifier(lake, "CsvClassifier", Header=["x", "y"]))
    assert lake.columns("t") == {"a": "int", "b": "int"}
    assert lake.columns("u") == {"a": "bigint", "b": "bigint", "c": "bigint"}


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("GrokClassifier", {"Classification": "log", "GrokPattern": "%{WORD:word}"}),
        ("XMLClassifier", {"Classification": "xml", "RowTag": "row"}),
    ],
)
def test_a_classifier_the_embedded_crawler_cannot_run_fails_the_crawl(
    lake: Any, kind: str, settings: dict[str, Any]
) -> None:
    lake.put({"t/a.csv": "a,b\n1,2\n"})
    lake.define("t/", **classifier(lake, kind, **settings))
    lake.start()
    last = lake.wait()
    assert last["Status"] == "FAILED"
    assert f"is a {kind}, which the embedded crawler cannot run" in last["ErrorMessage"]
    assert not lake.tables()

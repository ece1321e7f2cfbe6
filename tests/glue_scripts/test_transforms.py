from collections.abc import Callable

import pytest
from pyspark.sql import DataFrame

from lake_etl.errors import JobError
from lake_etl.transforms.drop_fields import drop_fields
from lake_etl.transforms.drop_null_fields import drop_null_fields
from lake_etl.transforms.filter import filter_rows
from lake_etl.transforms.map import map_fields

Rows = Callable[..., DataFrame]


def values(frame: DataFrame) -> list[tuple[object, ...]]:
    return sorted((tuple(row) for row in frame.collect()), key=str)


def no_dataset(name: str) -> DataFrame:
    raise AssertionError(f"dataset {name} should not be read")


def test_drop_fields_keeps_the_other_columns_in_their_order(rows: Rows) -> None:
    assert drop_fields(rows("a int, b int, c int", (1, 2, 3)), ["b"]).columns == ["a", "c"]


def test_drop_fields_names_a_missing_column_and_the_nearest(rows: Rows) -> None:
    with pytest.raises(JobError, match=r"column 'distnce' is not in the data.*distance.*Did you mean 'distance'\?"):
        drop_fields(rows("distance int", (1,)), ["distnce"])


def test_drop_null_fields_drops_the_columns_without_any_value(rows: Rows) -> None:
    frame = rows("a int, b string, c map<string,int>", (1, None, None), (None, None, None))
    assert drop_null_fields(frame, {}).columns == ["a"]


def test_drop_null_fields_keeps_all_columns_when_there_are_no_rows(rows: Rows) -> None:
    assert drop_null_fields(rows("a int, b string"), {}).columns == ["a", "b"]


def test_filter_drops_rows_for_which_the_condition_is_false_or_null(rows: Rows) -> None:
    frame = rows("id int, distance int", (1, 10), (2, 0), (3, None))
    assert values(filter_rows(frame, "distance > 0")) == [(1, 10)]


def test_map_adds_columns_that_may_use_earlier_ones(rows: Rows) -> None:
    mapped = map_fields(rows("a int", (1,)), {"add": {"b": "a + 1", "c": "b * 2"}}, no_dataset)
    assert values(mapped) == [(1, 2, 4)]


@pytest.mark.parametrize("ansi", ["false", "true"])
def test_map_casts_a_value_that_does_not_fit_to_null(rows: Rows, ansi: str) -> None:
    frame = rows("a string", ("7",), ("x",))
    frame.sparkSession.conf.set("spark.sql.ansi.enabled", ansi)
    try:
        cast = map_fields(frame, {"cast": {"a": "int"}}, no_dataset)
        assert (cast.dtypes, values(cast)) == ([("a", "int")], [(7,), (None,)])
    finally:
        frame.sparkSession.conf.unset("spark.sql.ansi.enabled")


def test_map_renames_after_adding_and_deletes_last(rows: Rows) -> None:
    options = {"delete": ["x"], "rename": {"a": "x", "b": "y"}, "add": {"b": "a + 1"}}
    mapped = map_fields(rows("a int", (1,)), options, no_dataset)
    assert (mapped.columns, values(mapped)) == (["y"], [(2,)])


def test_map_names_an_unknown_option(rows: Rows) -> None:
    with pytest.raises(JobError, match=r"option 'deletes' is not known.*Did you mean 'delete'\?"):
        map_fields(rows("a int", (1,)), {"deletes": ["a"]}, no_dataset)


def test_lookup_uses_the_default_if_there_is_no_value(rows: Rows) -> None:
    airlines = rows("carrier string, name string", ("UA", "United"), ("XX", None))
    options = {"lookup": {"airline": {"from": "airlines", "on": "carrier", "take": "name", "default": "?"}}}
    frame = map_fields(rows("carrier string", ("UA",), ("XX",), ("ZZ",)), options, lambda _: airlines)
    assert values(frame) == [("UA", "United"), ("XX", "?"), ("ZZ", "?")]

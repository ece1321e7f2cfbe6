"""What whole runs in Scala make of sources that are not as one would like: the same as in Python."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from tests.glue_scripts import whole_runs
from tests.glue_scripts.scala.conftest import Submit
from tests.glue_scripts.scala.database_cases import in_scala
from tests.glue_scripts.small_lake import Lake
from tests.glue_scripts.whole_runs import Run

pytestmark = pytest.mark.spark


@pytest.fixture
def run(submitted: Submit) -> Run:
    return lambda arguments: next(in_scala(submitted, [arguments]))


def test_records_of_several_lines_are_whole_and_one_that_is_not_closed_is_set_aside(
    new_lake: Callable[[str], Lake], run: Run, spark: SparkSession
) -> None:
    whole_runs.check_records_of_several_lines(new_lake("several_in_scala"), run, spark)


def test_a_file_that_is_replaced_while_it_is_read_publishes_nothing(new_lake: Callable[[str], Lake], run: Run) -> None:
    whole_runs.check_a_file_that_is_replaced(new_lake("replaced_in_scala"), run)


def test_rows_are_added_to_a_feature_group_under_the_hour_of_their_events(
    new_lake: Callable[[str], Lake], run: Run, spark: SparkSession
) -> None:
    whole_runs.check_rows_in_a_feature_group(new_lake("features_in_scala"), run, spark)


def test_rows_that_a_feature_group_refuses_publish_nothing(new_lake: Callable[[str], Lake], run: Run) -> None:
    whole_runs.check_rows_that_a_feature_group_refuses(new_lake("no_features_in_scala"), run)


def test_a_source_whose_folder_is_gone_leaves_the_old_table(new_lake: Callable[[str], Lake], run: Run) -> None:
    whole_runs.check_a_folder_that_is_gone(new_lake("gone_in_scala"), run)

"""What whole runs in Scala make of sources that are not as one would like: the same as in Python."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from tests.glue_scripts import whole_runs
from tests.glue_scripts.scala.conftest import Submit
from tests.glue_scripts.scala.database_cases import in_scala
from tests.glue_scripts.shop import Shop
from tests.glue_scripts.small_lake import Lake
from tests.glue_scripts.whole_runs import Run, arguments

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


def test_columns_that_do_not_fit_the_table_add_nothing_to_a_feature_group(
    new_lake: Callable[[str], Lake], run: Run
) -> None:
    whole_runs.check_columns_before_features_are_added(new_lake("other_features_in_scala"), run)


def test_a_query_that_ends_the_reading_early_is_refused(new_lake: Callable[[str], Lake], run: Run) -> None:
    whole_runs.check_queries_that_end_early(new_lake("limited_in_scala"), run)


def test_a_join_with_a_dataset_without_rows_reads_all_of_the_source(new_lake: Callable[[str], Lake], run: Run) -> None:
    whole_runs.check_a_join_with_a_dataset_without_rows(new_lake("joined_in_scala"), run)


def test_a_table_of_a_database_is_read_from_one_snapshot(new_lake: Callable[[str], Lake], shop: Shop, run: Run) -> None:
    whole_runs.check_a_database_is_read_from_one_snapshot(new_lake("snapshot_in_scala"), shop, run)


def test_an_incremental_table_keeps_its_checkpoint_and_the_order_of_its_columns(
    new_lake: Callable[[str], Lake], run: Run
) -> None:
    whole_runs.check_an_incremental_table_stays_readable(new_lake("batches_in_scala"), run)


def test_a_packed_file_that_the_storage_does_not_give_is_not_taken_for_damaged(
    new_lake: Callable[[str], Lake], run: Run
) -> None:
    """A Python job looks for damage through boto3, which the tests' checksums do not stop."""
    lake = new_lake("closed_in_scala")
    lake.put("raw", f"{lake.database}/notes/b.csv.gz", gzip.compress(b"id,note\n1,x\n", mtime=0))
    lake.close("raw", f"{lake.database}/notes/b.csv.gz")
    whole_runs.notes(lake, "id,note\n2,y\n")
    assert "/notes/b.csv.gz cannot be opened: it is gone, the job's role may not read it, or the" in run(
        arguments(lake)
    )


def test_a_source_whose_folder_is_gone_leaves_the_old_table(new_lake: Callable[[str], Lake], run: Run) -> None:
    whole_runs.check_a_folder_that_is_gone(new_lake("gone_in_scala"), run)

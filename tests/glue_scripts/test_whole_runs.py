"""What whole runs in Python make of sources that are not as one would like."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from lake_etl import job
from lake_etl.errors import JobError
from tests.glue_scripts import whole_runs
from tests.glue_scripts.shop import Shop
from tests.glue_scripts.small_lake import Lake

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]


def run(arguments: list[str]) -> Any:
    try:
        return job.run(arguments)
    except JobError as error:
        return str(error)


def test_records_of_several_lines_are_whole_and_one_that_is_not_closed_is_set_aside(
    lake: Lake, spark: SparkSession
) -> None:
    whole_runs.check_records_of_several_lines(lake, run, spark)


def test_a_file_that_is_replaced_while_it_is_read_publishes_nothing(lake: Lake) -> None:
    whole_runs.check_a_file_that_is_replaced(lake, run)


def test_rows_are_added_to_a_feature_group_under_the_hour_of_their_events(lake: Lake, spark: SparkSession) -> None:
    whole_runs.check_rows_in_a_feature_group(lake, run, spark)


def test_rows_that_a_feature_group_refuses_publish_nothing(lake: Lake) -> None:
    whole_runs.check_rows_that_a_feature_group_refuses(lake, run)


def test_columns_that_do_not_fit_the_table_add_nothing_to_a_feature_group(lake: Lake) -> None:
    whole_runs.check_columns_before_features_are_added(lake, run)


def test_a_query_that_ends_the_reading_early_is_refused(lake: Lake) -> None:
    whole_runs.check_queries_that_end_early(lake, run)


def test_a_join_with_a_dataset_without_rows_reads_all_of_the_source(lake: Lake) -> None:
    whole_runs.check_a_join_with_a_dataset_without_rows(lake, run)


def test_a_table_of_a_database_is_read_from_one_snapshot(lake: Lake, shop: Shop) -> None:
    whole_runs.check_a_database_is_read_from_one_snapshot(lake, shop, run)


def test_an_incremental_table_keeps_its_checkpoint_and_the_order_of_its_columns(lake: Lake) -> None:
    whole_runs.check_an_incremental_table_stays_readable(lake, run)


def test_a_source_whose_folder_is_gone_leaves_the_old_table(lake: Lake) -> None:
    whole_runs.check_a_folder_that_is_gone(lake, run)

"""What whole runs in Python make of sources that are not as one would like."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from lake_etl import job
from lake_etl.errors import JobError
from tests.glue_scripts import whole_runs
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


def test_a_source_whose_folder_is_gone_leaves_the_old_table(lake: Lake) -> None:
    whole_runs.check_a_folder_that_is_gone(lake, run)

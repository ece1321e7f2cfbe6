"""What becomes of rows and runs by their expectations: the golden cases, and whole runs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from lake_etl.expectations import Judged, judge, read_rules
from tests.glue_scripts.test_golden import GOLDEN, check_fragments, contents, data, expected_rejects, read

CASES = sorted(expect.parent for expect in GOLDEN.glob("*/*/expect.json"))
NOW = datetime(2013, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_expectation_gives_what_its_golden_case_says(case: Path, spark: SparkSession) -> None:
    if (case / "error.txt").exists():
        with pytest.raises(Exception) as error:
            contents(judged(spark, case).rows)
        check_fragments(str(error.value), case / "error.txt")
    else:
        found = judged(spark, case)
        found.rows.write.format("noop").mode("overwrite").save()
        assert contents(found.rows) == contents(data(spark, case / "expected.json"))
        assert [[verdict.outcome, str(verdict)] for verdict in found.verdicts()] == read(case / "verdicts.json")
        rejected = contents(found.rejected.select("raw", "reason")) if found.rejected else None
        assert rejected == expected_rejects(spark, case)
        assert found.rejects == (len(rejected[1]) if rejected else 0)


def judged(spark: SparkSession, case: Path) -> Judged:
    def dataset(name: str) -> DataFrame:
        return data(spark, case / f"{name}.json")

    return judge(dataset("input"), read_rules(read(case / "expect.json")), dataset, NOW)

"""The golden cases of tests/golden, whose README says what their files mean."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lake_etl.steps import apply_steps

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(step.parent for step in GOLDEN.glob("*/*/step.json"))


@pytest.fixture(params=["false", "true"], ids=["lenient", "ansi"])
def session(spark: SparkSession, request: pytest.FixtureRequest) -> Iterator[SparkSession]:
    spark.conf.set("spark.sql.ansi.enabled", request.param)
    yield spark
    spark.conf.unset("spark.sql.ansi.enabled")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_step_gives_what_its_golden_case_says(
    case: Path, session: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(case)
    step, frame = json.loads((case / "step.json").read_text()), data(session, case / "input.json")
    if (case / "error.txt").exists():
        with pytest.raises(Exception) as error:  # noqa: PT011  its fragments are checked below
            contents(applied(frame, step, case))
        check_fragments(str(error.value), case / "error.txt")
    else:
        assert contents(applied(frame, step, case)) == contents(data(session, case / "expected.json"))


def applied(frame: DataFrame, step: dict[str, Any], case: Path) -> DataFrame:
    return apply_steps(frame, [step], datasets(frame.sparkSession, case))[0]


def datasets(spark: SparkSession, case: Path) -> Callable[[str], DataFrame]:
    return lambda name: data(spark, case / f"{name}.json")


def data(spark: SparkSession, file: Path) -> DataFrame:
    content = json.loads(file.read_text())
    lines = spark.sparkContext.parallelize([json.dumps(row) for row in content["rows"]], 2)
    return spark.read.json(lines, schema=content["schema"], mode="FAILFAST")


def contents(frame: DataFrame) -> tuple[list[tuple[str, str]], list[str]]:
    return frame.dtypes, sorted(frame.toJSON().collect())


def check_fragments(message: str, file: Path) -> None:
    for fragment in file.read_text().splitlines():
        assert fragment in message

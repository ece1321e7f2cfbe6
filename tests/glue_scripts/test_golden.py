"""The golden cases of tests/golden; the README there describes their files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from lake_etl.cast_nulls import WARN_OVER, cast_nulls, summary
from lake_etl.steps import Applied, apply_steps
from lake_etl.transforms.convert import converted

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(step.parent for step in GOLDEN.glob("*/*/step.json"))


@pytest.fixture(params=["false", "true"], ids=["lenient", "ansi"])
def session(spark: SparkSession, request: pytest.FixtureRequest) -> Iterator[SparkSession]:
    spark.conf.set("spark.sql.ansi.enabled", request.param)
    yield spark
    spark.conf.unset("spark.sql.ansi.enabled")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_step_matches_its_golden_case(case: Path, session: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(case))
    if (case / "error.txt").exists():
        with pytest.raises(Exception) as error:
            contents(applied(session, case)[0])
        check_fragments(str(error.value), case / "error.txt")
    else:
        frame, step = applied(session, case)
        assert contents(frame) == contents(data(session, case / "expected.json"))
        assert rejected(step) == expected_rejects(session, case)
        if (case / "cast_nulls.json").exists():
            frame.write.format("noop").mode("overwrite").save()
            assert summary(cast_nulls([step]), WARN_OVER) == read(case / "cast_nulls.json")
        if (case / "sink.json").exists():
            assert converted({"table": "t"}, [read(case / "step.json")]) == read(case / "sink.json")


def applied(spark: SparkSession, case: Path) -> tuple[DataFrame, Applied]:
    def dataset(name: str) -> DataFrame:
        return data(spark, case / f"{name}.json")

    frame, [step] = apply_steps(dataset("input"), [read(case / "step.json")], dataset)
    return frame, step


def rejected(step: Applied) -> Any:
    return contents(step.rejects.select("raw", "reason")) if step.rejects else None


def expected_rejects(spark: SparkSession, case: Path) -> Any:
    file = case / "quarantined.json"
    return contents(data(spark, file)) if file.exists() else None


def read(file: Path) -> Any:
    return json.loads(file.read_text())


def data(spark: SparkSession, file: Path) -> DataFrame:
    content = read(file)
    lines = spark.sparkContext.parallelize([json.dumps(row) for row in content["rows"]], 2)
    return spark.read.json(lines, schema=content["schema"], mode="FAILFAST")


def contents(frame: DataFrame) -> tuple[list[tuple[str, str]], list[str]]:
    doubles = {name: fn.round(name, 6) for name, type_ in frame.dtypes if type_ == "double"}
    return frame.dtypes, sorted(frame.withColumns(doubles).toJSON().collect())


def check_fragments(message: str, file: Path) -> None:
    for fragment in file.read_text().splitlines():
        assert fragment in message

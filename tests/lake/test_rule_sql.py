"""The rules of `expect` as SQL. What the SQL finds in rows, the golden cases show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lake.configuration.expectations import rules
from lake.configuration.model import Expectation, Job
from lake.configuration.rule_sql import evaluated

ODD = "odd_names"  # which lake.yaml does not take, and a specification does
CASES = sorted((Path(__file__).parents[1] / "golden" / "expect").glob("*/expect.json"))
EXPECTATIONS: dict[str, list[dict[str, Any]]] = {
    "at_least_is_exact": [{"complete": "a", "at_least": 0.55}],
    "at_least_is_missed_by_one": [{"complete": "a", "at_least": 0.56}],
    "a_row_that_fails_two_rules_is_kept_once": [{"complete": "carrier"}, {"between": {"temp": [None, 40]}}],
    "between": [
        {"between": {"distance": [1, 6000]}},
        {"between": {"temp": [-0.5, None]}},
        {"between": {"temp": [None, 40]}},
    ],
    "between_and_nan": [
        {"between": {"temp": [1, None]}},
        {"between": {"temp": [None, 1]}},
        {"between": {"n": [1, None]}},
        {"between": {"price": [0.5, None]}},
    ],
    "columns_named_as_helpers": [{"complete": "line"}],
    "complete": [{"complete": "carrier"}, {"complete": "carrier"}],
    "complete_quarantines": [{"complete": "carrier"}],
    "floats": [
        {"in": {"f": [0.1, 0.5]}},
        {"between": {"f": [0.1, 0.7]}},
        {"between": {"f": [0.1000001, None]}},
        {"in": {"f": [16777217]}},
        {"in": {"d": [0.1]}},
        {"between": {"p": [0.1, 0.1]}},
    ],
    "fresh": [{"fresh": {"column": "at", "hours": 48}}, {"fresh": {"column": "on", "hours": 48}}],
    "fresh_text": [{"fresh": {"column": "at", "hours": 48}}],
    "in": [
        {"in": {"origin": ["EWR", "O'H\"A\\RE"]}},
        {"in": {"origin": ["EWR", None]}},
        {"in": {"day": [1, 2.5, -3]}},
    ],
    "matches_the_whole_text": [{"matches": {"tailnum": 'N\\d+|"x'}}],
    "missing_column": [{"complete": "carier"}],
    "no_rows": [{"rows": {"min": 1, "max": 2}}, {"complete": "carrier"}, {"unique": "carrier"}],
    "pattern_that_java_cannot_read": [{"matches": {"tailnum": "N("}}],
    "range_of_a_text": [{"between": {"day": [1, None]}}],
    "refers": [
        {"refers": {"to": "airlines", "on": {"carrier": "code"}}},
        {"refers": {"to": "days", "on": {"carrier": "carrier", "day": "n"}}},
    ],
    "refers_with_keys_of_other_types": [{"refers": {"to": "airlines", "on": {"carrier": "code"}}}],
    "rows_are_those_that_stay": [{"rows": {"min": 1, "max": 2}}, {"rows": {"max": 0}}, {"complete": "carrier"}],
    "unique": [{"unique": ["carrier", "flight"]}],
    "unique_map": [{"unique": "m"}],
    "unique_quarantines_every_row_of_a_key_that_is_not": [{"unique": ["carrier", "flight"]}],
    "unique_where": [{"unique": "flight", "where": "carrier = 'UA'"}],
    "value_of_another_type": [{"in": {"day": ["1"]}}],
    "where_and_at_least": [{"between": {"delay": [None, 60]}}],
    "where_names_a_missing_column": [{"complete": "day"}],
}


def judged(*expect: dict[str, Any]) -> list[dict[str, Any]]:
    given = [Expectation.model_validate(one) for one in expect]
    return rules(Job.model_validate({"source": "flights", "sink": {"table": "flights"}, "expect": given}))


@pytest.mark.parametrize("case", [case for case in CASES if case.parent.name != ODD], ids=lambda case: case.parent.name)
def test_golden_cases_have_the_sql_that_jobs_get(case: Path) -> None:
    made, kept = judged(*EXPECTATIONS[case.parent.name]), json.loads(case.read_text())
    assert [(rule["fails"], rule.get("needs")) for rule in made] == [
        (rule["fails"], rule.get("needs")) for rule in kept
    ]


@pytest.mark.parametrize(
    ("expectation", "fails"),
    [
        ({"in": {"x": ["it's"]}}, r"NOT coalesce(`x` IN ('it\'s'), false)"),
        ({"between": {"x": [0.25, 2**53]}}, "NOT coalesce(`x` >= 0.25D AND `x` <= 9007199254740992, false)"),
        (
            {"between": {"x": [0.0000001, 2**53 + 1]}},
            "NOT coalesce(if(typeof(`x`) = 'float', `x` >= float(1e-07D) AND `x` <= 9007199254740993D, "
            "`x` >= 1e-07D AND `x` <= 9007199254740993), false)",
        ),
        ({"between": {"x": [1e300, None]}}, "NOT coalesce(`x` >= 1e+300D AND NOT isnan(`x`), false)"),
        ({"in": {"x": [1, None]}}, "NOT coalesce(`x` IN (1), `x` IS NULL, false)"),
        ({"matches": {"x": "${a}"}}, r"NOT coalesce(`x` RLIKE '\\A(?:\u0024{a})\\z', false)"),
    ],
)
def test_values_are_valid_spark_literals(expectation: dict[str, Any], fails: str) -> None:
    [rule] = judged(expectation)
    assert rule["fails"] == fails


def test_a_job_does_not_get_settings_that_only_the_sql_needs() -> None:
    [rule] = judged({"between": {"x": [1, 2]}})
    assert sorted(rule) == ["columns", "fails", "kind", "needs", "otherwise", "rule"]


def test_column_names_are_quoted() -> None:
    assert evaluated({"kind": "complete", "columns": ["a.b`c"]}) == {"fails": "`a.b``c` IS NULL"}

"""What a job expects, as Glue's rules and as the job reads it."""

from __future__ import annotations

from typing import Any

import pytest

from lake.configuration.expectations import rules, ruleset
from lake.configuration.model import Expectation, Job


def job(*expect: dict[str, Any]) -> Job:
    given = [Expectation.model_validate(one) for one in expect]
    return Job.model_validate({"source": "flights", "sink": {"table": "flights"}, "expect": given})


@pytest.mark.parametrize(
    ("expectation", "dqdl"),
    [
        ({"complete": "carrier"}, 'IsComplete "carrier"'),
        ({"complete": "carrier", "at_least": 0.99}, 'Completeness "carrier" >= 0.99'),
        ({"unique": ["carrier", "flight"]}, 'IsUnique "carrier" "flight"'),
        ({"unique": "id", "at_least": 0.5, "where": "a = 'b'"}, 'Uniqueness "id" >= 0.5 where "a = \'b\'"'),
        ({"in": {"origin": ["EWR", None]}}, 'ColumnValues "origin" in ["EWR", NULL]'),
        ({"in": {"origin": ['a"] or x', "b\\"]}}, 'ColumnValues "origin" in ["a\\"] or x", "b\\\\"]'),
        ({"in": {"day": [1, 2.5]}, "at_least": 0.9}, 'ColumnValues "day" in [1, 2.5] with threshold >= 0.9'),
        ({"between": {"x": [0.0000001, None]}}, 'ColumnValues "x" >= 0.0000001'),
        ({"rows": {"min": 1, "max": 9}}, "(RowCount >= 1) and (RowCount <= 9)"),
        ({"fresh": {"column": "at", "hours": 48}}, 'DataFreshness "at" <= 48 hours'),
        ({"refers": {"to": "airlines", "on": "code"}}, 'ReferentialIntegrity "code" "airlines.code" = 1.0'),
        (
            {"refers": {"to": "days", "on": {"y": "year", "m": "month"}}, "at_least": 0.9},
            'ReferentialIntegrity "y,m" "days.{year,month}" >= 0.9',
        ),
    ],
)
def test_an_expectation_is_a_rule_of_dqdl(expectation: dict[str, Any], dqdl: str) -> None:
    assert [rule["rule"] for rule in rules(job(expectation))] == [dqdl]


def test_a_range_includes_its_limits_unlike_between_in_dqdl() -> None:
    [rule] = rules(job({"between": {"distance": [1, 6000]}, "where": "month = 1", "at_least": 0.9}))

    ending = 'where "month = 1" with threshold >= 0.9'
    assert rule["rule"] == f'(ColumnValues "distance" >= 1 {ending}) and (ColumnValues "distance" <= 6000 {ending})'


@pytest.mark.parametrize(
    ("pattern", "dqdl"),
    [
        (r"N\d+", r"N\d+"),
        ("a|b", "(?:a|b)"),
        ('say "no"', r"say \x22no\x22"),
        (r"\"\\\"", r"\x22\\\x22"),
        ("\\\\", "\\\\"),
    ],
)
def test_a_pattern_is_unchanged_in_dqdl_except_quotation_marks_and_alternatives(pattern: str, dqdl: str) -> None:
    [rule] = rules(job({"matches": {"tailnum": pattern}}))

    assert rule["rule"] == f'ColumnValues "tailnum" matches "{dqdl}"'
    assert rule["pattern"] == pattern


def test_each_column_of_an_expectation_is_a_rule_with_its_settings() -> None:
    found = rules(job({"between": {"a": [1, 2], "b": [None, 3]}, "otherwise": "warn"}, {"unique": ["a", "b"]}))

    assert [(rule["kind"], rule["columns"], rule["otherwise"]) for rule in found] == [
        ("between", ["a"], "warn"),
        ("between", ["b"], "warn"),
        ("unique", ["a", "b"], "fail"),
    ]
    assert found[1]["fails"] == "NOT coalesce(`b` <= 3, false)"


def test_the_ruleset_is_one_document() -> None:
    document = ruleset(job({"complete": ["a", "b"]}, {"rows": {"min": 1}}))

    assert document == 'Rules = [\n    IsComplete "a",\n    IsComplete "b",\n    RowCount >= 1\n]'

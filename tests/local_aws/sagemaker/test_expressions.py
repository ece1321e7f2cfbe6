"""What a pipeline's expressions and a transform's filters come to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws.jobs.process import JobError
from local_aws.sagemaker.associations import choice
from local_aws.sagemaker.expressions import Unresolved, Values, holds, needed

OUTPUTS = [{"OutputName": "report", "S3Output": {"S3Uri": "s3://b/report"}}]
STEPS = {
    "Train": {"ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"}},
    "Evaluate": {
        "ProcessingOutputConfig": {"Outputs": OUTPUTS},
        "PropertyFiles": {"Found": "s3://b/report/found.json"},
    },
}
FOUND = json.dumps({"metrics": {"auc": {"value": 0.7}}, "list": [1, 2]}).encode()
VALUES = Values({"AtLeast": 0.6, "Name": "a"}, {"PipelineExecutionId": "x1"}, STEPS, lambda uri: FOUND)
FROM_FILE = {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Found"}}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("plain", "plain"),
        ({"a": [{"Get": "Parameters.AtLeast"}]}, {"a": [0.6]}),
        ({"Get": "Execution.PipelineExecutionId"}, "x1"),
        ({"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}, "s3://b/model.tar.gz"),
        ({"Get": "Steps.Evaluate.ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri"}, "s3://b/report"),
        ({"Get": "Steps.Evaluate.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri"}, "s3://b/report"),
        ({"Std:Join": {"On": "/", "Values": ["s3://b", {"Get": "Parameters.Name"}, 3]}}, "s3://b/a/3"),
        ({"Std:JsonGet": {**FROM_FILE, "Path": "metrics.auc.value"}}, 0.7),
        ({"Std:JsonGet": {**FROM_FILE, "Path": "list[1]"}}, 2),
    ],
)
def test_an_expression_becomes_its_value(expression: Any, value: Any) -> None:
    assert VALUES.of(expression) == value


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ({"Get": "Parameters.Other"}, "there is no Other"),
        ({"Get": "Nothing.Here"}, "begins with none of Parameters, Execution, Steps"),
        ({"Get": "Steps.Train.ModelArtifacts[*]"}, r"cannot be read at '\[\*\]'"),
        ({"Std:JsonGet": {**FROM_FILE, "Path": "metrics.f1"}}, "there is no f1"),
    ],
)
def test_an_expression_without_a_value_is_told(expression: Any, says: str) -> None:
    with pytest.raises(Unresolved, match=says):
        VALUES.of(expression)


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        ({"Type": "GreaterThanOrEqualTo", "LeftValue": 0.6, "RightValue": {"Get": "Parameters.AtLeast"}}, True),
        ({"Type": "GreaterThan", "LeftValue": 0.6, "RightValue": 0.6}, False),
        ({"Type": "LessThan", "LeftValue": "0.5", "RightValue": 0.6}, True),
        ({"Type": "LessThanOrEqualTo", "LeftValue": 1, "RightValue": 0.6}, False),
        ({"Type": "Equals", "LeftValue": "a", "RightValue": {"Get": "Parameters.Name"}}, True),
        ({"Type": "In", "QueryValue": "a", "Values": ["a", "b"]}, True),
        ({"Type": "Not", "Expression": {"Type": "Equals", "LeftValue": 1, "RightValue": 1}}, False),
        ({"Type": "Or", "Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 2}]}, False),
    ],
)
def test_a_condition_holds_or_not(condition: Any, outcome: bool) -> None:
    assert holds(condition, VALUES) is outcome


def test_a_condition_over_no_number_is_told() -> None:
    with pytest.raises(Unresolved, match="compares None, which is no number"):
        holds({"Type": "GreaterThan", "LeftValue": None, "RightValue": 1}, VALUES)


def test_a_step_waits_for_the_steps_that_it_names() -> None:
    arguments = {
        "a": {"Std:Join": {"On": "", "Values": [{"Get": "Steps.Train.X"}]}},
        "b": [{"Get": "Steps.Evaluate.Y"}],
    }

    assert set(needed(arguments)) == {"Train", "Evaluate"}


@pytest.mark.parametrize(
    ("path", "chosen"),
    [("$", "abcd"), ("$[1:]", "bcd"), ("$[:2]", "ab"), ("$[1:3]", "bc"), ("$[0,-1]", "ad"), ("$[-1]", "d")],
)
def test_a_filter_chooses_columns(path: str, chosen: str) -> None:
    assert choice(path)(list("abcd")) == list(chosen)


def test_a_filter_that_is_not_there_is_refused() -> None:
    with pytest.raises(JobError, match=r"the filter \$\.features is not there on the embedded AWS. Allowed: \$"):
        choice("$.features")

"""The resources that a call is checked against."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.permissions.calls import Asked
from local_aws.permissions.resources import resources

ARN = "arn:aws:sagemaker:us-east-1:000000000000"


@pytest.mark.parametrize(
    ("action", "given", "expected"),
    [
        ("CreateTrainingJob", {"TrainingJobName": "pipelines-a"}, ["training-job/pipelines-a"]),
        ("StopProcessingJob", {"ProcessingJobName": "p"}, ["processing-job/p"]),
        ("CreateTransformJob", {"TransformJobName": "t", "ModelName": "m"}, ["transform-job/t"]),
        ("CreateModel", {"ModelName": "m"}, ["model/m"]),
        ("StartPipelineExecution", {"PipelineName": "p"}, ["pipeline/p"]),
        ("StopPipelineExecution", {"PipelineExecutionArn": f"{ARN}:pipeline/p/execution"}, ["pipeline/p/execution"]),
        ("DescribeModelPackageGroup", {"ModelPackageGroupName": "g"}, ["model-package-group/g"]),
        ("CreateFeatureGroup", {"FeatureGroupName": "f"}, ["feature-group/f"]),
        ("PutRecord", {"FeatureGroupName": "f"}, ["feature-group/f"]),
        ("GetRecord", {"FeatureGroupName": f"{ARN}:feature-group/f"}, ["feature-group/f"]),
        ("BatchGetRecord", {"Identifiers": [{"FeatureGroupName": "f"}, {"FeatureGroupName": "g"}]},
         ["feature-group/f", "feature-group/g"]),
        ("BatchWriteRecord", {"Entries": [{"FeatureGroupName": "f"}]}, ["feature-group/f"]),
        ("DescribeModelPackage", {"ModelPackageName": f"{ARN}:model-package/g/1"}, ["model-package/g/1"]),
        ("CreateModelPackage", {"ModelPackageGroupName": "g"}, ["model-package-group/g", "model-package/g/*"]),
        ("CreateModelPackage", {"ModelPackageGroupName": f"{ARN}:model-package-group/g"},
         ["model-package-group/g", "model-package/g/*"]),
        ("UpdateModelPackage", {"ModelPackageArn": f"{ARN}:model-package/g/2"}, ["model-package/g/2"]),
        ("ListModelPackages", {"ModelPackageGroupName": "g"}, ["model-package/g/*"]),
        ("AddTags", {"ResourceArn": f"{ARN}:pipeline/p"}, ["pipeline/p"]),
    ],
)  # fmt: skip
def test_a_call_is_checked_against_what_it_names(action: str, given: dict[str, Any], expected: list[str]) -> None:
    assert resources(Asked("sagemaker", action, "us-east-1", given)) == [f"{ARN}:{one}" for one in expected]


def test_a_call_that_names_nothing_is_checked_against_all() -> None:
    assert resources(Asked("sagemaker", "ListPipelines", "us-east-1", {})) == ["*"]


@pytest.mark.parametrize(
    ("service", "action", "given", "expected"),
    [
        ("events", "PutRule", {"Name": "r"}, "events:us-east-1:000000000000:rule/r"),
        ("events", "PutTargets", {"Rule": "r"}, "events:us-east-1:000000000000:rule/r"),
        ("events", "ListTagsForResource", {"ResourceARN": "arn:aws:events:us-east-1:000000000000:rule/r"},
         "events:us-east-1:000000000000:rule/r"),
        ("cloudwatch", "DeleteDashboards", {"DashboardNames": ["d"]}, "cloudwatch::000000000000:dashboard/d"),
        ("cloudwatch", "DeleteDashboards", {"DashboardNames.member.1": "d"}, "cloudwatch::000000000000:dashboard/d"),
    ],
)  # fmt: skip
def test_rules_and_dashboards_are_resources(service: str, action: str, given: dict[str, Any], expected: str) -> None:
    assert resources(Asked(service, action, "us-east-1", given)) == [f"arn:aws:{expected}"]

"""Pipelines run their steps, decide by what a step has measured, and register models."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.conftest import BUCKET, IMAGE, ROLE, ended, need_framework, training

MEASURE = """
import json, sys, tarfile
with tarfile.open(sys.argv[1] + "/model.tar.gz") as archive:
    mean = json.load(archive.extractfile("model.json"))["mean"]
json.dump({"metrics": {"auc": {"value": mean / 10}}}, open(sys.argv[2] + "/evaluation.json", "w"))
"""


def definition(s3: Any, name: str) -> str:
    """Train, measure a tenth of the mean of the first column (0.2), and register the model where that is enough."""
    train = {key: value for key, value in training(s3, name).items() if key != "TrainingJobName"}
    s3.put_object(Bucket=BUCKET, Key=f"{name}/measure/measure.py", Body=MEASURE.encode())
    inside = "/opt/ml/processing"
    execution = {"Get": "Execution.PipelineExecutionId"}
    artifact = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
    measure = {
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
        },
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", f"{inside}/code/measure.py"],
            "ContainerArguments": [f"{inside}/model", f"{inside}/out"],
        },
        "ProcessingInputs": [
            {"InputName": "model", "S3Input": {
                "S3Uri": artifact, "LocalPath": f"{inside}/model", "S3DataType": "S3Prefix", "S3InputMode": "File"}},
            {"InputName": "code", "S3Input": {
                "S3Uri": f"s3://{BUCKET}/{name}/measure/", "LocalPath": f"{inside}/code", "S3DataType": "S3Prefix",
                "S3InputMode": "File"}},
        ],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": {
            "S3Uri": {"Std:Join": {"On": "/", "Values": [f"s3://{BUCKET}/{name}", execution]}},
            "LocalPath": f"{inside}/out", "S3UploadMode": "EndOfJob"}}]},
        "RoleArn": ROLE,
    }  # fmt: skip
    value = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Measure.PropertyFiles.Found"}, "Path": "metrics.auc.value"}}
    register = {
        "ModelPackageGroupName": name,
        "InferenceSpecification": {
            "Containers": [{"Image": IMAGE, "ModelDataUrl": artifact}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    }
    condition = {"Type": "GreaterThanOrEqualTo", "LeftValue": value, "RightValue": {"Get": "Parameters.AtLeast"}}
    steps = [
        {"Name": "Decide", "Type": "Condition", "Arguments": {
            "Conditions": [condition],
            "IfSteps": [{"Name": "Register", "Type": "RegisterModel", "Arguments": register}],
            "ElseSteps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "auc is too low"}}]}},
        {"Name": "Train", "Type": "Training", "Arguments": train},
        {"Name": "Measure", "Type": "Processing", "Arguments": measure,
         "PropertyFiles": [{"PropertyFileName": "Found", "OutputName": "out", "FilePath": "evaluation.json"}]},
    ]  # fmt: skip
    parameters = [{"Name": "AtLeast", "Type": "Float", "DefaultValue": 0.1}]
    return json.dumps({"Version": "2020-12-01", "Metadata": {}, "Parameters": parameters, "Steps": steps})


def run(sagemaker: Any, name: str, **parameters: str) -> tuple[Any, list[Any]]:
    given = [{"Name": key, "Value": value} for key, value in parameters.items()]
    arn = sagemaker.start_pipeline_execution(PipelineName=name, PipelineParameters=given)["PipelineExecutionArn"]
    execution = ended(
        lambda: sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn), "PipelineExecutionStatus"
    )
    return execution, sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]


@pytest.fixture(scope="module")
def pipeline(sagemaker: Any, s3: Any) -> str:
    need_framework()
    sagemaker.create_model_package_group(ModelPackageGroupName="late")
    sagemaker.create_pipeline(
        PipelineName="late", PipelineDefinition=definition(s3, "late"), RoleArn=ROLE, ClientRequestToken="t" * 32
    )
    return "late"


def test_a_model_that_is_good_enough_is_registered(sagemaker: Any, pipeline: str) -> None:
    execution, steps = run(sagemaker, pipeline)

    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    assert [step["StepName"] for step in steps] == ["Register", "Decide", "Measure", "Train"]
    [package] = sagemaker.list_model_packages(ModelPackageGroupName=pipeline)["ModelPackageSummaryList"]
    assert (package["ModelPackageVersion"], package["ModelApprovalStatus"]) == (1, "PendingManualApproval")


def test_a_model_that_is_not_is_not(sagemaker: Any, pipeline: str) -> None:
    before = sagemaker.list_model_packages(ModelPackageGroupName=pipeline)["ModelPackageSummaryList"]

    execution, steps = run(sagemaker, pipeline, AtLeast="0.9")

    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "auc is too low" in execution["FailureReason"]
    assert steps[0]["FailureReason"] == "auc is too low"
    assert sagemaker.list_model_packages(ModelPackageGroupName=pipeline)["ModelPackageSummaryList"] == before


def test_what_cannot_be_run_is_refused_when_it_is_created(sagemaker: Any) -> None:
    steps = json.dumps({"Steps": [{"Name": "a", "Type": "EMR", "Arguments": {}}]})
    for text, says in ((steps, "runs no steps of type EMR"), ("{", "is no JSON with Steps")):
        with pytest.raises(ClientError, match=says):
            sagemaker.create_pipeline(
                PipelineName="odd", PipelineDefinition=text, RoleArn=ROLE, ClientRequestToken="t" * 32
            )


def test_a_parameter_that_is_not_declared_is_refused(sagemaker: Any, pipeline: str) -> None:
    with pytest.raises(ClientError, match=r"has no parameter Atleast. Allowed: AtLeast"):
        run(sagemaker, pipeline, Atleast="1")


def test_a_group_with_versions_is_not_deleted(sagemaker: Any, pipeline: str) -> None:
    with pytest.raises(ClientError, match="cannot be deleted because it has model packages"):
        sagemaker.delete_model_package_group(ModelPackageGroupName=pipeline)


def test_what_is_not_there_is_told_as_terraform_expects_it(sagemaker: Any) -> None:
    with pytest.raises(ClientError) as pipeline:
        sagemaker.describe_pipeline(PipelineName="none")
    with pytest.raises(ClientError, match="does not exist") as group:
        sagemaker.describe_model_package_group(ModelPackageGroupName="none")

    assert pipeline.value.response["Error"]["Code"] == "ResourceNotFound"
    assert group.value.response["Error"]["Code"] == "ValidationException"


def test_tags_are_kept_changed_and_removed(sagemaker: Any) -> None:
    arn = sagemaker.create_model_package_group(
        ModelPackageGroupName="tagged", Tags=[{"Key": "lake", "Value": "a"}, {"Key": "env", "Value": "b"}]
    )["ModelPackageGroupArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "lake", "Value": "c"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["env"])

    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "lake", "Value": "c"}]


def test_versions_that_are_made_at_the_same_time_have_a_number_each(sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="busy")
    with ThreadPoolExecutor(32) as pool:
        made = [pool.submit(sagemaker.create_model_package, ModelPackageGroupName="busy") for _ in range(200)]
    arns = {each.result()["ModelPackageArn"] for each in made}

    assert {int(arn.rpartition("/")[2]) for arn in arns} == set(range(1, 201))


def test_a_name_that_many_ask_for_at_the_same_time_is_given_once(sagemaker: Any) -> None:
    names = [f"wanted{number // 8}" for number in range(400)]
    with ThreadPoolExecutor(32) as pool:
        asked = [pool.submit(sagemaker.create_model_package_group, ModelPackageGroupName=name) for name in names]

    assert sum(each.exception() is None for each in asked) == len(set(names))
    assert all("already exists" in str(each.exception()) for each in asked if each.exception())


def test_groups_that_are_deleted_while_they_are_listed_hide_no_other(sagemaker: Any) -> None:
    for number in range(6):
        sagemaker.create_model_package_group(ModelPackageGroupName=f"leaving{number}")
    pages = sagemaker.get_paginator("list_model_package_groups").paginate(PaginationConfig={"PageSize": 2})
    for page in pages:
        for group in page["ModelPackageGroupSummaryList"]:
            if group["ModelPackageGroupName"].startswith("leaving"):
                sagemaker.delete_model_package_group(ModelPackageGroupName=group["ModelPackageGroupName"])
    left = [each for page in pages for each in page["ModelPackageGroupSummaryList"]]
    assert not [each for each in left if each["ModelPackageGroupName"].startswith("leaving")]


def test_a_token_that_no_page_had_is_refused(sagemaker: Any) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*NextToken 'none' is invalid"):
        sagemaker.list_models(NextToken="none")

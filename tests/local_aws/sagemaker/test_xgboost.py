"""The stack's own pipeline with XGBoost: it trains, evaluates, registers, and predicts."""

from __future__ import annotations

import io
import json
import random
from typing import Any

import pandas as pd
import pytest

from lake.configuration.model import MlModel
from lake.configuration.names import Names
from lake.configuration.training import IMAGES
from lake.shipped import ML_SCRIPTS
from local_aws.sagemaker.home import SKLEARN, XGBOOST, framework_of
from stacks.ml_pipeline import Places, definition
from tests.local_aws.sagemaker.conftest import IMAGE, ROLE, ended, need_framework, packed

NAMES = Names("boosted", "local", "us-east-1", "000000000000")
BUCKET = NAMES.bucket("ml")
REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
XGBOOST_IMAGE = "{}/{}:{}".format(REGISTRY, *IMAGES["xgboost"])
SCRIPT = """
import argparse, io, os, pathlib, shutil
import pandas as pd
import xgboost

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int)
    rows = pd.read_parquet(os.environ["SM_CHANNEL_TRAIN"])
    data = xgboost.DMatrix(rows[["a", "b"]].to_numpy(), rows["label"])
    model = xgboost.train({"objective": "binary:logistic", "seed": 0}, data, parser.parse_args().rounds)
    folder = pathlib.Path(os.environ["SM_MODEL_DIR"])
    model.save_model(folder / "model.json")
    print("xgboost", xgboost.__version__)
    (folder / "code").mkdir()
    shutil.copy(__file__, folder / "code")

def model_fn(folder):
    return xgboost.Booster(model_file=pathlib.Path(folder) / "model.json")

def input_fn(body, content_type):
    return xgboost.DMatrix(pd.read_csv(io.StringIO(body), header=None).to_numpy())

def predict_fn(data, model):
    return model.predict(data, validate_features=False)

if __name__ == "__main__":
    main()
"""
WITHOUT_INPUT_FN = SCRIPT.replace("def input_fn", "def unused")


@pytest.fixture(scope="module")
def bucket(s3: Any) -> Any:
    """A client of S3, with the bucket of the ml stack."""
    need_framework(XGBOOST)
    s3.create_bucket(Bucket=BUCKET)
    return s3


@pytest.fixture(scope="module")
def pipeline(bucket: Any, sagemaker: Any) -> str:
    """The pipeline of a model, as the stack has it, with a training set of two features."""
    model = MlModel.model_validate(
        {"training_set": "coins", "script": "train.py", "framework": "xgboost", "at_least": 0.7,
         "hyperparameters": {"rounds": 20}}
    )  # fmt: skip
    put_training_set(bucket)
    bucket.put_object(Bucket=BUCKET, Key="code/sourcedir.tar.gz", Body=packed("train.py", SCRIPT))
    bucket.put_object(Bucket=BUCKET, Key="scripts/evaluate.py", Body=(ML_SCRIPTS / "evaluate.py").read_bytes())
    places = Places(NAMES, XGBOOST_IMAGE, f"s3://{BUCKET}/code/", f"s3://{BUCKET}/scripts/")
    name = NAMES.model("coins")
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    sagemaker.create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps(definition("coins", model, places)),
        RoleArn=ROLE,
        ClientRequestToken="t" * 32,
    )
    return name


def put_training_set(s3: Any) -> None:
    rng = random.Random(14)
    rows = pd.DataFrame([{"a": rng.random(), "b": rng.random()} for _ in range(600)])
    rows.insert(0, "label", (rows["a"] + rows["b"] + [rng.gauss(0, 0.2) for _ in range(600)] > 1).astype(int))
    for part, chosen in {"train": rows[:400], "validation": rows[400:500], "test": rows[500:]}.items():
        body = io.BytesIO()
        chosen.to_parquet(body, index=False)
        s3.put_object(Bucket=BUCKET, Key=f"training-sets/coins/v1/{part}/{part}.parquet", Body=body.getvalue())
    manifest = {"name": "coins", "version": "v1", "label": "label", "features": ["a", "b"]}
    manifest |= {"columns": {"label": "int", "a": "double", "b": "double"}}
    s3.put_object(Bucket=BUCKET, Key="training-sets/coins/v1/manifest.json", Body=json.dumps(manifest).encode())


@pytest.fixture(scope="module")
def package(pipeline: str, sagemaker: Any) -> Any:
    """The version that a run of the pipeline registers."""
    arn = sagemaker.start_pipeline_execution(
        PipelineName=pipeline, PipelineParameters=[{"Name": "TrainingSetVersion", "Value": "v1"}]
    )["PipelineExecutionArn"]
    found = ended(lambda: sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn), "PipelineExecutionStatus")
    assert found["PipelineExecutionStatus"] == "Succeeded", found
    [summary] = sagemaker.list_model_packages(ModelPackageGroupName=pipeline)["ModelPackageSummaryList"]
    return sagemaker.describe_model_package(ModelPackageName=summary["ModelPackageArn"])


def test_a_model_of_xgboost_is_trained_evaluated_and_registered(package: Any, s3: Any) -> None:
    [container] = package["InferenceSpecification"]["Containers"]
    uri = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    body = s3.get_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"))["Body"].read()

    assert container["Image"] == XGBOOST_IMAGE
    assert json.loads(body)["metrics"]["auc"]["value"] > 0.8


def test_it_trains_with_the_version_that_the_container_holds(package: Any, aws: Any) -> None:
    streams = aws("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="pipelines-"
    )["logStreams"]
    lines = [
        event["message"]
        for stream in streams
        for event in aws("logs").get_log_events(
            logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=stream["logStreamName"]
        )["events"]
    ]

    assert "xgboost 3.0.5" in lines


@pytest.mark.parametrize("rows", [b"0.9,0.8\n0.1,0.2\n", b"0.9,0.8\n"])
def test_a_batch_transform_answers_with_the_model_of_the_registry(
    package: Any, sagemaker: Any, s3: Any, rows: bytes
) -> None:
    job = f"coins-{len(rows)}"
    answer = transformed(sagemaker, s3, job, package["InferenceSpecification"]["Containers"][0], rows)

    scores = [float(line) for line in answer.splitlines()]
    assert len(scores) == rows.count(b"\n")
    assert scores[0] > 0.8
    assert all(score < 0.2 for score in scores[1:])


def test_without_an_input_fn_rows_become_a_matrix_as_in_the_container(package: Any, sagemaker: Any, s3: Any) -> None:
    container = package["InferenceSpecification"]["Containers"][0]
    s3.put_object(Bucket=BUCKET, Key="other/sourcedir.tar.gz", Body=packed("train.py", WITHOUT_INPUT_FN))
    other = container["Environment"] | {"SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{BUCKET}/other/sourcedir.tar.gz"}
    rows = b"0.9,0.8\n0.1,0.2\n"

    answers = [
        transformed(sagemaker, s3, f"coins-{name}", container | {"Environment": environment}, rows)
        for name, environment in {"own": container["Environment"], "default": other}.items()
    ]

    own, default = [[float(line) for line in answer.splitlines()] for answer in answers]
    assert default == pytest.approx(own, abs=1e-6)


def transformed(sagemaker: Any, s3: Any, job: str, container: dict[str, Any], rows: bytes) -> str:
    s3.put_object(Bucket=BUCKET, Key=f"predicting/{job}/rows.csv", Body=rows)
    keys = ("Image", "ModelDataUrl", "Environment")
    sagemaker.create_model(ModelName=job, PrimaryContainer={key: container[key] for key in keys}, ExecutionRoleArn=ROLE)
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/predicting/{job}/"}
    sagemaker.create_transform_job(
        TransformJobName=job,
        ModelName=job,
        TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/answers/{job}", "Accept": "text/csv", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    found = ended(lambda: sagemaker.describe_transform_job(TransformJobName=job), "TransformJobStatus")
    assert found["TransformJobStatus"] == "Completed", found
    return str(s3.get_object(Bucket=BUCKET, Key=f"answers/{job}/rows.csv.out")["Body"].read().decode())


@pytest.mark.parametrize(
    ("image", "framework"),
    [
        (XGBOOST_IMAGE, XGBOOST),
        (IMAGE, SKLEARN),
        (f"{REGISTRY}/sagemaker-xgboost-own:1", SKLEARN),
        ("", SKLEARN),
    ],
)
def test_the_image_tells_in_which_environment_a_job_runs(image: str, framework: Any) -> None:
    assert framework_of(image) is framework

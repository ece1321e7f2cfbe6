"""An embedded AWS with the environment of SageMaker's jobs, and a bucket for what they read and write."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from local_aws.sagemaker.home import SKLEARN, Framework, NoFramework, environment_folder
from tests.local_aws.conftest import until

BUCKET = "ml-jobs"
ROLE = "arn:aws:iam::000000000000:role/ml-job"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
SCRIPT = """
import argparse, json, os, pathlib, shutil
import pandas as pd

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shift", type=float, default=0.0)
    given = parser.parse_args()
    rows = pd.read_csv(os.environ["SM_CHANNEL_TRAIN"] + "/rows.csv", header=None)
    print("rows", len(rows))
    folder = pathlib.Path(os.environ["SM_MODEL_DIR"])
    (folder / "model.json").write_text(json.dumps({"mean": rows[0].mean() + given.shift}))
    (folder / "code").mkdir()
    shutil.copy(__file__, folder / "code")

def model_fn(folder):
    return json.loads((pathlib.Path(folder) / "model.json").read_text())

def input_fn(text, content_type):
    return [[float(cell) for cell in line.split(",")] for line in text.splitlines()]

def predict_fn(rows, model):
    import numpy as np
    return np.array([sum(row) + model["mean"] for row in rows])

if __name__ == "__main__":
    main()
"""


def need_framework(framework: Framework = SKLEARN) -> None:
    """Skip where the framework is not set up (`make ml`), as tests of Flink do without Flink."""
    try:
        environment_folder(framework)
    except NoFramework as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def s3(aws: Callable[[str], Any]) -> Any:
    client = aws("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture(scope="session")
def sagemaker(aws: Callable[[str], Any], s3: Any) -> Any:
    return aws("sagemaker")


def packed(name: str, text: str) -> bytes:
    archive, entry = io.BytesIO(), tarfile.TarInfo(name)
    entry.size = len(text.encode())
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.addfile(entry, io.BytesIO(text.encode()))
    return archive.getvalue()


def training(s3: Any, name: str, script: str = SCRIPT, seconds: int = 300, **settings: Any) -> dict[str, Any]:
    """The request of a training job whose script and rows are put to S3."""
    s3.put_object(Bucket=BUCKET, Key=f"{name}/code/sourcedir.tar.gz", Body=packed("train.py", script))
    s3.put_object(Bucket=BUCKET, Key=f"{name}/train/rows.csv", Body=b"1,2\n3,4\n")
    own = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz"}
    channels = [
        {"ChannelName": channel, "DataSource": {"S3DataSource": {
            "S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/{channel}/"}}}
        for channel in ("train", "code")
    ]  # fmt: skip
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {key: json.dumps(value) for key, value in (own | settings).items()},
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{name}/models"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
        "EnableNetworkIsolation": True,
        "RoleArn": ROLE,
    }


def ended(describe: Callable[[], Any], status: str) -> Any:
    return until(lambda: (found := describe())[status] not in ("InProgress", "Executing") and found, 180)


def athena_rows(aws: Callable[[str], Any], statement: str, database: str) -> list[dict[str, str]]:
    """The rows of a query; a null is left out."""
    athena = aws("athena")
    started = athena.start_query_execution(
        QueryString=statement,
        QueryExecutionContext={"Database": database},
        ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"},
    )["QueryExecutionId"]
    found = until(
        lambda: (
            (run := athena.get_query_execution(QueryExecutionId=started)["QueryExecution"])["Status"]["State"]
            not in ("QUEUED", "RUNNING")
            and run
        )
    )
    assert found["Status"]["State"] == "SUCCEEDED", found["Status"]
    header, *rows = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
    names = [cell["VarCharValue"] for cell in header["Data"]]
    return [
        {name: cell["VarCharValue"] for name, cell in zip(names, row["Data"], strict=True) if "VarCharValue" in cell}
        for row in rows
    ]

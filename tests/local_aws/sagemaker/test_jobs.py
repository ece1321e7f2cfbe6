"""Training and transform jobs run SageMaker's contract as processes, and tell why they failed."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded import client
from tests.local_aws.sagemaker.conftest import BUCKET, IMAGE, ROLE, ended, need_framework, training


def trained(sagemaker: Any, request: dict[str, Any]) -> Any:
    need_framework()
    sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    return ended(lambda: sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus")


def test_a_script_in_script_mode_trains_a_model_and_logs(sagemaker: Any, s3: Any, aws: Callable[[str], Any]) -> None:
    job = trained(sagemaker, training(s3, "plain", shift=0.5))

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed"), job
    uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == f"s3://{BUCKET}/plain/models/plain/output/model.tar.gz"
    body = s3.get_object(Bucket=BUCKET, Key="plain/models/plain/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        assert json.load(archive.extractfile("model.json")) == {"mean": 2.5}  # type: ignore[arg-type]
    [stream] = aws("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="plain/"
    )["logStreams"]
    events = aws("logs").get_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=stream["logStreamName"]
    )["events"]
    assert "rows 2" in [event["message"] for event in events]


def test_a_script_that_fails_is_failed_with_the_end_of_its_log(sagemaker: Any, s3: Any) -> None:
    job = trained(sagemaker, training(s3, "fails", "raise ValueError('no such column')"))

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError")
    assert "Added by the embedded AWS, the end of the log" in job["FailureReason"]
    assert "ValueError: no such column" in job["FailureReason"]
    assert len(job["FailureReason"]) <= 1024


def test_a_script_that_never_ends_is_stopped_by_its_limit(sagemaker: Any, s3: Any) -> None:
    job = trained(sagemaker, training(s3, "endless", "while True: pass", seconds=5))

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_jobs_of_one_name_in_other_regions_and_of_other_kinds_do_not_touch_each_other(
    sagemaker: Any, s3: Any, endpoint: str
) -> None:
    need_framework()
    slow = "import os, time; time.sleep(4); open(os.environ['SM_MODEL_DIR'] + '/m', 'w').close()"
    sagemaker.create_training_job(**training(s3, "same", slow))
    elsewhere = client("sagemaker", endpoint, "eu-west-1")
    elsewhere.create_training_job(**training(s3, "same", "print('at once')"))
    sagemaker.create_processing_job(
        ProcessingJobName="same",
        ProcessingResources={"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}},
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "-c", "print('at once')"]},
        RoleArn=ROLE,
    )

    processed = ended(lambda: sagemaker.describe_processing_job(ProcessingJobName="same"), "ProcessingJobStatus")
    others = [
        ended(lambda aws=aws: aws.describe_training_job(TrainingJobName="same"), "TrainingJobStatus")
        for aws in (elsewhere, sagemaker)
    ]
    assert processed["ProcessingJobStatus"] == "Completed", processed
    assert [job["TrainingJobStatus"] for job in others] == ["Completed", "Completed"], others


def test_a_job_without_network_has_no_credentials(sagemaker: Any, s3: Any) -> None:
    script = "import os, sys; sys.exit(str(sorted(n for n in os.environ if n.startswith('AWS_'))))"

    job = trained(sagemaker, training(s3, "isolated", script))

    assert "AWS_SECRET_ACCESS_KEY" not in job["FailureReason"]
    assert "['AWS_REGION']" in job["FailureReason"]


def test_an_input_that_is_not_there_fails_the_job_by_its_name(sagemaker: Any, s3: Any) -> None:
    request = training(s3, "empty")
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{BUCKET}/nothing/"

    job = trained(sagemaker, request)

    assert job["FailureReason"] == f"ClientError: No S3 objects found under S3 URL s3://{BUCKET}/nothing/"


def test_a_batch_transform_joins_each_line_with_its_answer(sagemaker: Any, s3: Any) -> None:
    assert trained(sagemaker, training(s3, "served"))["TrainingJobStatus"] == "Completed"
    s3.put_object(Bucket=BUCKET, Key="rows/a.csv", Body=b'"x, y",1.5,2\nz,0.25,3\n')
    container = {
        "Image": IMAGE,
        "ModelDataUrl": f"s3://{BUCKET}/served/models/served/output/model.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "train.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
    }
    sagemaker.create_model(ModelName="served", PrimaryContainer=container, ExecutionRoleArn=ROLE)

    sagemaker.create_transform_job(
        TransformJobName="joined",
        ModelName="served",
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/rows/"}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/answers", "Accept": "text/csv", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )

    job = ended(lambda: sagemaker.describe_transform_job(TransformJobName="joined"), "TransformJobStatus")
    assert job["TransformJobStatus"] == "Completed", job
    assert s3.get_object(Bucket=BUCKET, Key="answers/a.csv.out")["Body"].read() == b'"x, y",5.5\nz,5.25\n'


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"ResourceConfig": {"InstanceType": "ml.huge.large", "InstanceCount": 1, "VolumeSizeInGB": 1}},
            "ml.huge.large",
        ),
        ({"TrainingJobName": "no_underscores"}, "no_underscores"),
    ],
)
def test_a_request_that_sagemaker_would_refuse_is_refused(
    sagemaker: Any, s3: Any, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(ClientError, match=says) as refused:
        sagemaker.create_training_job(**training(s3, "refused") | change)

    assert refused.value.response["Error"]["Code"] == "ValidationException"

"""The definition of a model's pipeline: train, evaluate, and register if the metric holds.

The stack writes it, and not SageMaker's SDK, whose definition of the same pipeline differs from call to call.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from lake.configuration.model import MlModel
from lake.configuration.names import Names
from lake.configuration.training import SOURCE
from stacks.base import literals

Json = dict[str, Any]
VERSION = "TrainingSetVersion"
PROCESSING = "/opt/ml/processing"
GIB = 30


@dataclass(frozen=True)
class Places:
    """Where a pipeline finds what it needs: the image, and the folders of the model's script and of the evaluation."""

    names: Names
    image: str
    source: str
    evaluation: str

    @property
    def bucket(self) -> str:
        return f"s3://{self.names.bucket('ml')}"

    @property
    def key(self) -> str:
        return self.names.key_alias_arn

    @property
    def role(self) -> str:
        return self.names.role_arn("ml-job")


def definition(name: str, model: MlModel, places: Places) -> Json:
    """The pipeline of a model, as `PipelineDefinition` has it."""
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [{"Name": VERSION, "Type": "String"}],
        "Steps": [_train(name, model, places), _evaluate(name, model, places), _decide(name, model, places)],
    }


def _train(name: str, model: MlModel, places: Places) -> Json:
    settings = {
        "sagemaker_program": PurePosixPath(model.script).name,
        "sagemaker_submit_directory": f"/opt/ml/input/data/code/{SOURCE}",
        "sagemaker_region": places.names.region,
        **model.hyperparameters,
    }
    channels = {
        "train": _of_set(model, places, "train/"),
        "validation": _of_set(model, places, "validation/"),
        "set": _of_set(model, places, "manifest.json"),
        # The script comes in a channel, as a job without network fetches nothing itself.
        "code": places.source,
    }
    arguments = {
        "AlgorithmSpecification": {"TrainingImage": places.image, "TrainingInputMode": "File"},
        "HyperParameters": literals({key: json.dumps(value) for key, value in settings.items()}),
        "InputDataConfig": [_channel(channel, uri) for channel, uri in channels.items()],
        "OutputDataConfig": {"S3OutputPath": _of_execution(name, places, ""), "KmsKeyId": places.key},
        "ResourceConfig": {"InstanceType": model.instance, "InstanceCount": 1, "VolumeSizeInGB": GIB},
        "StoppingCondition": {"MaxRuntimeInSeconds": model.max_minutes * 60},
        "EnableNetworkIsolation": True,
        "RoleArn": places.role,
    }
    return {"Name": "Train", "Type": "Training", "Arguments": arguments}


def _channel(name: str, uri: Any) -> Json:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File"}


def _evaluate(name: str, model: MlModel, places: Places) -> Json:
    inputs = {
        "model": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
        "set": _of_set(model, places, "manifest.json"),
        "train": _of_set(model, places, "train/"),
        "test": _of_set(model, places, "test/"),
        "code": places.evaluation,
    }
    words = [word for each in ("model", "set", "train", "test") for word in (f"--{each}", f"{PROCESSING}/{each}")]
    words += ["--script", PurePosixPath(model.script).name, "--output", f"{PROCESSING}/evaluation"]
    output = {
        "S3Uri": _of_execution(name, places, "/evaluation"),
        "LocalPath": f"{PROCESSING}/evaluation",
        "S3UploadMode": "EndOfJob",
    }
    arguments = {
        "AppSpecification": {
            "ImageUri": places.image,
            "ContainerEntrypoint": ["python3", f"{PROCESSING}/code/evaluate.py"],
            "ContainerArguments": words,
        },
        "ProcessingInputs": [_input(each, uri) for each, uri in inputs.items()],
        "ProcessingOutputConfig": {
            "Outputs": [{"OutputName": "evaluation", "S3Output": output}],
            "KmsKeyId": places.key,
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": model.instance, "InstanceCount": 1, "VolumeSizeInGB": GIB}
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": model.max_minutes * 60},
        "NetworkConfig": {"EnableNetworkIsolation": True},
        "RoleArn": places.role,
    }
    files = [{"PropertyFileName": "Evaluation", "OutputName": "evaluation", "FilePath": "evaluation.json"}]
    return {"Name": "Evaluate", "Type": "Processing", "Arguments": arguments, "PropertyFiles": files}


def _input(name: str, uri: Any) -> Json:
    source = {
        "S3Uri": uri,
        "LocalPath": f"{PROCESSING}/{name}",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
        "S3CompressionType": "None",
    }
    return {"InputName": name, "S3Input": source}


def _decide(name: str, model: MlModel, places: Places) -> Json:
    value = {
        "Std:JsonGet": {
            "PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Evaluation"},
            "Path": f"metrics.{model.metric}.value",
        }
    }
    condition = {"Type": "GreaterThanOrEqualTo", "LeftValue": value, "RightValue": model.at_least}
    refusal = f"{model.metric} on the test part is below at_least {model.at_least}: the model is not registered"
    stop = {"Name": "NotGoodEnough", "Type": "Fail", "Arguments": {"ErrorMessage": refusal}}
    branches = {"IfSteps": [_register(name, model, places)], "ElseSteps": [stop]}
    return {
        "Name": "Decide",
        "Type": "Condition",
        "Arguments": {"Conditions": [condition], **branches},
        "DependsOn": ["Evaluate"],
    }


def _register(name: str, model: MlModel, places: Places) -> Json:
    """A package answers by the script that its archive holds."""
    container = {
        "Image": places.image,
        "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"},
        "Environment": {
            "SAGEMAKER_PROGRAM": PurePosixPath(model.script).name,
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
    }
    evaluation = {
        "ContentType": "application/json",
        "S3Uri": _of_execution(name, places, "/evaluation/evaluation.json"),
    }
    arguments = {
        "ModelPackageGroupName": places.names.model(name),
        "ModelPackageDescription": f"{model.metric} at least {model.at_least}",
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
            "SupportedTransformInstanceTypes": [model.instance],
        },
        "ModelMetrics": {"ModelQuality": {"Statistics": evaluation}},
        "CustomerMetadataProperties": {
            "training_set": model.training_set,
            "training_set_version": {"Get": f"Parameters.{VERSION}"},
            "execution": {"Get": "Execution.PipelineExecutionId"},
        },
    }
    return {"Name": "Register", "Type": "RegisterModel", "Arguments": arguments}


def _of_set(model: MlModel, places: Places, rest: str) -> Json:
    """A place in the version of the training set that the execution was started with."""
    root = f"{places.bucket}/training-sets/{model.training_set}/"
    return {"Std:Join": {"On": "", "Values": [root, {"Get": f"Parameters.{VERSION}"}, f"/{rest}"]}}


def _of_execution(name: str, places: Places, rest: str) -> Json:
    root = f"{places.bucket}/models/{name}/"
    return {"Std:Join": {"On": "", "Values": [root, {"Get": "Execution.PipelineExecutionId"}, rest]}}

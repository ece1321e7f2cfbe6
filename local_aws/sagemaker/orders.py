"""What each kind of job runs: its command, its inputs, and where its outputs go."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from local_aws.jobs.process import JobError
from local_aws.protocol import Document
from local_aws.sagemaker.associations import Association
from local_aws.sagemaker.container import Container, unpack
from local_aws.sagemaker.home import framework_of

SERVE = Path(__file__).with_name("serve.py")
_HOST = "localhost"


@dataclass(frozen=True)
class Order:
    """A process in a container: its words, its variables, and what to do when it has succeeded."""

    words: list[str]
    variables: dict[str, str] = field(default_factory=dict)


def training(job: Document, box: Container, home: Path) -> Order:
    """SageMaker's toolkit runs the script; or the command that the request has."""
    channels = job.get("InputDataConfig") or []
    for channel in channels:
        box.fetch(channel["DataSource"]["S3DataSource"], box.base / "input/data" / channel["ChannelName"])
    settings = {
        name: box.here(value) if name == "sagemaker_submit_directory" else value
        for name, value in (job.get("HyperParameters") or {}).items()
    }
    box.configure("hyperparameters.json", settings)
    box.configure("inputdataconfig.json", {channel["ChannelName"]: _channel(channel) for channel in channels})
    box.configure("resourceconfig.json", _resources(str(job["ResourceConfig"]["InstanceType"])))
    algorithm = job["AlgorithmSpecification"]
    given = [*(algorithm.get("ContainerEntrypoint") or []), *(algorithm.get("ContainerArguments") or [])]
    words = [box.here(word) for word in given] or [str(home / "bin/train")]
    return Order(words, {"TRAINING_JOB_NAME": job["TrainingJobName"], "TRAINING_JOB_ARN": job["TrainingJobArn"]})


def _channel(channel: Document) -> Document:
    kind = {"ContentType": channel["ContentType"]} if "ContentType" in channel else {}
    rest = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
    return rest | kind


def _resources(instance: str) -> Document:
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance, "hosts": [_HOST]}
    return {
        "current_host": _HOST,
        "hosts": [_HOST],
        "current_instance_type": instance,
        "current_group_name": "homogeneousCluster",
        "instance_groups": [group],
        "network_interface_name": "lo",
        "topology": None,
    }


def trained(job: Document, box: Container) -> Document:
    """Publish the model, and what else the script has left. Answers what DescribeTrainingJob says of it."""
    root = f"{job['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{job['TrainingJobName']}/output"
    box.publish_packed(box.base / "model", f"{root}/model.tar.gz")
    if any((box.base / "output/data").iterdir()):
        box.publish_packed(box.base / "output/data", f"{root}/output.tar.gz")
    return {"ModelArtifacts": {"S3ModelArtifacts": f"{root}/model.tar.gz"}}


def processing(job: Document, box: Container, home: Path) -> Order:
    for given in job.get("ProcessingInputs") or []:
        source = given["S3Input"]
        box.fetch(source, box.path(source["LocalPath"]))
    for output in _outputs(job):
        box.path(output["LocalPath"]).mkdir(parents=True, exist_ok=True)
    app = job["AppSpecification"]
    given = [*(app.get("ContainerEntrypoint") or []), *(app.get("ContainerArguments") or [])]
    if not given:
        raise JobError("ClientError: AppSpecification has no ContainerEntrypoint, and an image has none on this AWS")
    return Order([box.here(word) for word in given], {"PROCESSING_JOB_NAME": job["ProcessingJobName"]})


def processed(job: Document, box: Container) -> Document:
    for output in _outputs(job):
        box.publish(box.path(output["LocalPath"]), output["S3Uri"])
    return {}


def _outputs(job: Document) -> list[Document]:
    return [output["S3Output"] for output in (job.get("ProcessingOutputConfig") or {}).get("Outputs", [])]


def transform(job: Document, box: Container, home: Path, model: Document) -> Order:
    """The model's script, with its `model_fn` and the like, reads each file and writes one beside it."""
    main = container_of(model)
    variables = main.get("Environment") or {}
    packed = box.fetch_file(main["ModelDataUrl"], box.base / "model.tar.gz")
    unpack(packed, box.base / "model")
    program = variables.get("SAGEMAKER_PROGRAM")
    if not program:
        raise JobError("ClientError: the model's Environment names no script: SAGEMAKER_PROGRAM")
    script = _submitted(variables.get("SAGEMAKER_SUBMIT_DIRECTORY", "/opt/ml/model/code"), box) / program
    if not script.is_file():
        raise JobError(f"ClientError: the script {program} is not in the model: a training script copies it to code/")
    source = job["TransformInput"]["DataSource"]["S3DataSource"]
    files = box.fetch(source, box.base / "input/data/transform")
    association = Association.of(job)
    filtered = [association.write_input(file, box.base / "input/filtered" / _under(box, file)) for file in files]
    (box.base / "output/plain").mkdir()
    framework = framework_of(str(main.get("Image", ""))).title
    box.configure("transform.json", _serving(job, box, script, filtered) | {"framework": framework})
    return Order([str(home / "bin/python"), str(SERVE), str(box.base / "input/config/transform.json")])


def container_of(model: Document) -> Document:
    """The container of a model, or the first of its pipeline."""
    found: Document = model.get("PrimaryContainer") or (model.get("Containers") or [{}])[0]
    return found


def _serving(job: Document, box: Container, script: Path, files: list[Path]) -> Document:
    content = job["TransformInput"].get("ContentType", "text/csv")
    return {
        "script": str(script),
        "model": str(box.base / "model"),
        "content_type": content,
        "accept": job["TransformOutput"].get("Accept", content),
        "by_line": job["TransformInput"].get("SplitType", "None") == "Line",
        "one_record": job.get("BatchStrategy") == "SingleRecord",
        "most_bytes": int(job.get("MaxPayloadInMB") or 6) * 2**20,
        "files": {str(file): str(box.base / "output/plain" / file.relative_to(_filtered(box))) for file in files},
    }


def _filtered(box: Container) -> Path:
    return box.base / "input/filtered"


def _under(box: Container, file: Path) -> Path:
    return file.relative_to((box.base / "input/data/transform").resolve())


def _submitted(place: str, box: Container) -> Path:
    if not place.startswith("s3://"):
        return box.path(place)
    unpack(box.fetch_file(place, box.base / "sourcedir.tar.gz"), box.base / "code")
    return box.base / "code"


def transformed(job: Document, box: Container) -> Document:
    association = Association.of(job)
    for plain in sorted((box.base / "output/plain").rglob("*")):
        if plain.is_file():
            name = plain.relative_to(box.base / "output/plain")
            source = box.base / "input/data/transform" / name
            association.write_output(source, plain, box.base / "output/joined" / f"{name}.out")
    box.publish(box.base / "output/joined", job["TransformOutput"]["S3OutputPath"])
    return {}


def spoken(box: Container) -> str:
    """What the job itself says of its end."""
    for name in ("output/failure", "output/message"):
        file = box.base / name
        if file.is_file() and (text := file.read_text(errors="replace").strip()):
            return text[:1024]
    return ""

"""Commands of training sets and models: what they ask AWS for, what they refuse, and the pages they write."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake.configuration.model import DriftReport
from lake.configuration.names import Names
from lake.configuration.reading import load
from lake.deploying import lifecycle, registry
from lake.deploying.backend import state_file
from lake.deploying.in_state import stacks_to_go
from lake.deploying.terraform import synthesise
from lake.errors import BadInput, LakeError, StillRunning
from lake.running import datasets, models, plots, predictions

EXAMPLE = Path(__file__).parents[2] / "examples/late_flights/lake.yaml"
NAME, BUCKET = "late_flights", "lateness-local-ml-1"
MANIFEST: dict[str, Any] = {
    "name": NAME,
    "version": "v1",
    "features": ["distance", "temp"],
    "parts": {part: {"rows": 10, "bytes": 5, "sha256": "a", "path": f"{part}.parquet"} for part in datasets.PARTS},
    "sources": {"departures": {"snapshot": "s1", "files": 3}},
}
EVALUATION: dict[str, Any] = {
    "training_set": NAME,
    "version": "v1",
    "rows": 100,
    "metrics": {"auc": {"value": 0.71, "low": 0.69, "high": 0.73}},
    "roc": [[0.0, 0.0], [0.2, 0.6], [1.0, 1.0]],
    "calibration": [[0.1, 0.12, 50], [0.6, 0.55, 50]],
    "confusion": [[60, 10], [12, 18]],
}


class Refused(ClientError):
    def __init__(self, code: str, message: str = "") -> None:
        super().__init__({"Error": {"Code": code, "Message": message}}, "Operation")


class S3:
    def __init__(self, **objects: Any) -> None:
        self.objects = {key.replace("__", "/"): value for key, value in objects.items()}

    def put(self, key: str, document: Any) -> None:
        self.objects[key] = document

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == BUCKET
        if Key not in self.objects:
            raise Refused("NoSuchKey")
        return {"Body": io.BytesIO(json.dumps(self.objects[Key]).encode())}


class SageMaker:
    """One pipeline, whose execution ends as it is told, and a registry."""

    def __init__(self, status: str = "Succeeded", *, reason: str = "", packages: int = 1) -> None:
        self.status, self.reason, self.packages = status, reason, packages
        self.started: list[dict[str, Any]] = []

    def start_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        self.started.append(request)
        return {"PipelineExecutionArn": "arn:pipeline/p/execution/x1"}

    def describe_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        return {"PipelineExecutionStatus": self.status, "FailureReason": "Step Train failed"}

    def list_pipeline_execution_steps(self, **request: Any) -> dict[str, Any]:
        failed = {"StepName": "Train", "StepStatus": "Failed", "FailureReason": self.reason}
        return {"PipelineExecutionSteps": [failed] if self.reason else []}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_model_packages"
        found = [{"ModelPackageArn": str(number)} for number in range(self.packages, 0, -1)]
        return SimpleNamespace(paginate=lambda **request: [{"ModelPackageSummaryList": found}])

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        uri = f"s3://{BUCKET}/models/evaluation.json"
        return {
            "ModelPackageVersion": int(ModelPackageName),
            "ModelApprovalStatus": "PendingManualApproval",
            "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": uri}}},
            "CustomerMetadataProperties": {
                "training_set": NAME, "training_set_version": "v1", "execution": f"x{ModelPackageName}",
            },
            "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        }  # fmt: skip


def aws(sagemaker: Any = None, *, built: bool = True) -> Any:
    s3 = S3()
    if built:
        s3.put(f"training-sets/{NAME}/latest.json", {"version": "v1"})
        s3.put(f"training-sets/{NAME}/v1/manifest.json", MANIFEST)
    s3.put("models/evaluation.json", EVALUATION)
    lake = load(EXAMPLE)
    return SimpleNamespace(lake=lake, names=Names("lateness", "local", "us-east-1", "1"), s3=s3, sagemaker=sagemaker)


def silent(*state: str) -> None:
    return None


def test_training_starts_the_pipeline_on_the_latest_version_and_gives_what_was_registered() -> None:
    sagemaker = SageMaker()

    made = models.train(aws(sagemaker), NAME, silent)

    assert sagemaker.started == [
        {
            "PipelineName": "lateness-local-late-flights",
            "PipelineParameters": [{"Name": "TrainingSetVersion", "Value": "v1"}],
        }
    ]
    assert (made["version"], made["auc"], made["training_set"]) == (1, 0.71, "late_flights v1")


def test_a_failed_step_is_told_with_its_own_reason() -> None:
    sagemaker = SageMaker("Failed", reason="auc on the test part is below at_least 0.6")

    with pytest.raises(LakeError, match=r"late_flights was not registered: Train: auc on the test part is below"):
        models.train(aws(sagemaker), NAME, silent)


def test_a_model_whose_training_set_has_gone_is_not_trained() -> None:
    sagemaker = SageMaker()

    with pytest.raises(LakeError, match=r"the training set late_flights is not there. Build it: `lake dataset build"):
        models.train(aws(sagemaker, built=False), NAME, silent)
    with pytest.raises(LakeError, match=r"version v9 of the training set late_flights is not there"):
        models.train(aws(sagemaker), NAME, silent, "v9")
    assert sagemaker.started == []


def test_a_model_that_lake_yaml_has_not_is_refused() -> None:
    with pytest.raises(BadInput, match=r"there is no model 'late' in lake.yaml. Allowed: late_flights"):
        models.train(aws(), "late", silent)
    with pytest.raises(BadInput, match=r"there is no training set 'late' in lake.yaml"):
        datasets.manifest(aws(), "late")


def test_a_version_that_the_registry_has_not_is_refused() -> None:
    with pytest.raises(LakeError, match=r"the registry has not version 3 of late_flights. Train it"):
        models.package_of(aws(SageMaker(packages=2)), NAME, 3)
    assert models.package_of(aws(SageMaker(packages=2)), NAME)["ModelPackageVersion"] == 2


def test_two_versions_differ_by_the_fields_that_are_other() -> None:
    other = json.loads(json.dumps(MANIFEST)) | {"version": "v2", "features": ["distance"]}
    other["parts"]["train"]["rows"] = 11
    other["sources"]["departures"]["snapshot"] = "s2"

    assert datasets.difference(MANIFEST, other) == [
        {"field": "features", "left": "distance, temp", "right": "distance"},
        {"field": "parts.train.rows", "left": 10, "right": 11},
        {"field": "sources.departures.snapshot", "left": "s1", "right": "s2"},
    ]
    assert datasets.difference(MANIFEST, MANIFEST) == []


def test_the_last_comparison_with_train_is_shown_by_its_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    found = aws()
    config = found.lake.config.training_sets[NAME]
    with pytest.raises(BadInput, match=r"training_sets\.late_flights has no `drift` in lake.yaml"):
        datasets.drift(found, NAME, silent, last=True)
    watched = config.model_copy(update={"drift": DriftReport(on="departures", schedule="cron(0 5 * * ? *)")})
    monkeypatch.setitem(found.lake.config.training_sets, NAME, watched)
    with pytest.raises(
        LakeError, match="nothing was compared with late_flights yet: `lake dataset drift late_flights`"
    ):
        datasets.drift(found, NAME, silent, last=True)
    found.s3.put(f"reports/{NAME}/drift.json", {"indices": {"temp": 0.1, "distance": 0.31}, "limit": 0.25})

    report, refused = datasets.drift(found, NAME, silent, last=True)

    assert (datasets.drift_lines(report), refused) == (
        [{"feature": "distance", "psi": 0.31, "limit": 0.25}, {"feature": "temp", "psi": 0.1, "limit": 0.25}],
        "",
    )


def test_the_lineage_of_a_model_goes_down_to_the_raw_files() -> None:
    raw = {"database": "lateness_local_raw", "snapshot": "s2", "files": 7, "location": "s3://raw/airports/"}
    made = {"database": "lateness_local_curated", "snapshot": "s1", "files": 3, "location": "s3://curated/departures/"}
    found = aws(SageMaker(packages=2))
    of_a_script = {**made, "location": "s3://curated/notes/"}
    sources = {"departures": made, "airports": raw, "notes": of_a_script}
    found.s3.put(f"training-sets/{NAME}/v1/manifest.json", MANIFEST | {"sources": sources})

    lines = models.lineage(found, NAME)

    assert [(line["model"], line["training_set"]) for line in lines] == [("late_flights 2", "late_flights v1")] * 3
    assert [(line["table"], line["snapshot"], line["raw_files"]) for line in lines] == [
        ("lateness_local_curated.departures", "s1", "s3://lateness-local-raw-1/flights/"),
        ("lateness_local_raw.airports", "s2", "s3://raw/airports/"),
        ("lateness_local_curated.notes", "s1", ""),
    ]


def test_the_lineage_of_a_model_whose_training_set_has_gone_is_told() -> None:
    with pytest.raises(LakeError, match="version v1 of the training set late_flights is not there"):
        models.lineage(aws(SageMaker(), built=False), NAME)


def test_a_step_that_took_too_long_is_told_by_its_setting() -> None:
    sagemaker = SageMaker("Failed", reason="ClientError: TrainingJob t: MaxRuntimeExceeded")

    with pytest.raises(LakeError, match="not registered: Train: it took longer than max_minutes, 60"):
        models.train(aws(sagemaker), NAME, silent)


def test_who_stops_waiting_is_told_that_it_continues() -> None:
    def interrupted(**request: Any) -> Any:
        raise KeyboardInterrupt

    sagemaker = SageMaker()
    sagemaker.describe_pipeline_execution = interrupted  # type: ignore[method-assign]

    with pytest.raises(StillRunning, match="the training of late_flights continues by itself"):
        models.train(aws(sagemaker), NAME, silent)


def test_rows_with_other_features_than_the_model_was_trained_on_are_refused() -> None:
    found = aws(SageMaker())
    package = models.package_of(found, NAME)

    predictions._check_features(found, NAME, package, ["distance", "temp"])
    with pytest.raises(
        LakeError, match="version 1 of late_flights was trained on distance, temp, and the training set"
    ):
        predictions._check_features(found, NAME, package, ["distance", "temp", "dep_delay"])


def test_a_transform_gives_the_model_the_features_and_keeps_the_number_of_the_row() -> None:
    report = {"input": f"s3://{BUCKET}/predicting/n/r/input/"}

    request = predictions._request(aws(), "job", report, "ml.m5.large")

    assert request["DataProcessing"] == {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    assert request["TransformOutput"]["S3OutputPath"] == f"s3://{BUCKET}/predicting/n/r/output"


def test_the_page_of_a_build_has_its_findings_and_plots(tmp_path: Path) -> None:
    report = {
        "training_set": NAME,
        "findings": [{"verdict": "fail", "check": "is_label", "message": "a<b is the label"}],
        "powers": {"distance": 0.6, "temp": 0.55},
        "label_shares": dict.fromkeys(plots.PARTS, 0.3),
    }

    page = plots.leak_report(report, tmp_path / "reports")

    assert "a&lt;b is the label" in page.read_text()
    for plot in ("powers.png", "parts.png"):
        assert f'src="{plot}"' in page.read_text()
        assert (page.parent / plot).read_bytes().startswith(b"\x89PNG")


def test_the_page_of_an_evaluation_has_its_metrics_and_plots(tmp_path: Path) -> None:
    page = plots.evaluation_report(EVALUATION | {"model": NAME, "model_version": 2}, tmp_path)

    assert "0.710000" in page.read_text() and "version 2" in page.read_text()
    assert {plot.name for plot in tmp_path.glob("*.png")} == {"roc.png", "calibration.png", "confusion.png"}


def test_only_a_lake_with_training_sets_has_the_stack(tmp_path: Path) -> None:
    plain = load(EXAMPLE.parents[2] / "lake.yaml")

    assert lifecycle.check_stacks(aws().lake, ["ml"]) == ["ml"]
    assert lifecycle.check_stacks(aws().lake, [])[-1] == "ml"
    missing = "there is no stack 'ml'. lake.yaml has neither training_sets nor feature_groups. Allowed: storage"
    with pytest.raises(BadInput, match=missing):
        lifecycle.check_stacks(plain, ["ml"])


def without_ml(folder: Path, *resources: tuple[str, dict[str, Any]]) -> Any:
    """A lake whose lake.yaml has nothing for the ml stack any more, and whose state has these resources."""
    (folder / "lake.yaml").write_text("project: lateness\nenvironments: {local: {region: us-east-1}}\n")
    lake = load(folder / "lake.yaml")
    file = state_file(lake, "ml")
    file.parent.mkdir(parents=True)
    entries = [{"mode": "managed", "type": type_, "instances": [{"attributes": has}]} for type_, has in resources]
    file.write_text(json.dumps({"resources": entries}))
    return SimpleNamespace(lake=lake, names=lake.names("1" * 12))


def test_the_ml_stack_goes_though_lake_yaml_has_nothing_for_it_any_more(tmp_path: Path) -> None:
    found = without_ml(tmp_path, ("aws_sagemaker_pipeline", {"pipeline_name": "lateness-local-late-flights"}))
    assert stacks_to_go(found)[-1] == "ml"
    assert "ml" not in lifecycle.check_stacks(found.lake, [])

    synthesise(found.lake, destroys=["ml"])
    stack = json.loads((tmp_path / "cdktf.out/stacks/ml/cdk.tf.json").read_text())
    assert "resource" not in stack
    assert stack["terraform"]["backend"]["local"]["path"] == str(state_file(found.lake, "ml"))

    state_file(found.lake, "ml").write_text(json.dumps({"resources": []}))
    assert "ml" not in stacks_to_go(found)


def test_what_goes_on_of_models_and_training_sets_that_lake_yaml_has_no_more_is_stopped(tmp_path: Path) -> None:
    found = without_ml(
        tmp_path,
        ("aws_sagemaker_pipeline", {"pipeline_name": "lateness-local-late-flights"}),
        ("aws_glue_job", {"name": "lateness-local-dataset-lateness"}),
    )
    stopped: list[str] = []
    summary = {"PipelineExecutionArn": "arn:execution/x1", "PipelineExecutionStatus": "Executing"}
    pages = {"lateness-local-late-flights": [{"PipelineExecutionSummaries": [summary]}]}
    paginator = SimpleNamespace(paginate=lambda PipelineName: pages[PipelineName])  # noqa: N803
    found.sagemaker = SimpleNamespace(
        get_paginator=lambda operation: paginator,
        # Without a token of its own: each call is another one for AWS, and botocore gives it one.
        stop_pipeline_execution=lambda PipelineExecutionArn: stopped.append(PipelineExecutionArn),  # noqa: N803
        exceptions=SimpleNamespace(ConflictException=Refused),
    )
    runs = {"lateness-local-dataset-lateness": [{"Id": "jr_1", "JobRunState": "RUNNING"}]}
    found.glue = SimpleNamespace(
        get_job_runs=lambda JobName: {"JobRuns": runs[JobName]},  # noqa: N803
        batch_stop_job_run=lambda JobName, JobRunIds: stopped.extend(JobRunIds),  # noqa: N803
    )

    registry.stop(found)

    assert stopped == ["arn:execution/x1", "jr_1"]


def test_what_a_killed_prediction_has_left_goes_with_the_stack() -> None:
    deleted: list[str] = []
    found = {
        "list_pipeline_executions": [{"PipelineExecutionSummaries": []}],
        "list_model_packages": [{"ModelPackageSummaryList": []}],
        "list_models": [{"Models": [{"ModelName": "lateness-local-late-flights-1"}, {"ModelName": "of-another"}]}],
    }
    sagemaker = SimpleNamespace(
        get_paginator=lambda operation: SimpleNamespace(paginate=lambda **request: found[operation]),
        delete_model=lambda ModelName: deleted.append(ModelName),  # noqa: N803
    )
    lake = aws(sagemaker)
    lake.logs = SimpleNamespace(get_paginator=lambda operation: SimpleNamespace(paginate=lambda **request: []))

    registry.forget(lake)

    assert deleted == ["lateness-local-late-flights-1"]


def test_a_stack_that_was_never_deployed_has_nothing_to_stop_and_nothing_to_forget() -> None:
    def refused(**request: Any) -> Any:
        raise Refused("ResourceNotFound", "Pipeline does not exist.")

    gone = SimpleNamespace(paginate=refused)
    sagemaker = SimpleNamespace(get_paginator=lambda operation: gone)
    found = aws(sagemaker)
    found.glue = SimpleNamespace(get_job_runs=refused)
    found.logs = SimpleNamespace(get_paginator=lambda operation: SimpleNamespace(paginate=lambda **request: []))

    registry.stop(found)
    registry.forget(found)

    assert registry.going_on(found) == []

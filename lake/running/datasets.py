"""Training sets: building one, what a build found, and how two versions differ."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code, read_object
from lake.configuration.suggest import allowed
from lake.configuration.training import drift_arguments
from lake.errors import BadInput, LakeError
from lake.running.deployed import needing
from lake.running.jobs import ENDED, Show
from lake.running.runs import SHORT
from lake.running.waiting import ended

PARTS = ("train", "validation", "test")


def check_name(aws: Aws, name: str) -> None:
    """Raise BadInput for a training set that is not in lake.yaml."""
    known = aws.lake.config.training_sets
    if name not in known:
        raise BadInput(f"there is no training set {name!r} in lake.yaml. {allowed(name, known)}")


def build(aws: Aws, name: str, show: Show, arguments: dict[str, str] | None = None) -> tuple[dict[str, Any], str]:
    """Run the job that builds a training set, and wait for its end.

    Args:
        arguments: of a run that writes what a model shall predict.

    Returns:
        The run's report, and why nothing was published: empty where it was.

    Raises:
        LakeError: the job is not deployed, runs already, or failed before it could report.
    """
    check_name(aws, name)
    run_id = _started(aws, name, arguments or {})
    run = _ended(aws, name, run_id, show)
    report = _report(aws, name, run_id)
    message = "" if run["JobRunState"] == "SUCCEEDED" else str(run.get("ErrorMessage", "no message"))
    if report is None:
        log = f"{aws.names.log_group('glue', f'dataset-{name}')}/error"
        raise LakeError(f"the build of {name} is {run['JobRunState']}: {message}\nIts log: {log}, stream {run_id}")
    return report, message.removesuffix(" (exit code 1)")


def _started(aws: Aws, name: str, arguments: dict[str, str]) -> str:
    try:
        with needing(f"the job that builds {name}", "EntityNotFoundException"):
            return aws.glue.start_job_run(JobName=aws.names.dataset_job(name), Arguments=arguments)["JobRunId"]
    except ClientError as error:
        if error_code(error) == "ConcurrentRunsExceededException":
            raise LakeError(f"{name} is being built already. Wait for its end, and run this again") from None
        raise


def _ended(aws: Aws, name: str, run_id: str, show: Show) -> Any:
    def look() -> tuple[Any, str, str]:
        run = aws.glue.get_job_run(JobName=aws.names.dataset_job(name), RunId=run_id)["JobRun"]
        return run, str(run["JobRunState"]), run_id[:SHORT]

    return ended(
        look, lambda state: state not in ENDED, show, f"the run {run_id} that builds {name} continues by itself"
    )


def _report(aws: Aws, name: str, run_id: str) -> dict[str, Any] | None:
    return read_json(aws, f"reports/{name}/{run_id}.json")


def read_json(aws: Aws, key: str) -> dict[str, Any] | None:
    """A document of the ml bucket; None where it is not there."""
    body = read_object(aws, aws.names.bucket("ml"), key)
    return None if body is None else json.loads(body)


def manifest(aws: Aws, name: str, version: str | None = None) -> dict[str, Any]:
    """The manifest of a version of a training set, by default of the latest. Raises LakeError where it is not there."""
    check_name(aws, name)
    latest = read_json(aws, f"training-sets/{name}/latest.json") if version is None else {"version": version}
    found = read_json(aws, f"training-sets/{name}/{latest['version']}/manifest.json") if latest else None
    if found is None:
        which = f"version {version} of the training set {name}" if version else f"the training set {name}"
        raise LakeError(f"{which} is not there. Build it: `lake dataset build {name}`")
    return found


def figures(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a manifest as lines."""
    parts = found["parts"]
    return [{"part": part, **{key: parts[part][key] for key in ("rows", "bytes", "sha256")}} for part in PARTS]


def difference(left: dict[str, Any], right: dict[str, Any]) -> list[dict[str, Any]]:
    """What differs between two manifests: a line for each field, `source.TABLE` or `PART.rows` where they are parts."""
    flat = [dict(_flat(each)) for each in (left, right)]
    names = [name for name in {**flat[0], **flat[1]} if name not in ("version", "name")]
    lines = [{"field": name, "left": flat[0].get(name), "right": flat[1].get(name)} for name in names]
    return [line for line in lines if line["left"] != line["right"]]


def _flat(found: dict[str, Any], above: str = "") -> Any:
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", ", ".join(map(str, value)) if isinstance(value, list) else value


def drift(aws: Aws, name: str, show: Show, *, last: bool = False) -> tuple[dict[str, Any], str]:
    """Compare later rows with those of train, and wait for the end of it; or give the last comparison.

    Returns:
        The report, and what is distributed otherwise: empty where nothing is, or where it is the last one.

    Raises:
        BadInput: the training set has no `drift` in lake.yaml.
        LakeError: nothing was compared yet, or the run failed before it could report.
    """
    check_name(aws, name)
    watched = aws.lake.config.training_sets[name].drift
    if watched is None:
        raise BadInput(f"training_sets.{name} has no `drift` in lake.yaml, which says what is compared")
    if not last:
        return build(aws, name, show, drift_arguments(watched))
    found = read_json(aws, f"reports/{name}/drift.json")
    if found is None:
        raise LakeError(f"nothing was compared with {name} yet: `lake dataset drift {name}`")
    return found, ""


def drift_lines(report: dict[str, Any]) -> list[dict[str, Any]]:
    """A line for each feature, the one that drifts most first."""
    ordered = sorted(report["indices"].items(), key=lambda item: -item[1])
    return [{"feature": name, "psi": round(index, 4), "limit": report["limit"]} for name, index in ordered]

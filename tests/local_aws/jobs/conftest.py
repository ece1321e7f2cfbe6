"""A bucket for code, and a function that creates a Glue job from a script and runs it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

import pytest

UNDERWAY = ("STARTING", "RUNNING", "STOPPING")


def ended(glue: Any, job: str, run_id: str, seconds: float = 180) -> dict[str, Any]:
    """Return the run once it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        run: dict[str, Any] = glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]
        if run["JobRunState"] not in UNDERWAY:
            return run
        time.sleep(0.2)
    raise AssertionError(f"run {run_id} is {run['JobRunState']} after {seconds} s")


@dataclass(frozen=True)
class Lab:
    """Creates jobs from scripts and runs them."""

    aws: Callable[[str], Any]
    bucket: str

    @property
    def glue(self) -> Any:
        return self.aws("glue")

    def put(self, key: str, body: str | bytes) -> str:
        """Put an object; returns its URI."""
        self.aws("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def keys(self, prefix: str) -> list[str]:
        found = self.aws("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in found]

    def job(self, script: str, kind: str = "pythonshell", **fields: Any) -> str:
        name = f"job-{uuid.uuid4().hex[:8]}"
        suffix = "scala" if "--class" in fields.get("DefaultArguments", {}) else "py"
        location = self.put(f"code/{name}.{suffix}", dedent(script))
        command = {"Name": kind, "ScriptLocation": location}
        self.glue.create_job(**({"Name": name, "Role": "role", "Command": command} | fields))
        return name

    def start(self, job: str, **fields: Any) -> str:
        return str(self.glue.start_job_run(JobName=job, **fields)["JobRunId"])

    def run(self, script: str, kind: str = "pythonshell", **fields: Any) -> dict[str, Any]:
        """Create a job, and return its run once it has ended."""
        job = self.job(script, kind, **fields)
        return ended(self.glue, job, self.start(job))

    def lines(self, run: dict[str, Any], kind: str) -> list[str]:
        """Return what a run wrote: `kind` is output or error."""
        group = f"{run['LogGroupName']}/{kind}"
        events = self.aws("logs").get_log_events(logGroupName=group, logStreamName=run["Id"], startFromHead=True)
        return [event["message"] for event in events["events"]]

    def printed(self, job: str, run_id: str) -> list[str]:
        """Return what a running job has printed so far."""
        run = self.glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]
        assert run["JobRunState"] in UNDERWAY, run.get("ErrorMessage")
        try:
            return self.lines(run, "output")
        except self.aws("logs").exceptions.ResourceNotFoundException:
            return []


@pytest.fixture
def lab(aws: Callable[[str], Any]) -> Lab:
    bucket = f"lab-{uuid.uuid4().hex[:12]}"
    aws("s3").create_bucket(Bucket=bucket)
    return Lab(aws, bucket)

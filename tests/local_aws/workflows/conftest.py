"""A bucket with crawlers and quick jobs, and workflows made from them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from textwrap import dedent
from typing import Any

import pytest

from tests.local_aws.conftest import until

UNDERWAY = ("RUNNING", "STOPPING")


class Lab:
    """Creates crawlers, jobs, triggers and workflows with unique names, and deletes them at the end."""

    def __init__(self, aws: Callable[[str], Any]) -> None:
        self.name = f"flow-{uuid.uuid4().hex[:8]}"
        self.s3, self.glue = aws("s3"), aws("glue")
        self.s3.create_bucket(Bucket=self.name)
        self.glue.create_database(DatabaseInput={"Name": self.name})
        self.glue.create_workflow(Name=self.name, DefaultRunProperties={"by": "default", "kept": "yes"})

    def close(self) -> None:
        for trigger in self.glue.get_triggers()["Triggers"]:
            if trigger["Name"].startswith(self.name):
                self.glue.delete_trigger(Name=trigger["Name"])
        self.glue.delete_workflow(Name=self.name)

    def crawler(self, folder: str, files: int = 1) -> str:
        for number in range(files):
            self.s3.put_object(Bucket=self.name, Key=f"{folder}/{number}.csv", Body=b"code,seats\nA,1\nB,2\n")
        name = f"{self.name}-{folder}"
        targets = {"S3Targets": [{"Path": f"s3://{self.name}/{folder}/"}]}
        self.glue.create_crawler(Name=name, Role="r", DatabaseName=self.name, Targets=targets)
        return name

    def job(self, script: str = "", **fields: Any) -> str:
        name = f"{self.name}-job-{uuid.uuid4().hex[:4]}"
        self.s3.put_object(Bucket=self.name, Key=f"code/{name}.py", Body=dedent(script).encode())
        command = {"Name": "pythonshell", "ScriptLocation": f"s3://{self.name}/code/{name}.py"}
        self.glue.create_job(Name=name, Role="r", Command=command, **fields)
        return name

    def trigger(self, *starts: str, after: dict[str, str] | None = None, **fields: Any) -> str:
        """Create a trigger for these crawlers and jobs; conditional if `after` gives states to wait for, by name."""
        name = f"{self.name}-trigger-{uuid.uuid4().hex[:4]}"
        conditional = {"Type": "CONDITIONAL", "StartOnCreation": True}
        kind = conditional if after else {"Type": "ON_DEMAND"}
        conditions = [_named(place) | _state(place, state) for place, state in (after or {}).items()]
        predicate = {"Predicate": {"Logical": fields.pop("logical", "AND"), "Conditions": conditions}} if after else {}
        given = {"WorkflowName": self.name, **kind, **predicate, **fields}
        given = {key: value for key, value in given.items() if value is not None}
        self.glue.create_trigger(Name=name, Actions=[_named(start) for start in starts], **given)
        return name

    def run(self, **given: Any) -> dict[str, Any]:
        """Run the workflow, and return the run once it has ended."""
        return self.ended(self.glue.start_workflow_run(Name=self.name, **given)["RunId"])

    def ended(self, run_id: str) -> dict[str, Any]:
        return until(lambda: self._ended(run_id))

    def _ended(self, run_id: str) -> dict[str, Any] | None:
        run: dict[str, Any] = self.glue.get_workflow_run(Name=self.name, RunId=run_id, IncludeGraph=True)["Run"]
        return None if run["Status"] in UNDERWAY else run

    def job_runs(self, job: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.glue.get_job_runs(JobName=job)["JobRuns"]
        return found

    def tables(self) -> set[str]:
        return {table["Name"] for table in self.glue.get_tables(DatabaseName=self.name)["TableList"]}


def _named(place: str) -> dict[str, str]:
    return {"JobName" if "-job-" in place else "CrawlerName": place}


def _state(place: str, state: str) -> dict[str, str]:
    return {"LogicalOperator": "EQUALS", "State" if "-job-" in place else "CrawlState": state}


def states(run: dict[str, Any]) -> dict[str, str]:
    """Return the state of each crawler or job that the run has started."""
    found = {}
    for node in run["Graph"]["Nodes"]:
        for detail in node.get("CrawlerDetails", {}).get("Crawls", []):
            found[node["Name"]] = detail["State"]
        for detail in node.get("JobDetails", {}).get("JobRuns", []):
            found[node["Name"]] = detail["JobRunState"]
    return found


def counts(run: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in run["Statistics"].items() if count}


@pytest.fixture
def lab(aws: Callable[[str], Any]) -> Iterator[Lab]:
    lab = Lab(aws)
    yield lab
    lab.close()

"""A job run's settings, and the document that is stored for it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from local_aws.protocol import Document

UNDERWAY = ("STARTING", "RUNNING", "STOPPING")
SPARK = ("glueetl", "gluestreaming")
_LOG_PREFIX = "/aws-glue/jobs"
_SHELL_LOG_PREFIX = "/aws-glue/python-jobs"
_ECHOED = (
    "Timeout",
    "WorkerType",
    "NumberOfWorkers",
    "MaxCapacity",
    "SecurityConfiguration",
    "ExecutionClass",
)


@dataclass(frozen=True)
class Order:
    """One attempt of a job run, with the job's settings at its start."""

    run: Document
    job: Document
    arguments: dict[str, str]
    region: str

    @property
    def id(self) -> str:
        return str(self.run["Id"])

    @property
    def first(self) -> str:
        """Return the id of the run's first attempt."""
        return self.id.partition("_attempt_")[0]

    @property
    def is_spark(self) -> bool:
        return self.job["Command"]["Name"] in SPARK

    @property
    def language(self) -> str:
        return self.arguments.get("--job-language", "python")


def new_run(job: Document, given: Document, arguments: dict[str, str]) -> Document:
    """Return the document of a run that starts now. `given`: the payload of StartJobRun."""
    now = time.time()
    size = {name: given.get(name, job.get(name)) for name in _ECHOED}
    size["Timeout"] = size["Timeout"] or 2880
    capacity = size["MaxCapacity"] or size["NumberOfWorkers"] or 2
    return {name: value for name, value in size.items() if value not in (None, "")} | {
        "Id": f"jr_{uuid.uuid4().hex}{uuid.uuid4().hex}",
        "Attempt": 0,
        "JobName": job["Name"],
        "JobMode": "SCRIPT",
        "JobRunState": "STARTING",
        "Arguments": given.get("Arguments", {}),
        "AllocatedCapacity": int(capacity),
        "ExecutionTime": 0,
        "GlueVersion": job.get("GlueVersion", ""),
        "LogGroupName": _log_group(job, arguments, size["SecurityConfiguration"]),
        "PredecessorRuns": [],
        "StartedOn": now,
        "LastModifiedOn": now,
    }


def _log_group(job: Document, arguments: dict[str, str], security_configuration: str | None) -> str:
    """Return the log group: Glue 5 puts a job with a security configuration into one named by it and the role."""
    default = _SHELL_LOG_PREFIX if job["Command"]["Name"] == "pythonshell" else _LOG_PREFIX
    prefix = arguments.get("--custom-logGroup-prefix") or default
    role = job["Role"].rpartition("/")[2]
    return f"{prefix}/{security_configuration}-role/{role}" if security_configuration else prefix


def next_attempt(order: Order, attempt: int) -> Order:
    now = time.time()
    fields = {"Id": f"{order.first}_attempt_{attempt}", "Attempt": attempt, "PreviousRunId": order.id}
    run = order.run | fields | {"StartedOn": now, "LastModifiedOn": now}
    return Order(run, order.job, order.arguments, order.region)


def argv(order: Order) -> dict[str, str]:
    """Return the arguments of the script, by name."""
    own = {"--JOB_NAME": order.job["Name"], "--JOB_RUN_ID": order.id, "--JOB_ID": f"j_{order.job['Name']}"}
    return own | order.arguments


def shown(run: Document) -> Document:
    """Return the run as GetJobRun shows it."""
    fields = {name: value for name, value in run.items() if name != "Region"}
    if run["JobRunState"] in UNDERWAY:
        return fields | {"ExecutionTime": round(time.time() - run["StartedOn"])}
    return fields

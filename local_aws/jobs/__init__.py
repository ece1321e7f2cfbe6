"""Runs Glue jobs for real: each run is a process of its own, with Spark if the job is a Spark job."""

from __future__ import annotations

import json
import re

from local_aws.context import Context
from local_aws.jobs.runs import JobRuns
from local_aws.pages import newest, paged
from local_aws.protocol import AwsError, Call, Document, Handlers

_PAGE = 200
_TELLS_A_LOCATION = (
    *("CreateTable", "UpdateTable", "CreatePartition", "UpdatePartition"),
    *("BatchCreatePartition", "BatchUpdatePartition"),
)


def handlers(context: Context) -> Handlers:
    runs = JobRuns(context)

    def start(call: Call) -> Document:
        job = context.client("glue", call.region).get_job(JobName=call.required("JobName"))["Job"]
        return {"JobRunId": runs.start(job, call.payload, call.region)}

    def get(call: Call) -> Document:
        return {"JobRun": _one(runs, call.required("JobName"), call.required("RunId"))}

    def list_(call: Call) -> Document:
        found = runs.of(call.required("JobName"))
        return paged("JobRuns", found, call.payload, newest("StartedOn", "Id"), _PAGE)

    def stop(call: Call) -> Document:
        return _stopped(runs, call.required("JobName"), call.required("JobRunIds"))

    def forget(call: Call) -> Document:
        answer = call.forward_unchanged()
        runs.forget(call.required("JobName"))
        return answer

    def published(call: Call) -> Document:
        # On AWS, Spark's files are in S3 as soon as they are written: publish them before their folder is registered.
        runs.publish(call.session, set(re.findall(r'"s3a?://([^/"]+)', json.dumps(call.payload))))
        return call.forward_unchanged()

    return {
        **{("glue", action): published for action in _TELLS_A_LOCATION},
        ("glue", "StartJobRun"): start,
        ("glue", "GetJobRun"): get,
        ("glue", "GetJobRuns"): list_,
        ("glue", "BatchStopJobRun"): stop,
        ("glue", "DeleteJob"): forget,
    }


def _one(runs: JobRuns, job_name: str, run_id: str) -> Document:
    found = next((run for run in runs.of(job_name) if run["Id"] == run_id), None)
    if found is None:
        raise AwsError("EntityNotFoundException", f"Job run {run_id} of job {job_name} not found.")
    return found


def _stopped(runs: JobRuns, job_name: str, ids: list[str]) -> Document:
    known = {run["Id"] for run in runs.of(job_name)}
    answer: Document = {"SuccessfulSubmissions": [], "Errors": []}
    for run_id in ids:
        named = {"JobName": job_name, "JobRunId": run_id}
        if run_id in known and runs.stop(run_id):
            answer["SuccessfulSubmissions"].append(named)
        else:
            answer["Errors"].append(named | {"ErrorDetail": _refusal(run_id, known)})
    return answer


def _refusal(run_id: str, known: set[str]) -> Document:
    if run_id in known:
        return {"ErrorCode": "InvalidInputException", "ErrorMessage": f"Job run {run_id} has ended already."}
    return {"ErrorCode": "EntityNotFoundException", "ErrorMessage": f"Job run {run_id} not found."}

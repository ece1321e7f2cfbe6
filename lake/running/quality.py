"""The results of the jobs' expectations."""

from __future__ import annotations

from lake.aws import Aws
from lake.configuration.expectations import RESULTS
from lake.configuration.suggest import allowed
from lake.data.sql import query
from lake.errors import BadInput, LakeError

LAST = f"""
SELECT job, rule, otherwise, outcome, judged, failed, share, run_id, evaluated_at
FROM (SELECT *, rank() OVER (PARTITION BY job ORDER BY evaluated_at DESC) AS place FROM {RESULTS}) AS results
WHERE place = 1 ORDER BY job, rule
"""


def last_results(aws: Aws, job: str | None = None) -> list[dict[str, str | None]]:
    """The results of each job's last run with expectations, or only of one job's, from Athena.

    Raises:
        BadInput: the job is not in lake.yaml, or has no expectations.
        LakeError: the query failed. The message has Athena's reason.
    """
    jobs = [name for name, found in aws.lake.config.jobs.items() if found.expect]
    if job and job not in jobs:
        raise BadInput(f"there is no job {job!r} with `expect` in lake.yaml. {allowed(job, jobs, 'none has any')}")
    if not _there(aws):
        raise LakeError(f"there are no results yet. Run a job that has `expect` in lake.yaml: {', '.join(jobs)}")
    return [line for line in query(aws, LAST).records() if job in (None, line["job"])]


def _there(aws: Aws) -> bool:
    try:
        aws.glue.get_table(DatabaseName=aws.names.database("curated"), Name=RESULTS)
    except aws.glue.exceptions.EntityNotFoundException:
        return False
    return True

"""The versions of a table: each run writes into its own folder, and the catalog decides which folders are current."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lake_etl.errors import JobError
from lake_etl.storage import place_of

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

UNDERWAY = ("STARTING", "RUNNING", "STOPPING", "WAITING")
PREFIX = "run-"


def run_folder(root: str, run_id: str) -> str:
    """Return the run's folder: s3://curated/flights/run-jr_1/ for the root s3://curated/flights/."""
    return f"{root}{PREFIX}{run_id}/"


def remove_unused(
    glue: GlueClient, s3: S3Client, job: str, root: str, locations: Callable[[], Iterable[str]]
) -> list[str]:
    """Delete the folders of ended runs that contain none of the locations. Returns the deleted folders.

    The locations are read last: a run that had ended before then has already published everything it will.
    """

    def unused(folders: list[str]) -> list[str]:
        used = {_folder_in(root, location) for location in locations()} if folders else set()
        return [folder for folder in folders if folder not in used]

    candidates = unused(_run_folders(s3, root))
    removed = unused([folder for folder in candidates if _has_ended(glue, job, folder.removeprefix(root + PREFIX))])
    for folder in removed:
        _delete(s3, folder)
    return removed


def _run_folders(s3: S3Client, root: str) -> list[str]:
    bucket, prefix = place_of(root)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix + PREFIX, Delimiter="/")
    return [f"s3://{bucket}/{entry['Prefix']}" for page in pages for entry in page.get("CommonPrefixes", [])]


def _has_ended(glue: GlueClient, job: str, run_id: str) -> bool:
    """Whether a run has ended. Glue forgets runs after some months."""
    try:
        state = glue.get_job_run(JobName=job, RunId=run_id.rstrip("/"))["JobRun"].get("JobRunState")
    except glue.exceptions.EntityNotFoundException:
        return True
    return state not in UNDERWAY


def _folder_in(root: str, location: str) -> str:
    return root + location.removeprefix(root).partition("/")[0] + "/"


def _delete(s3: S3Client, folder: str) -> None:
    bucket, prefix = place_of(folder)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        keys = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True}) if keys else {}  # type: ignore[typeddict-item]
        for error in answer.get("Errors", []):
            raise JobError(f"s3://{bucket}/{error['Key']} cannot be deleted: {error['Message']}")

"""The table of the verdict of each rule in each run, failed runs included: one file of JSON lines per run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lake_etl.catalog import publish_partitions, publish_table, storage_of
from lake_etl.expectations import Verdict

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client

TABLE = "data_quality_results"
COLUMNS = {
    "run_id": "string",
    "rule": "string",
    "column_name": "string",
    "otherwise": "string",
    "outcome": "string",
    "judged": "bigint",
    "failed": "bigint",
    "share": "double",
    "evaluated_at": "timestamp",
}


def publish_results(
    glue: GlueClient,
    s3: S3Client,
    database: str,
    bucket: str,
    job: str,
    run_id: str,
    verdicts: Sequence[Verdict],
    part: str = "",
) -> None:
    """Add a run's verdicts, or those of a part of it, to the table, and create the table if it does not exist."""
    if not verdicts:
        return
    location, storage = f"s3://{bucket}/{TABLE}/", storage_of("json", COLUMNS)
    run = {"run_id": run_id, "evaluated_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"}
    lines = "".join(json.dumps(run | verdict.record()) + "\n" for verdict in verdicts)
    s3.put_object(Bucket=bucket, Key=f"{TABLE}/job={job}/{run_id}{part}.json", Body=lines.encode())
    publish_table(glue, database, TABLE, location, storage, {"job": "string"})
    publish_partitions(glue, database, TABLE, storage, {(job,): f"{location}job={job}/"})

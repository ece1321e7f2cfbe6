"""What the entry scripts of the Python jobs share: how a run is told what to do, and how it ends."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

from lake_etl.errors import JobError, reason
from lake_etl.storage import place_of


def run_to_end(run: Callable[[list[str]], dict[str, Any]]) -> None:
    """Run with the arguments of the command line, and print the report.

    On an error, the last line of stderr is the reason and the exit code is 1.
    """
    try:
        report = run(sys.argv[1:])
    except JobError as error:
        sys.exit(str(error))
    except Exception as error:
        traceback.print_exc()
        sys.exit(reason(error))
    sys.stdout.write(f"LAKE_REPORT {json.dumps(report)}\n")


def specification(location: str) -> dict[str, Any]:
    """Return the document that `--spec` names. Raises JobError if it cannot be read."""
    bucket, key = place_of(location)
    try:
        body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        raise JobError(f"--spec {location}: {error}") from error
    found: dict[str, Any] = json.load(body)
    return found

"""An application's code: its unpacked zip, and the jar of its Java or Scala."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local_aws.context import Context

_OPTIONS = "kinesis.analytics.flink.run.options"


class BadCode(Exception):
    """The reason that an application cannot be started, in one sentence."""


def unpack(context: Context, detail: dict[str, Any], folder: Path) -> None:
    """Unpack an application's zip into a folder. Raises BadCode."""
    described = detail["ApplicationConfigurationDescription"].get("ApplicationCodeConfigurationDescription", {})
    place = described.get("CodeContentDescription", {}).get("S3ApplicationCodeLocationDescription")
    if place is None:
        raise BadCode("the application names no code in S3: set CodeContent.S3ContentLocation")
    bucket, key = place["BucketARN"].rpartition(":")[2], place["FileKey"]
    version = {"ExtraArgs": {"VersionId": place["ObjectVersion"]}} if place.get("ObjectVersion") else {}
    folder.parent.mkdir(parents=True, exist_ok=True)
    packed = folder.parent / "code.zip"
    try:
        context.client("s3").download_file(bucket, key, str(packed), **version)
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(folder)
    except ClientError as error:
        raise BadCode(f"s3://{bucket}/{key} cannot be read ({error.response['Error']['Code']})") from None
    except zipfile.BadZipFile:
        raise BadCode(f"s3://{bucket}/{key} is not a zip") from None


def options(detail: dict[str, Any]) -> dict[str, str]:
    """Return the property group that names the zip's file to run, and its jar."""
    described = detail["ApplicationConfigurationDescription"].get("EnvironmentPropertyDescriptions", {})
    groups = described.get("PropertyGroupDescriptions", [])
    found: dict[str, str] = next((g["PropertyMap"] for g in groups if g["PropertyGroupId"] == _OPTIONS), {})
    return found


def script(detail: dict[str, Any], code: Path) -> str:
    """Return the Python file to run. Raises BadCode."""
    named = options(detail).get("python")
    if not named:
        raise BadCode(
            f"the property group {_OPTIONS} names no python file: the embedded AWS runs applications in Python"
        )
    if not (code / named).is_file():
        raise BadCode(f"the zip has no {named}, which the property group {_OPTIONS} names")
    return named

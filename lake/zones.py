"""Files into the raw zone, and whole buckets empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lake.aws import THREADS, Aws, error_code
from lake.errors import BadInput, LakeError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef


@dataclass(frozen=True)
class Upload:
    """A file and the key it gets in the raw zone."""

    file: Path
    key: str


def uploads(aws: Aws, dataset: str, paths: list[Path]) -> list[Upload]:
    """What `put` will upload: files by their name, folders with all that lies under them.

    Names that begin with `.` or `_` are left out, as Glue, Athena and Spark leave them out.

    Raises:
        BadInput: the dataset or a path is not there, or a file lies outside the dataset's partition folders.
    """
    datasets = aws.lake.config.datasets
    if dataset not in datasets:
        raise BadInput(f"there is no dataset {dataset!r} in lake.yaml. Allowed: {', '.join(datasets)}")
    if datasets[dataset].zone != "raw":
        raise BadInput(f"{dataset} lies in the {datasets[dataset].zone} zone, which jobs write. put fills the raw zone")
    if datasets[dataset].connection:
        raise BadInput(f"{dataset} is a table of the database {datasets[dataset].connection}: it takes no files")
    found = [upload for path in paths for upload in _under(dataset, path)]
    for upload in found:
        _check_partitions(upload, list(datasets[dataset].partitions))
    return found


def put(aws: Aws, files: list[Upload]) -> Iterator[Upload]:
    """Upload side by side; each upload is given back when it is done."""
    bucket = aws.names.bucket("raw")
    with ThreadPoolExecutor(THREADS) as pool:
        work = {pool.submit(aws.s3.upload_file, str(upload.file), bucket, upload.key): upload for upload in files}
        try:
            for done in as_completed(work):
                _uploaded(done.result, bucket)
                yield work[done]
        finally:
            pool.shutdown(cancel_futures=True)


def is_there(aws: Aws, upload: Upload) -> bool:
    """Whether the raw zone has an object of this key."""
    try:
        aws.s3.head_object(Bucket=aws.names.bucket("raw"), Key=upload.key)
    except ClientError as error:
        if error_code(error) in ("404", "NoSuchKey", "NoSuchBucket"):
            return False
        raise
    return True


def empty(aws: Aws, bucket: str) -> int:
    """Delete every version of every object. Returns how many; 0 where the bucket is not there."""
    deleted = 0
    try:
        for page in aws.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            deleted += _delete(aws, bucket, versions)
    except ClientError as error:
        if error_code(error) == "NoSuchBucket":
            return 0
        raise
    return deleted


def _under(dataset: str, path: Path) -> Iterator[Upload]:
    if path.is_file():
        yield Upload(path, f"{dataset}/{path.name}")
    elif path.is_dir():
        for file in sorted(path.rglob("*")):
            inside = file.relative_to(path)
            if file.is_file() and not any(part.startswith((".", "_")) for part in inside.parts):
                yield Upload(file, f"{dataset}/{inside.as_posix()}")
    else:
        raise BadInput(f"{path} is not there")


def _check_partitions(upload: Upload, partitions: list[str]) -> None:
    folders = upload.key.split("/")[1:-1]
    keys = [folder.partition("=")[0] for folder in folders]
    if keys != partitions:
        given = "/".join(folders) or "no folders"
        allowed = "/".join(f"{key}=..." for key in partitions) or "no folders"
        raise BadInput(
            f"{upload.file}: its folders are not the dataset's partitions in lake.yaml. "
            f"Given: {given}. Allowed: {allowed}"
        )


def _uploaded(result: Callable[[], Any], bucket: str) -> None:
    try:
        result()
    except Exception as error:
        if "NoSuchBucket" in str(error):
            raise LakeError(f"the bucket {bucket} is not there. Deploy it first: `lake up storage`") from None
        raise


def _delete(aws: Aws, bucket: str, versions: list[Any]) -> int:
    objects: list[ObjectIdentifierTypeDef] = [
        {"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions
    ]
    if objects:
        answer = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        if failed := answer.get("Errors"):
            raise LakeError(f"{bucket}: {len(failed)} objects were not deleted. First: {failed[0]}")
    return len(objects)

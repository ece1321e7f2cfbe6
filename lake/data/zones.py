"""Uploads files to the raw zone, and empties buckets."""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lake.aws import THREADS, Aws, error_code
from lake.configuration.model import Dataset
from lake.configuration.suggest import allowed
from lake.data.contents import check_contents
from lake.data.uploads import Uploads
from lake.errors import BadInput, LakeError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that a key may contain, but the XML of DeleteObjects may not."""
BATCH = 1000
"""Objects of one call that deletes, at most."""
DELETERS, AHEAD = 8, 16
"""Calls that delete side by side, and batches that are listed before their turn."""
ATTEMPTS, BACKOFF_SECONDS = 6, 0.5
_BUSY = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"}


@dataclass(frozen=True)
class Upload:
    """A file and the key it gets in the raw zone."""

    file: Path
    key: str


def uploads(aws: Aws, dataset: str, paths: list[Path]) -> list[Upload]:
    """What `put` will upload: files by name, folders with everything in them.

    Names that begin with `.` or `_` are skipped, because Glue, Athena and Spark skip them.

    Raises:
        BadInput: the dataset or a path does not exist, or a file is outside the dataset's partition folders or not of
            its format.
    """
    settings = check_raw(aws, dataset)
    found = [upload for path in paths for upload in _under(dataset, path)]
    for upload in found:
        _check_partitions(upload, list(settings.partitions))
    _check_names(found)
    check_contents(settings, [upload.file for upload in found])
    return found


def _check_names(found: list[Upload]) -> None:
    keys = Counter(upload.key for upload in found)
    if twice := [key for key, count in keys.items() if count > 1]:
        raise BadInput(
            f"{len(twice)} names are given more than once, so one file would replace another. First: {twice[0]}"
        )


def check_raw(aws: Aws, dataset: str) -> Dataset:
    """The settings of a dataset of files in the raw zone. Raises BadInput for any other."""
    datasets = aws.lake.config.datasets
    if dataset not in datasets:
        raise BadInput(f"there is no dataset {dataset!r} in lake.yaml. {allowed(dataset, datasets)}")
    settings = datasets[dataset]
    if settings.zone != "raw":
        raise BadInput(
            f"{dataset} is in the {settings.zone} zone, which only jobs write to. Upload to datasets of the raw zone"
        )
    if settings.connection:
        raise BadInput(f"{dataset} is a table of the database {settings.connection} and has no files")
    return settings


def there(aws: Aws, dataset: str) -> dict[str, int]:
    """Key -> bytes of the objects in a dataset's folder of the raw zone; empty if the bucket does not exist yet."""
    try:
        pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=aws.names.bucket("raw"), Prefix=f"{dataset}/")
        return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}
    except ClientError as error:
        if error_code(error) == "NoSuchBucket":
            return {}
        raise


def put(aws: Aws, files: list[Upload]) -> Iterator[Upload]:
    """Upload in parallel. Yields each upload when it is done."""
    bucket = aws.names.bucket("raw")
    into = Uploads(aws, bucket)
    with ThreadPoolExecutor(THREADS) as pool:
        work = {pool.submit(into.put, upload.file, upload.key): upload for upload in files}
        try:
            for done in as_completed(work):
                _uploaded(done.result, bucket)
                yield work[done]
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Version:
    """A version of an object. size is in bytes, and None for a delete marker."""

    key: str
    id: str
    is_latest: bool
    size: int | None


def versions(aws: Aws, bucket: str, prefix: str = "") -> Iterator[Version]:
    """Every version of every object whose key begins with the prefix."""
    for page in aws.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Versions", []):
            yield Version(found["Key"], found["VersionId"], found["IsLatest"], found["Size"])
        for marker in page.get("DeleteMarkers", []):
            yield Version(marker["Key"], marker["VersionId"], marker["IsLatest"], None)


def delete(aws: Aws, bucket: str, found: Iterable[Version]) -> Iterator[int]:
    """Delete versions, some batches side by side; gives the number of each batch when it is deleted."""
    rest, pending = iter(found), deque[Future[int]]()
    with ThreadPoolExecutor(DELETERS) as pool:
        try:
            while batch := list(islice(rest, BATCH)):
                pending.append(pool.submit(_delete, aws, bucket, batch))
                if len(pending) > AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def empty(aws: Aws, bucket: str, tell: Callable[[int], None] = lambda deleted: None, prefix: str = "") -> int:
    """Delete every version of every object whose key begins with the prefix. Returns how many; 0 where there is no
    such bucket.

    Args:
        tell: is told how many versions are deleted so far.
    """
    deleted = 0
    try:
        for count in delete(aws, bucket, versions(aws, bucket, prefix)):
            deleted += count
            tell(deleted)
    except ClientError as error:
        if error_code(error) != "NoSuchBucket":
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
        raise BadInput(f"{path} does not exist")


def _check_partitions(upload: Upload, partitions: list[str]) -> None:
    folders = upload.key.split("/")[1:-1]
    keys = [folder.partition("=")[0] for folder in folders]
    if keys != partitions:
        given = "/".join(folders) or "no folders"
        allowed = "/".join(f"{key}=..." for key in partitions) or "no folders"
        raise BadInput(
            f"{upload.file}: its folders do not match the dataset's partitions in lake.yaml. "
            f"Given: {given}. Allowed: {allowed}"
        )


def _uploaded(result: Callable[[], Any], bucket: str) -> None:
    try:
        result()
    except Exception as error:
        if "NoSuchBucket" in str(error):
            raise LakeError(f"the bucket {bucket} does not exist. Deploy it first: `lake up storage`") from None
        raise


def _delete(aws: Aws, bucket: str, batch: list[Version]) -> int:
    objects: list[ObjectIdentifierTypeDef] = [{"Key": each.key, "VersionId": each.id} for each in batch]
    for each in (each for each in objects if _NOT_XML.search(each["Key"])):
        aws.s3.delete_object(Bucket=bucket, **each)  # type: ignore[misc]
    left = [each for each in objects if not _NOT_XML.search(each["Key"])]
    for attempt in range(ATTEMPTS):
        if not left:
            return len(batch)
        # S3 answers 200 and says of each object that it was too busy for it: botocore does not try those again.
        time.sleep(attempt and 2 ** (attempt - 1) * BACKOFF_SECONDS)
        failed: list[Any] = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": left, "Quiet": True}).get(
            "Errors", []
        )
        if refused := [each for each in failed if each.get("Code") not in _BUSY]:
            raise LakeError(f"{bucket}: {len(refused)} objects were not deleted. First: {_refusal(refused[0])}")
        left = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in failed]
    raise LakeError(
        f"{bucket}: S3 is too busy to delete {len(left)} objects. Run the command again: it goes on from here"
    )


def _refusal(error: Any) -> str:
    return f"{error.get('Key')}: {error.get('Code')}: {str(error.get('Message', '')).rstrip('.')}"

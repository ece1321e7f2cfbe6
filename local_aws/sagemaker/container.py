"""What a job sees as /opt/ml: a folder of its own, with inputs from S3, and outputs to S3."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local_aws.jobs.process import JobError
from local_aws.mirror import split_uri
from local_aws.protocol import Document

OPT = "/opt/ml"
_DRIVERS = "sm_drivers"
_TEXTS = (".py", ".sh")


class Container:
    """The folder that stands for /opt/ml in one job. `base` is made with it."""

    def __init__(self, s3: Any, base: Path) -> None:
        self._s3 = s3
        self.base = base
        for folder in ("input/config", "input/data", "model", "output/data", "processing", "code"):
            (base / folder).mkdir(parents=True)

    def here(self, text: str) -> str:
        """A path or a command of the container as it is here."""
        return text.replace(OPT, str(self.base))

    def path(self, inside: str) -> Path:
        """Raises JobError for a path that is not under /opt/ml."""
        if inside != OPT and not inside.startswith(f"{OPT}/"):
            raise JobError(
                f"ClientError: the path {inside} is not under {OPT}, which is all that this AWS has of a container"
            )
        return Path(self.here(inside))

    def configure(self, name: str, document: Document) -> None:
        (self.base / "input/config" / name).write_text(json.dumps(document))

    def fetch(self, source: Document, folder: Path) -> list[Path]:
        """The objects of an S3DataSource (or S3Input) as files, by their keys behind the prefix. Raises JobError."""
        uri, kind = str(source["S3Uri"]), source.get("S3DataType", "S3Prefix")
        if kind != "S3Prefix":
            raise JobError(f"ClientError: the S3DataType {kind} is not there on the embedded AWS. Allowed: S3Prefix")
        found = list(self._download(uri, folder))
        if not found:
            raise JobError(f"ClientError: No S3 objects found under S3 URL {uri}")
        if folder.name == _DRIVERS:
            self._at_home(found)
        return found

    def fetch_file(self, uri: str, target: Path) -> Path:
        bucket, key = split_uri(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._s3.download_file(bucket, key, str(target))
        except ClientError as error:
            raise JobError(f"ClientError: {uri} cannot be read ({error.response['Error']['Code']})") from None
        return target

    def publish(self, folder: Path, uri: str) -> None:
        """Every file of a folder, by its path."""
        bucket, prefix = split_uri(uri)
        prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            self._s3.upload_file(str(file), bucket, f"{prefix}{file.relative_to(folder).as_posix()}")

    def publish_packed(self, folder: Path, uri: str) -> None:
        """A folder as tar.gz."""
        packed = self.base / Path(uri).name
        pack(folder, packed)
        bucket, key = split_uri(uri)
        self._s3.upload_file(str(packed), bucket, key)

    def _download(self, uri: str, folder: Path) -> Iterator[Path]:
        bucket, prefix = split_uri(uri)
        above = prefix.rpartition("/")[0]
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        # A prefix without a slash at its end is a folder's name, or a file's.
        if not prefix.endswith("/") and prefix not in keys:
            above = prefix
        for key in keys:
            rest = key.removeprefix(above).lstrip("/")
            target = (folder / rest).resolve()
            if not rest or key.endswith("/"):
                continue
            if folder.resolve() not in target.parents:
                raise JobError(f"ClientError: the key {key} leads out of its folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            self._s3.download_file(bucket, key, str(target))
            yield target

    def _at_home(self, files: list[Path]) -> None:
        """The SDK's drivers have the container's paths in them."""
        for file in files:
            if file.suffix in _TEXTS:
                file.write_text(self.here(file.read_text()))


def pack(folder: Path, target: Path) -> None:
    with tarfile.open(target, "w:gz") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)


def unpack(packed: Path, folder: Path) -> None:
    """Raises JobError for what is no tar.gz, or has a path that leads out of it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError):
        raise JobError(f"ClientError: {packed.name} is no tar.gz that can be unpacked") from None

"""Detects work that can be skipped: a stack unchanged since its last apply, a folder that is already initialised.

A mark holds two digests: of the inputs, taken before the work, and of the outputs. It is removed before the work and
set after it. So work that was interrupted, or whose files changed meanwhile, is done again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code, is_absent
from lake.deploying.state import UNSAVED

LOCK = ".terraform.lock.hcl"
Pieces = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Mark:
    """A file that records the inputs and outputs of some work.

    Attributes:
        given: the inputs, piece by piece.
        left: the outputs.
    """

    file: Path
    given: Pieces
    left: Pieces

    def holds(self, begun: str) -> bool:
        return self.file.exists() and self.file.read_text() == f"{begun} {_digest(self.left)}"

    def begin(self) -> str:
        """The digest of the inputs, for `holds` and `set`."""
        return _digest(self.given)

    def remove(self) -> None:
        self.file.unlink(missing_ok=True)

    def set(self, begun: str) -> None:
        self.file.write_text(f"{begun} {_digest(self.left)}")


def applied(aws: Aws, folder: Path, file: Path) -> Mark:
    """The last apply of a stack: its JSON, its assets, its target, and the resulting state.

    Args:
        folder: the folder of the synthesised stack.
        file: the file for the mark.
    """

    def given() -> Iterator[bytes]:
        yield _place(aws).encode()
        for path in (folder / "cdk.tf.json", *sorted(folder.glob("assets/**/*"))):
            yield str(path.relative_to(folder)).encode()
            yield _content(path)

    def left() -> Iterator[bytes]:
        yield _storage(aws).encode()
        yield _state(aws, _terraform(folder)["backend"])
        yield _content(folder / LOCK)
        yield _content(folder / UNSAVED)

    return Mark(file, given, left)


def initialised(folder: Path) -> Mark:
    """The last `terraform init` of a stack: what it requires, and what was installed."""
    inside = folder / (os.environ.get("TF_DATA_DIR") or ".terraform")

    def given() -> Iterator[bytes]:
        yield json.dumps(_terraform(folder), sort_keys=True).encode()
        yield _content(Path(os.environ.get("TF_CLI_CONFIG_FILE") or _own_configuration()))

    def left() -> Iterator[bytes]:
        yield _content(folder / LOCK)
        yield _content(inside / "terraform.tfstate")  # the backend that was initialised
        for program in sorted((inside / "providers").glob("*/*/*/*/*/terraform-provider-*")):
            found = program.stat()
            yield f"{program} {found.st_size} {found.st_mtime_ns}".encode()

    return Mark(folder / ".initialised", given, left)


def _own_configuration() -> Path:
    """The user's Terraform configuration file; a path that does not exist for a user without a home folder."""
    try:
        return Path.home() / ".terraformrc"
    except RuntimeError:
        return Path()


def _digest(pieces: Pieces) -> str:
    digest = hashlib.sha256()
    for piece in pieces():
        digest.update(hashlib.sha256(piece).digest())
    return digest.hexdigest()


def _terraform(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "cdk.tf.json").read_text())["terraform"]
    return document


def _place(aws: Aws) -> str:
    """The account. For an embedded AWS, its keys, which change if its folder is deleted."""
    endpoint = aws.lake.environment.endpoint
    return f"{endpoint} {aws.credentials().access_key}" if endpoint else aws.names.account


def _storage(aws: Aws) -> str:
    """The storage stack's key. If storage was recreated, the settings of other stacks on its buckets are lost."""
    try:
        return aws.kms.describe_key(KeyId=aws.names.key_alias)["KeyMetadata"]["KeyId"]
    except ClientError as error:
        if not is_absent(error):
            raise
        return ""


def _state(aws: Aws, backend: dict[str, Any]) -> bytes:
    """The local state, or the identity of its S3 object.

    While a Terraform holds the state lock, or if it was killed with it, this is a new value each time.
    """
    local, s3 = backend.get("local"), backend.get("s3", {})
    if local:
        path = Path(local["path"])
        return os.urandom(16) if path.with_name(f".{path.name}.lock.info").exists() else _content(path)
    found = _object(aws, s3["bucket"], s3["key"])
    return found if found and not _object(aws, s3["bucket"], f"{s3['key']}.tflock") else os.urandom(16)


def _object(aws: Aws, bucket: str, key: str) -> bytes:
    """The identity of an object's version; empty if it does not exist."""
    try:
        found = aws.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error_code(error) != "404":
            raise
        return b""
    return f"{found['ETag']} {found.get('VersionId', '')} {found['LastModified']}".encode()


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""

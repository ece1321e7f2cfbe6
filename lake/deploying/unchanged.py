"""What need not be done again: a stack that is as it was at its last apply, a folder that Terraform has initialised.

A mark holds two digests: of what the work was given, taken before it, and of what it left. It is removed before the
work and set after it. So work that was cut off is done again, and so is work whose files changed while it went on.
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
    """A file that tells whether what some work depends on is as it was.

    Attributes:
        given: what the work begins with, piece by piece.
        left: what it leaves.
    """

    file: Path
    given: Pieces
    left: Pieces

    def holds(self, begun: str) -> bool:
        return self.file.exists() and self.file.read_text() == f"{begun} {_digest(self.left)}"

    def begin(self) -> str:
        """The digest of what the work is given, for `holds` and `set`."""
        return _digest(self.given)

    def remove(self) -> None:
        self.file.unlink(missing_ok=True)

    def set(self, begun: str) -> None:
        self.file.write_text(f"{begun} {_digest(self.left)}")


def applied(aws: Aws, folder: Path, file: Path) -> Mark:
    """The last apply of a stack: its JSON, its assets, where it was deployed, and the state that it left.

    Args:
        folder: of the synthesised stack.
        file: that keeps the mark.
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
    """The last `terraform init` of a stack: what it asks for, and what it has brought."""
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
    """Nowhere, for a user without a home."""
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
    """The account; an embedded AWS that has lost its folder has other keys than before."""
    endpoint = aws.lake.environment.endpoint
    return f"{endpoint} {aws.credentials().access_key}" if endpoint else aws.names.account


def _storage(aws: Aws) -> str:
    """The key that storage made. Where storage was made anew, what others had set on its buckets is gone."""
    try:
        return aws.kms.describe_key(KeyId=aws.names.key_alias)["KeyMetadata"]["KeyId"]
    except ClientError as error:
        if not is_absent(error):
            raise
        return ""


def _state(aws: Aws, backend: dict[str, Any]) -> bytes:
    """The state, or what S3 says that names one version of it; another answer each time where there is no saying.

    So it is while some Terraform has the state, or was killed with it.
    """
    local, s3 = backend.get("local"), backend.get("s3", {})
    if local:
        path = Path(local["path"])
        return os.urandom(16) if path.with_name(f".{path.name}.lock.info").exists() else _content(path)
    found = _object(aws, s3["bucket"], s3["key"])
    return found if found and not _object(aws, s3["bucket"], f"{s3['key']}.tflock") else os.urandom(16)


def _object(aws: Aws, bucket: str, key: str) -> bytes:
    """What names one version of an object; nothing where it is not there."""
    try:
        found = aws.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error_code(error) != "404":
            raise
        return b""
    return f"{found['ETag']} {found.get('VersionId', '')} {found['LastModified']}".encode()


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""

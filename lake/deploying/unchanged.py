"""What need not be done again: a stack that is as it was at its last apply, a folder that Terraform has initialised.

A mark holds a digest of all that the work depends on. It is removed before the work and set after it, so work that was
cut off is done again.
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

from lake.aws import Aws, error_code
from lake.deploying.state import UNSAVED

LOCK = ".terraform.lock.hcl"


@dataclass(frozen=True)
class Mark:
    """A file that tells whether what some work depends on is still as it was after the work.

    Attributes:
        seen: what the work depends on, piece by piece.
    """

    file: Path
    seen: Callable[[], Iterable[bytes]]

    def holds(self) -> bool:
        return self.file.exists() and self.file.read_text() == self._digest()

    def remove(self) -> None:
        self.file.unlink(missing_ok=True)

    def set(self) -> None:
        self.file.write_text(self._digest())

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for piece in self.seen():
            digest.update(hashlib.sha256(piece).digest())
        return digest.hexdigest()


def applied(aws: Aws, folder: Path, file: Path) -> Mark:
    """The last apply of a stack: its JSON, its assets, its state, and where it was deployed.

    Args:
        folder: of the synthesised stack.
        file: that keeps the mark.
    """

    def seen() -> Iterator[bytes]:
        yield _place(aws).encode()
        yield _state(aws, _terraform(folder)["backend"])
        for path in (folder / "cdk.tf.json", folder / LOCK, folder / UNSAVED, *sorted(folder.glob("assets/**/*"))):
            yield str(path.relative_to(folder)).encode()
            yield _content(path)

    return Mark(file, seen)


def initialised(folder: Path) -> Mark:
    """The last `terraform init` of a stack: what it asks for, and what it has brought."""
    inside = folder / ".terraform"

    def seen() -> Iterator[bytes]:
        yield json.dumps(_terraform(folder), sort_keys=True).encode()
        yield _content(Path(os.environ.get("TF_CLI_CONFIG_FILE") or Path.home() / ".terraformrc"))
        yield _content(folder / LOCK)
        yield _content(inside / "terraform.tfstate")  # the backend that was initialised
        for program in sorted((inside / "providers").glob("*/*/*/*/*/terraform-provider-*")):
            found = program.stat()
            yield f"{program} {found.st_size} {found.st_mtime_ns}".encode()

    return Mark(inside / "initialised", seen)


def _terraform(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "cdk.tf.json").read_text())["terraform"]
    return document


def _place(aws: Aws) -> str:
    """The account; an embedded AWS that has lost its folder has other keys than before."""
    endpoint = aws.lake.environment.endpoint
    return f"{endpoint} {aws.credentials().access_key}" if endpoint else aws.names.account


def _state(aws: Aws, backend: dict[str, Any]) -> bytes:
    """The state, or what S3 says that names one version of it; empty where there is none."""
    if "local" in backend:
        return _content(Path(backend["local"]["path"]))
    try:
        found = aws.s3.head_object(Bucket=backend["s3"]["bucket"], Key=backend["s3"]["key"])
    except ClientError as error:
        if error_code(error) != "404":
            raise
        return b""
    return f"{found['ETag']} {found.get('VersionId', '')} {found['LastModified']}".encode()


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""

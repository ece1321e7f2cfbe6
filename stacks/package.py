"""Code that ships to AWS as a zip: the same files give the same bytes, so a plan without a change shows none."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from cdktf import AssetType, TerraformAsset
from cdktf_cdktf_provider_aws.s3_object import S3Object
from constructs import Construct

from lake.configuration.training import SOURCE

_EPOCH = (1980, 1, 1, 0, 0, 0)


def zipped(
    folder: Path,
    *,
    inside: str = "",
    patterns: Iterable[str] = ("*.py", "*.json"),
    extra: Mapping[str, Path] | None = None,
) -> Path:
    """The files under `folder` of these patterns as a zip.

    Args:
        inside: the folder they get within it.
        extra: files from elsewhere, by their place in it.
    """
    found = {str(Path(inside) / file.relative_to(folder)): file for name in patterns for file in folder.rglob(name)}
    target = Path(tempfile.mkdtemp(dir=_scratch().name)) / f"{folder.name}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, file in sorted((found | dict(extra or {})).items()):
            archive.writestr(zipfile.ZipInfo(place, _EPOCH), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return target


def packed(script: Path) -> Path:
    """A Python file as the archive in which SageMaker's toolkit wants it."""
    entry, archive = tarfile.TarInfo(script.name), io.BytesIO()
    entry.size, entry.mode = script.stat().st_size, 0o644
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(entry, io.BytesIO(script.read_bytes()))
    target = Path(tempfile.mkdtemp(dir=_scratch().name)) / SOURCE
    target.write_bytes(gzip.compress(archive.getvalue(), mtime=0))
    return target


def written(name: str, text: str) -> Path:
    """A text as a file of this name."""
    target = Path(tempfile.mkdtemp(dir=_scratch().name)) / name
    target.write_text(text)
    return target


@cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    """Gone at the end of the process: the synthesised stacks have copies of what was in it."""
    return tempfile.TemporaryDirectory(prefix="lake-")


def uploaded(scope: Construct, id_: str, *, file: Path, bucket: str, folder: str) -> S3Object:
    """The file as an object whose key holds the hash of its content: changed code is a new object."""
    content = file.read_bytes()
    asset = TerraformAsset(scope, f"{id_}_asset", path=str(file), type=AssetType.FILE)
    key = f"{folder}/{digest(content)}/{file.name}"
    return S3Object(scope, id_, bucket=bucket, key=key, source=asset.path, source_hash=digest(content))


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]

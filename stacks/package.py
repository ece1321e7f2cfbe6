"""Code that is uploaded to AWS as a zip. The same files give the same bytes, so a plan shows no change."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
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
from stacks.base import literal

_EPOCH = (1980, 1, 1, 0, 0, 0)


def zipped(
    folder: Path,
    *,
    inside: str = "",
    patterns: Iterable[str] = ("*.py", "*.json"),
    extra: Mapping[str, Path] | None = None,
) -> Path:
    """The files in `folder` that match these patterns, as a zip.

    Args:
        inside: the folder within the zip.
        extra: path in the zip -> a file from elsewhere.
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
    """A file with this name and text."""
    target = Path(tempfile.mkdtemp(dir=_scratch().name)) / name
    target.write_text(text)
    return target


@cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder that is deleted at the end of the process. The synthesised stacks have copies of its files."""
    return tempfile.TemporaryDirectory(prefix="lake-")


def uploaded(scope: Construct, id_: str, *, file: Path, bucket: str, folder: str) -> S3Object:
    """The file as an object whose key contains a hash of its content, so that changed code is a new object."""
    content = file.read_bytes()
    asset = TerraformAsset(scope, f"{id_}_asset", path=str(file), type=AssetType.FILE)
    key = f"{folder}/{digest(content)}/{file.name}"
    return S3Object(scope, id_, bucket=bucket, key=key, source=asset.path, source_hash=digest(content))


def specification(scope: Construct, name: str, document: Mapping[str, object], *, bucket: str) -> S3Object:
    """What a job's script reads, as an object whose key contains a hash of its content."""
    content = json.dumps(document, indent=1)
    key = f"specs/{digest(content.encode())}/{name}.json"
    return S3Object(
        scope, f"{name}_spec", bucket=bucket, key=key, content=literal(content), content_type="application/json"
    )


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]

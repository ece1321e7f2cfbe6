"""The mirror of S3 for an engine that acts as somebody: a copy that is there already is no way around a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from local_aws.mirror import Mirror, S3File
from local_aws.permissions.access import Access
from local_aws.permissions.principals import Principal


class CheckedMirror(Mirror):
    """A mirror that asks first; each method raises ClientError where the caller may not."""

    def __init__(self, mirror: Mirror, access: Access, caller: Principal) -> None:
        self._mirror, self._access, self._caller = mirror, access, caller

    def folder(self, bucket: str) -> Path:
        return self._mirror.folder(bucket)

    def list(self, bucket: str, prefix: str = "") -> list[S3File]:
        self._access.check_listing(self._caller, bucket, prefix)
        return self._mirror.list(bucket, prefix)

    def pull(
        self, bucket: str, prefix: str = "", wanted: Callable[[S3File], bool] = lambda file: True
    ) -> Sequence[S3File]:
        self._access.check_listing(self._caller, bucket, prefix)

        def allowed(file: S3File) -> bool:
            if not wanted(file):
                return False
            self._check("GetObject", bucket, file.key)
            return True

        return self._mirror.pull(bucket, prefix, allowed)

    def why_unlistable(self, bucket: str) -> str:
        return self._access.foreseen_listing(self._caller, bucket, "")

    def why_unreadable(self, file: S3File) -> str:
        return self._access.foreseen_object(self._caller, "GetObject", file.bucket, file.key)

    def bring(self, bucket: str, files: Sequence[S3File]) -> None:
        self._check_all("GetObject", bucket, (file.key for file in files))
        self._mirror.bring(bucket, files)

    def adopt(self, bucket: str, files: Mapping[str, Path]) -> None:
        self._check_all("PutObject", bucket, files)
        self._mirror.adopt(bucket, files)

    def delete(self, bucket: str, keys: Iterable[str]) -> None:
        gone = list(keys)
        self._check_all("DeleteObject", bucket, gone)
        self._mirror.delete(bucket, gone)

    def forget(self, bucket: str) -> None:
        self._mirror.forget(bucket)

    def _check_all(self, action: str, bucket: str, keys: Iterable[str]) -> None:
        for key in keys:
            self._check(action, bucket, key)

    def _check(self, action: str, bucket: str, key: str) -> None:
        self._access.check_object(self._caller, action, bucket, key)

"""What SageMaker keeps of its resources: documents by kind and name, with their tags."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_aws.context import ACCOUNT, Context
from local_aws.pages import Place, paged
from local_aws.protocol import AwsError, Call, Document
from local_aws.sagemaker.errors import absent, refused

TAGS = "sagemaker_tags"


@dataclass(frozen=True)
class Kind:
    """A kind of resource: how it is named in requests, in ARNs and in errors.

    Attributes:
        name: as in the actions, such as `ModelPackageGroup`.
        path: as in ARNs, such as `model-package-group`.
        missing: the error of one that is not there, made of its ARN.
    """

    name: str
    path: str
    missing: Callable[[str], AwsError] = lambda arn: refused(f"Could not find {arn}: it does not exist.")

    @property
    def key(self) -> str:
        return f"{self.name}Name"

    @property
    def arn_key(self) -> str:
        return f"{self.name}Arn"

    @property
    def collection(self) -> str:
        return f"sagemaker_{self.path.replace('-', '_')}"


PIPELINE = Kind("Pipeline", "pipeline", lambda arn: absent(f"Pipeline '{arn}'"))
GROUP = Kind("ModelPackageGroup", "model-package-group")
MODEL = Kind("Model", "model")
FEATURE_GROUP = Kind("FeatureGroup", "feature-group", lambda arn: absent(f"FeatureGroup '{arn}'"))
TRAINING, PROCESSING, TRANSFORM = JOBS = (
    Kind("TrainingJob", "training-job"),
    Kind("ProcessingJob", "processing-job"),
    Kind("TransformJob", "transform-job"),
)


class Registry:
    """Resources by kind, name and region."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    def create(self, kind: Kind, call: Call, **fields: Any) -> Document:
        """Keep a resource as it was sent. Raises AwsError where it is there already. Answers its ARN."""
        name = str(call.required(kind.key))
        arn = arn_of(kind.path, name, call.region)
        now = time.time()
        sent = {key: value for key, value in call.payload.items() if key not in ("Tags", "ClientRequestToken")}
        times = {"CreationTime": now, "LastModifiedTime": now}
        with self._store.transaction():
            if self._store.get(kind.collection, arn):
                raise refused(f"{kind.name} with ARN {arn} already exists.")
            self._store.put(kind.collection, arn, {**times, **sent, **fields, kind.arn_key: arn})
            self.tag(arn, call.payload.get("Tags") or [])
        return {kind.arn_key: arn}

    def find(self, kind: Kind, name: str, region: str) -> Document:
        """A resource by its name or ARN. Raises AwsError where it is not there."""
        arn = name if name.startswith("arn:") else arn_of(kind.path, name, region)
        found = self._store.get(kind.collection, arn)
        if found is None:
            raise kind.missing(arn)
        return found

    def describe(self, kind: Kind, call: Call) -> Document:
        return self.find(kind, str(call.required(kind.key)), call.region)

    def update(self, kind: Kind, arn: str, **fields: Any) -> None:
        """Set fields of a resource, unless it was deleted."""
        self._store.change(kind.collection, arn, **fields, LastModifiedTime=time.time())

    def delete(self, kind: Kind, call: Call) -> Document:
        with self._store.transaction():
            arn = str(self.describe(kind, call)[kind.arn_key])
            self._store.delete(kind.collection, arn)
            self._store.delete(TAGS, arn)
        return {kind.arn_key: arn}

    def all(self, kind: Kind, region: str) -> list[Document]:
        """Newest first."""
        found = self._store.under(kind.collection, arn_of(kind.path, "", region))
        return sorted(found, key=lambda one: one["CreationTime"], reverse=True)

    def tag(self, arn: str, tags: list[Document]) -> list[Document]:
        with self._store.transaction():
            known = (self._store.get(TAGS, arn) or {}) | {tag["Key"]: tag["Value"] for tag in tags}
            self._store.put_or_delete(TAGS, arn, known)
        return tags_of(known)

    def untag(self, arn: str, keys: list[str]) -> None:
        with self._store.transaction():
            known = self._store.get(TAGS, arn) or {}
            self._store.put_or_delete(TAGS, arn, {key: value for key, value in known.items() if key not in keys})

    def tags(self, arn: str) -> list[Document]:
        return tags_of(self._store.get(TAGS, arn) or {})


def arn_of(path: str, name: str, region: str) -> str:
    return f"arn:aws:sagemaker:{region}:{ACCOUNT}:{path}/{name}"


def tags_of(known: Document) -> list[Document]:
    return [{"Key": key, "Value": value} for key, value in known.items()]


def page(found: list[Any], payload: Document, key: str, place: Callable[[Any], Place]) -> Document:
    """A page of a list, in the order of the places. Raises AwsError: ValidationException, for an unknown token."""
    return paged(key, found, payload, place, error="ValidationException")

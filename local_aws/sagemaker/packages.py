"""The model registry: groups of model packages, their versions, and models."""

from __future__ import annotations

import time

from local_aws.context import Context
from local_aws.pages import newest
from local_aws.protocol import Call, Document, Handlers
from local_aws.sagemaker.errors import refused
from local_aws.sagemaker.registry import GROUP, MODEL, Registry, arn_of, page

PACKAGES, VERSIONS = "sagemaker_model_package", "sagemaker_versions"
_SUMMARY = (
    *("ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "ModelPackageDescription", "CreationTime"),
    *("ModelPackageStatus", "ModelApprovalStatus"),
)


def handlers(context: Context, registry: Registry) -> Handlers:
    packages = Packages(context, registry)

    def group(call: Call) -> Document:
        return registry.create(GROUP, call, ModelPackageGroupStatus="Completed")

    def delete_group(call: Call) -> Document:
        with context.store.transaction():
            name = str(registry.describe(GROUP, call)[GROUP.key])
            if packages.of(name, call.region):
                raise refused(f"Model Package Group {name} cannot be deleted because it has model packages.")
            context.store.delete(VERSIONS, str(registry.delete(GROUP, call)[GROUP.arn_key]))
        return {}

    def groups(call: Call) -> Document:
        keys = (GROUP.key, GROUP.arn_key, "CreationTime", "ModelPackageGroupStatus")
        found = [{key: one[key] for key in keys} for one in registry.all(GROUP, call.region)]
        return page(found, call.payload, "ModelPackageGroupSummaryList", newest("CreationTime", GROUP.arn_key))

    def models(call: Call) -> Document:
        keys = (MODEL.key, MODEL.arn_key, "CreationTime")
        found = [{key: one[key] for key in keys} for one in registry.all(MODEL, call.region)]
        return page(found, call.payload, "Models", newest("CreationTime", MODEL.arn_key))

    def delete_model(call: Call) -> Document:
        registry.delete(MODEL, call)
        return {}

    return {
        ("sagemaker", "CreateModelPackageGroup"): group,
        ("sagemaker", "DescribeModelPackageGroup"): lambda call: registry.describe(GROUP, call),
        ("sagemaker", "DeleteModelPackageGroup"): delete_group,
        ("sagemaker", "ListModelPackageGroups"): groups,
        ("sagemaker", "CreateModelPackage"): packages.create,
        ("sagemaker", "DescribeModelPackage"): packages.describe,
        ("sagemaker", "UpdateModelPackage"): packages.update,
        ("sagemaker", "DeleteModelPackage"): packages.delete,
        ("sagemaker", "ListModelPackages"): packages.list,
        ("sagemaker", "CreateModel"): lambda call: registry.create(MODEL, call),
        ("sagemaker", "DescribeModel"): lambda call: registry.describe(MODEL, call),
        ("sagemaker", "DeleteModel"): delete_model,
        ("sagemaker", "ListModels"): models,
    }


class Packages:
    """The versions of a group, counted from 1; a number is given once."""

    def __init__(self, context: Context, registry: Registry) -> None:
        self._store, self._registry = context.store, registry

    def of(self, group: str, region: str) -> list[Document]:
        """Newest first."""
        found = self._store.under(PACKAGES, arn_of("model-package", f"{group}/", region))
        return sorted(found, key=lambda one: int(one["ModelPackageVersion"]), reverse=True)

    def create(self, call: Call) -> Document:
        with self._store.transaction():
            return self._created(call)

    def _created(self, call: Call) -> Document:
        group = self._registry.find(GROUP, str(call.required(GROUP.key)), call.region)
        name = str(group[GROUP.key])
        version = self._next(str(group[GROUP.arn_key]))
        arn = arn_of("model-package", f"{name}/{version}", call.region)
        fields = {key: value for key, value in call.payload.items() if key not in ("Tags", "ClientToken")}
        kept = {
            "ModelApprovalStatus": "PendingManualApproval",
            **fields,
            GROUP.key: name,
            "ModelPackageVersion": version,
            "ModelPackageArn": arn,
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CreationTime": time.time(),
        }
        self._store.put(PACKAGES, arn, kept)
        self._registry.tag(arn, call.payload.get("Tags") or [])
        return {"ModelPackageArn": arn}

    def _next(self, group: str) -> int:
        version = int((self._store.get(VERSIONS, group) or {"last": 0})["last"]) + 1
        self._store.put(VERSIONS, group, {"last": version})
        return version

    def describe(self, call: Call) -> Document:
        return self._find(call, "ModelPackageName")

    def update(self, call: Call) -> Document:
        arn = str(self._find(call, "ModelPackageArn")["ModelPackageArn"])
        allowed = ("ModelApprovalStatus", "ApprovalDescription", "CustomerMetadataProperties")
        fields = {key: call.payload[key] for key in allowed if key in call.payload}
        self._store.change(PACKAGES, arn, **fields, LastModifiedTime=time.time())
        return {"ModelPackageArn": arn}

    def delete(self, call: Call) -> Document:
        self._store.delete(PACKAGES, str(self._find(call, "ModelPackageName")["ModelPackageArn"]))
        return {}

    def list(self, call: Call) -> Document:
        group = str(call.required(GROUP.key)).rpartition("/")[2]
        found = [{key: one[key] for key in _SUMMARY if key in one} for one in self.of(group, call.region)]
        return page(found, call.payload, "ModelPackageSummaryList", newest("ModelPackageVersion", "ModelPackageArn"))

    def _find(self, call: Call, field: str) -> Document:
        arn = str(call.required(field))
        found = self._store.get(PACKAGES, arn)
        if found is None:
            raise refused(f"ModelPackage {arn} does not exist.")
        return found

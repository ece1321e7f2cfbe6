"""SageMaker: what Terraform and boto3 need of its registry, and jobs and pipelines that really run."""

from __future__ import annotations

from local_aws.context import Context
from local_aws.pages import newest
from local_aws.protocol import Call, Document, Handlers
from local_aws.sagemaker import features, packages, pipelines
from local_aws.sagemaker.jobs import REGION, Jobs
from local_aws.sagemaker.registry import JOBS, Kind, Registry, page


def handlers(context: Context) -> Handlers:
    registry = Registry(context)
    jobs = Jobs(context, registry)

    def add_tags(call: Call) -> Document:
        return {"Tags": registry.tag(str(call.required("ResourceArn")), call.payload.get("Tags") or [])}

    def delete_tags(call: Call) -> Document:
        registry.untag(str(call.required("ResourceArn")), call.payload.get("TagKeys") or [])
        return {}

    return {
        ("sagemaker", "ListTags"): lambda call: {"Tags": registry.tags(str(call.required("ResourceArn")))},
        ("sagemaker", "AddTags"): add_tags,
        ("sagemaker", "DeleteTags"): delete_tags,
        **packages.handlers(context, registry),
        **{key: handler for kind in JOBS for key, handler in _of_jobs(kind, jobs, registry).items()},
        **pipelines.handlers(context, registry, jobs),
        **features.handlers(context, registry),
    }


def _of_jobs(kind: Kind, jobs: Jobs, registry: Registry) -> Handlers:
    def describe(call: Call) -> Document:
        return {key: value for key, value in registry.describe(kind, call).items() if key != REGION}

    def stop(call: Call) -> Document:
        jobs.stop(kind, str(registry.describe(kind, call)[kind.arn_key]))
        return {}

    def list_(call: Call) -> Document:
        keys = (kind.key, kind.arn_key, "CreationTime", "LastModifiedTime", f"{kind.name}Status", "FailureReason")
        found = [{key: one[key] for key in keys if key in one} for one in registry.all(kind, call.region)]
        return page(found, call.payload, f"{kind.name}Summaries", newest("CreationTime", kind.arn_key))

    return {
        ("sagemaker", f"Create{kind.name}"): lambda call: jobs.start(kind, call),
        ("sagemaker", f"Describe{kind.name}"): describe,
        ("sagemaker", f"Stop{kind.name}"): stop,
        ("sagemaker", f"List{kind.name}s"): list_,
    }

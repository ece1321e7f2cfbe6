"""What the roles of the ml stack may do: build training sets, run scripts, start what runs them, and keep features."""

from __future__ import annotations

from collections.abc import Sequence

from lake.configuration.features import FEATURES
from lake.configuration.names import Names
from lake.configuration.training import IMAGES
from stacks import policies
from stacks.policies import Statement, allow

_KINDS = ("training-job", "processing-job")
_STEPS = "pipelines-*"
"""How SageMaker names the jobs of a pipeline's steps."""


def dataset(names: Names) -> list[Statement]:
    """Read the lake, and write training sets."""
    groups = names.arn("logs", f"log-group:{names.log_group('glue', 'dataset-*')}")
    tables = policies.catalogs(names, names.database("raw"), names.database("curated"))
    return [
        *policies.read_objects(names, "raw"),
        *policies.read_objects(names, "curated"),
        *policies.read_objects(names, "ml"),
        *(policies.write_objects(names, "ml", prefix)[-1] for prefix in ("training-sets/", "predicting/", "reports/")),
        policies.use_key(names, "Decrypt", "GenerateDataKey"),
        allow(policies.READ_CATALOG, tables),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], [groups]),
        allow(["cloudwatch:PutMetricData"], ["*"], StringEquals={"cloudwatch:namespace": ["Glue"]}),
    ]


def job(names: Names, frameworks: Sequence[str]) -> list[Statement]:
    """What SageMaker does for a job, whose own script has no network: read inputs, write outputs and logs."""
    group = names.arn("logs", "log-group:/aws/sagemaker/*")
    images = [
        f"arn:{names.partition}:ecr:{names.region}:*:repository/{IMAGES[framework].repository}"
        for framework in frameworks
    ]
    return [
        *policies.read_objects(names, "ml"),
        *(policies.write_objects(names, "ml", prefix)[-1] for prefix in ("models/", "predicting/")),
        # SageMaker asks for Encrypt where OutputDataConfig names a key by its alias.
        policies.use_key(names, "Decrypt", "Encrypt", "GenerateDataKey"),
        allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], [group]),
        allow(["ecr:GetAuthorizationToken"], ["*"]),
        allow(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], images),
        allow(
            ["cloudwatch:PutMetricData"],
            ["*"],
            StringLike={"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]},
        ),
    ]


def pipeline(names: Names, models: list[str]) -> list[Statement]:
    """Start the jobs of its steps, as the role of jobs, and register models in the lake's own groups."""
    jobs = [names.arn("sagemaker", f"{kind}/{_STEPS}") for kind in _KINDS]
    actions = [f"sagemaker:{verb}{kind}Job" for kind in ("Training", "Processing") for verb in _VERBS]
    groups = [names.arn("sagemaker", f"model-package-group/{model}") for model in models]
    packages = [names.arn("sagemaker", f"model-package/{model}/*") for model in models]
    passed = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    return [
        allow([*actions, "sagemaker:AddTags"], jobs),
        allow(["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackageGroup"], [*groups, *packages]),
        allow(["iam:PassRole"], [names.role_arn("ml-job")], StringEquals=passed),
        *policies.read_objects(names, "ml", "models/"),
        policies.use_key(names, "Decrypt"),
    ]


def features(names: Names) -> list[Statement]:
    """What Feature Store does for a group: it looks whose the bucket is, and adds files to the offline store."""
    bucket = names.bucket_arn("ml")
    return [
        allow(["s3:GetBucketAcl"], [bucket]),
        allow(["s3:PutObject", "s3:PutObjectAcl"], [f"{bucket}/{FEATURES}/*"]),
        policies.use_key(names, "GenerateDataKey"),
    ]


_VERBS = ("Create", "Describe", "Stop")

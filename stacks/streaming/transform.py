"""The Lambda function that transforms a stream's events."""

from __future__ import annotations

from pathlib import Path

from cdktf import AssetType, TerraformAsset
from cdktf_cdktf_provider_aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionEnvironment,
    LambdaFunctionLoggingConfig,
)

from lake.configuration.model import Transform
from stacks import policies
from stacks.base import LakeStack
from stacks.package import digest, zipped
from stacks.streaming.services import log_group, service_role

RUNTIME = "python3.12"


def transform_function(stack: LakeStack, name: str, transform: Transform) -> LambdaFunction:
    """The Python files of the transform's folder. Its role may write its own log, and nothing else."""
    folder = stack.lake.root / transform.folder
    return function(stack, name, folder, transform, f"Transforms the events of {name} on their way through Firehose")


def function(
    stack: LakeStack,
    name: str,
    folder: Path,
    settings: Transform,
    description: str,
    *may: policies.Statement,
    variables: dict[str, str] | None = None,
) -> LambdaFunction:
    """The function that the events of the stream `name` pass through. `may`: what its role allows beside its log."""
    group = log_group(stack, "lambda", name)
    logs = stack.names.arn("logs", f"log-group:{stack.names.log_group('lambda', name)}:*")
    role, policy = service_role(
        stack,
        f"{name}_transform",
        "lambda.amazonaws.com",
        policies.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [logs]),
        *may,
    )
    package = zipped(folder)
    asset = TerraformAsset(stack, f"{name}_transform_code", path=str(package), type=AssetType.FILE)
    made = LambdaFunction(
        stack,
        f"{name}_transform",
        function_name=stack.names.transform(name),
        description=description,
        role=role.arn,
        runtime=RUNTIME,
        handler=settings.handler,
        filename=asset.path,
        source_code_hash=digest(package.read_bytes()),
        timeout=settings.timeout,
        memory_size=settings.memory,
        environment=LambdaFunctionEnvironment(variables=variables) if variables else None,
        logging_config=LambdaFunctionLoggingConfig(log_format="Text", log_group=group.name),
        depends_on=[policy],
    )
    stack.output(f"{name}_transform", made.function_name, description)
    return made

"""The Lambda function that transforms a stream's events."""

from __future__ import annotations

from cdktf import AssetType, TerraformAsset
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction, LambdaFunctionLoggingConfig

from lake.configuration.model import Transform
from stacks import policies
from stacks.base import LakeStack
from stacks.package import digest, zipped
from stacks.streaming.services import log_group, service_role

RUNTIME = "python3.12"


def transform_function(stack: LakeStack, name: str, transform: Transform) -> LambdaFunction:
    """A function with the Python files of the transform's folder. Its role can only write its own log."""
    group = log_group(stack, "lambda", name)
    logs = stack.names.arn("logs", f"log-group:{stack.names.log_group('lambda', name)}:*")
    role, policy = service_role(
        stack,
        f"{name}_transform",
        "lambda.amazonaws.com",
        policies.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [logs]),
    )
    package = zipped(stack.lake.root / transform.folder)
    asset = TerraformAsset(stack, f"{name}_transform_code", path=str(package), type=AssetType.FILE)
    function = LambdaFunction(
        stack,
        f"{name}_transform",
        function_name=stack.names.transform(name),
        description=f"Transforms the events of {name} in Firehose",
        role=role.arn,
        runtime=RUNTIME,
        handler=transform.handler,
        filename=asset.path,
        source_code_hash=digest(package.read_bytes()),
        timeout=transform.timeout,
        memory_size=transform.memory,
        logging_config=LambdaFunctionLoggingConfig(log_format="Text", log_group=group.name),
        depends_on=[policy],
    )
    stack.output(f"{name}_transform", function.function_name, f"Lambda function that transforms {name}")
    return function

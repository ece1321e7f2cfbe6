"""The role and the log that every service of a stream has."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_log_stream import CloudwatchLogStream
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy

from stacks import policies
from stacks.base import LakeStack

READ_STREAM = [f"kinesis:{action}" for action in ("GetShardIterator", "GetRecords", "ListShards")]


def service_role(
    stack: LakeStack, name: str, service: str, *statements: policies.Statement
) -> tuple[IamRole, IamRolePolicy]:
    role = IamRole(
        stack,
        f"{name}_role",
        name=stack.names.role(name.replace("_", "-")),
        assume_role_policy=policies.trust(service, stack.names.account),
    )
    policy = policies.document(*statements)
    return role, IamRolePolicy(stack, f"{name}_policy", name="stream", role=role.id, policy=policy)


def log_group(stack: LakeStack, service: str, name: str) -> CloudwatchLogGroup:
    return CloudwatchLogGroup(
        stack,
        f"{name}_{service}_log",
        name=stack.names.log_group(service, name),
        retention_in_days=stack.lake.config.retention.log_days,
    )


def log(stack: LakeStack, service: str, name: str, stream: str) -> tuple[CloudwatchLogGroup, CloudwatchLogStream]:
    group = log_group(stack, service, name)
    return group, CloudwatchLogStream(stack, f"{name}_{service}_log_stream", name=stream, log_group_name=group.name)

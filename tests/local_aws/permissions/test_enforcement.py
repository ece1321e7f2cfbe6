"""What IAM's policies do not allow is refused, in AWS's words."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.credentials import Keys
from tests.local_aws.conftest import until
from tests.local_aws.permissions.conftest import ACCOUNT, allow, deny, document, signed_by

User = Callable[..., Callable[[str], Any]]
Aws = Callable[[str], Any]


def _refused(call: Callable[[], Any]) -> str:
    """The message of the AccessDenied that a call meets."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    assert error["Code"] in ("AccessDenied", "AccessDeniedException", "403"), error
    return str(error["Message"])


def test_a_user_without_a_policy_may_do_nothing(user: User, name: str) -> None:
    assert _refused(user()("glue").get_databases) == (
        f"User: arn:aws:iam::{ACCOUNT}:user/{name} is not authorized to perform: glue:GetDatabases on resource: "
        f"arn:aws:glue:us-east-1:{ACCOUNT}:catalog because no identity-based policy allows the glue:GetDatabases action"
    )


def test_a_prefix_of_a_bucket_is_all_that_a_policy_opens(aws: Aws, user: User, name: str) -> None:
    aws("s3").create_bucket(Bucket=name)
    for key in ("in/a", "out/a"):
        aws("s3").put_object(Bucket=name, Key=key, Body=b"1")
    s3 = user(allow("s3:GetObject", f"arn:aws:s3:::{name}/in/*"))("s3")
    assert s3.get_object(Bucket=name, Key="in/a")["Body"].read() == b"1"
    assert "s3:GetObject" in _refused(lambda: s3.get_object(Bucket=name, Key="out/a"))
    assert "s3:PutObject" in _refused(lambda: s3.put_object(Bucket=name, Key="in/b", Body=b"2"))
    assert "s3:ListBucket" in _refused(lambda: s3.list_objects_v2(Bucket=name))
    assert "s3:DeleteObject" in _refused(lambda: s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "in/a"}]}))
    copied = {"Bucket": name, "Key": "out/a"}
    assert "s3:PutObject" in _refused(lambda: s3.copy_object(Bucket=name, Key="in/c", CopySource=copied))
    assert _refused(lambda: s3.head_object(Bucket=name, Key="out/a"))


def test_an_explicit_denial_counts_more_than_any_permission(user: User) -> None:
    glue = user(allow("*"), deny("glue:GetDatabases"))("glue")
    assert "with an explicit deny in an identity-based policy" in _refused(glue.get_databases)


def test_a_denial_in_a_bucket_policy_counts(aws: Aws, user: User, name: str) -> None:
    aws("s3").create_bucket(Bucket=name)
    s3 = user(allow("s3:*"))("s3")
    s3.put_object(Bucket=name, Key="k", Body=b"")
    denied = deny("s3:PutObject", f"arn:aws:s3:::{name}/*") | {"Principal": "*"}
    aws("s3").put_bucket_policy(Bucket=name, Policy=document(denied))
    assert "with an explicit deny in a resource-based policy" in _refused(
        lambda: s3.put_object(Bucket=name, Key="k", Body=b"")
    )


def test_a_bucket_policy_lets_in_whom_it_names(aws: Aws, user: User, name: str) -> None:
    s3 = user()("s3")
    aws("s3").create_bucket(Bucket=name)
    named = {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}}
    aws("s3").put_bucket_policy(Bucket=name, Policy=document(allow("s3:ListBucket", f"arn:aws:s3:::{name}") | named))
    assert s3.list_objects_v2(Bucket=name)["KeyCount"] == 0
    assert "s3:PutObject" in _refused(lambda: s3.put_object(Bucket=name, Key="k", Body=b""))


def test_a_boundary_is_the_most_that_a_user_may_do(aws: Aws, user: User, name: str) -> None:
    bound = aws("iam").create_policy(PolicyName=name, PolicyDocument=document(allow("glue:*")))["Policy"]["Arn"]
    clients = user(allow("*"), boundary=bound)
    assert clients("glue").get_databases()
    assert "because no permissions boundary allows the kinesis:ListStreams action" in _refused(
        clients("kinesis").list_streams
    )


def test_who_may_use_keys_makes_the_first_one_and_is_told_that_there_is_none(user: User, name: str) -> None:
    """No key has a policy before there is one: the caller's alone decides."""
    kms = user(allow("kms:*"))("kms")
    with pytest.raises(ClientError, match="NotFoundException"):
        kms.describe_key(KeyId=f"alias/{name}")
    assert isinstance(kms.list_aliases()["Aliases"], list)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    assert kms.describe_key(KeyId=f"alias/{name}")["KeyMetadata"]["KeyId"] == key


def test_who_may_use_no_keys_makes_none(user: User, name: str) -> None:
    kms = user(allow("s3:*"))("kms")
    for call in (kms.create_key, kms.list_aliases, lambda: kms.describe_key(KeyId=f"alias/{name}")):
        assert "because no identity-based policy allows the kms:" in _refused(call)


def test_a_policy_that_changes_counts_at_once(aws: Aws, user: User, name: str) -> None:
    glue = user(allow("glue:*"))("glue")
    assert glue.get_databases()
    aws("iam").put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(allow("s3:*")))
    assert _refused(glue.get_databases)


def test_a_condition_counts(user: User) -> None:
    logs = user(
        allow("logs:DescribeLogGroups", StringEquals={"aws:RequestedRegion": "us-east-1"}),
        allow("cloudwatch:PutMetricData", StringEquals={"cloudwatch:namespace": ["Mine"]}),
    )
    assert logs("logs").describe_log_groups()["logGroups"] == []
    metric = [{"MetricName": "m", "Value": 1}]
    logs("cloudwatch").put_metric_data(Namespace="Mine", MetricData=metric)
    assert _refused(lambda: logs("cloudwatch").put_metric_data(Namespace="Other", MetricData=metric))


def test_an_operator_that_is_not_evaluated_is_named_and_refused(user: User) -> None:
    glue = user(allow("glue:*", DateLessThan={"aws:CurrentTime": "2030-01-01T00:00:00Z"}))("glue")
    assert "does not evaluate the condition operator DateLessThan" in _refused(glue.get_databases)


@pytest.mark.parametrize("key", ["aws:CurrentTime", "s3:ExistingObjectTag/a", "aws:PrincipalTag/team"])
@pytest.mark.parametrize("operator", ["StringNotEquals", "StringEqualsIfExists", "Null"])
def test_a_key_that_is_not_evaluated_is_named_and_refused(user: User, key: str, operator: str) -> None:
    glue = user(allow("glue:*"), deny("glue:*") | {"Condition": {operator: {key: "false"}}})("glue")
    assert f"does not evaluate the condition key {key}" in _refused(glue.get_databases)


def test_a_variable_that_is_not_evaluated_is_named_and_refused(user: User) -> None:
    glue = user(allow("glue:*"), deny("glue:*", "arn:aws:glue:*:*:${aws:PrincipalTag/team}"))("glue")
    assert "does not evaluate the condition key aws:PrincipalTag/team" in _refused(glue.get_databases)


def test_the_headers_and_tags_of_a_call_are_known_to_conditions(aws: Aws, user: User, name: str) -> None:
    aws("s3").create_bucket(Bucket=name)
    clients = user(
        allow("s3:PutObject"),
        deny("s3:PutObject", StringNotEquals={"s3:x-amz-storage-class": "GLACIER"}),
        deny("s3:PutObject", StringEquals={"s3:RequestObjectTag/state": "final"}),
        allow("s3:PutObjectTagging"),
        allow("s3:GetObjectVersion", StringEquals={"s3:VersionId": "null"}),
        allow(["glue:CreateDatabase", "glue:TagResource"], StringEquals={"aws:RequestTag/team": "mine"}),
    )
    s3, glue = clients("s3"), clients("glue")
    s3.put_object(Bucket=name, Key="k", StorageClass="GLACIER", Tagging="state=draft")
    assert _refused(lambda: s3.put_object(Bucket=name, Key="k"))
    assert _refused(lambda: s3.put_object(Bucket=name, Key="k", StorageClass="GLACIER", Tagging="state=final"))
    assert s3.head_object(Bucket=name, Key="k", VersionId="null")
    assert _refused(lambda: s3.head_object(Bucket=name, Key="k", VersionId="other"))
    glue.create_database(DatabaseInput={"Name": name}, Tags={"team": "mine"})
    assert _refused(lambda: glue.create_database(DatabaseInput={"Name": f"{name}2"}, Tags={"team": "theirs"}))


def test_a_denial_to_all_but_some_spares_those_alone(aws: Aws, user: User, name: str) -> None:
    s3 = user(allow("s3:*"))("s3")
    aws("s3").create_bucket(Bucket=name)
    arns = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]

    def spares(*principals: str) -> None:
        denied = deny("s3:*", arns) | {"NotPrincipal": {"AWS": list(principals)}}
        aws("s3").put_bucket_policy(Bucket=name, Policy=document(denied))

    spares(f"arn:aws:iam::{ACCOUNT}:user/another", f"arn:aws:iam::{ACCOUNT}:root")
    assert "with an explicit deny in a resource-based policy" in _refused(lambda: s3.list_objects_v2(Bucket=name))
    spares(f"arn:aws:iam::{ACCOUNT}:user/{name}", f"arn:aws:iam::{ACCOUNT}:root")
    assert s3.list_objects_v2(Bucket=name)["KeyCount"] == 0


def test_the_key_of_what_is_decrypted_is_asked_for_though_no_call_names_it(aws: Aws, user: User, name: str) -> None:
    keys = [aws("kms").create_key()["KeyMetadata"] for _ in range(2)]
    mine, theirs = (aws("kms").encrypt(KeyId=key["KeyId"], Plaintext=b"text")["CiphertextBlob"] for key in keys)
    kms = user(allow("kms:Decrypt", keys[0]["Arn"]))("kms")
    assert kms.decrypt(CiphertextBlob=mine)["Plaintext"] == b"text"
    assert keys[1]["Arn"] in _refused(lambda: kms.decrypt(CiphertextBlob=theirs))
    assert keys[1]["Arn"] in _refused(lambda: kms.decrypt(CiphertextBlob=theirs, KeyId=keys[0]["KeyId"]))


def test_a_key_s_own_denial_counts_where_no_call_names_the_key(aws: Aws, user: User, name: str) -> None:
    kms = user(allow("kms:*"))("kms")
    everybody = allow("kms:*") | {"Principal": {"AWS": ACCOUNT}}
    denied = deny("kms:Decrypt") | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}}
    key = aws("kms").create_key(Policy=document(everybody, denied))["KeyMetadata"]["KeyId"]
    text = kms.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
    assert "with an explicit deny in a resource-based policy" in _refused(lambda: kms.decrypt(CiphertextBlob=text))


FUNCTION = """
import boto3

def handler(event, context):
    try:
        return [bool(boto3.client("sts").get_caller_identity()["Arn"]), boto3.client("glue").get_databases() and ""]
    except Exception as error:
        return [True, str(error)]
"""


def _invoked(aws: Aws, name: str, role: str) -> str:
    """What a function of a role answers, as text."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("main.py", FUNCTION)
    code = {"ZipFile": archive.getvalue()}
    given = {"Runtime": "python3.12", "Handler": "main.handler", "Timeout": 60, "Role": role, "Code": code}
    aws("lambda").create_function(FunctionName=name, **given)
    return str(aws("lambda").invoke(FunctionName=name)["Payload"].read().decode())


def test_a_function_acts_as_its_role(aws: Aws, name: str) -> None:
    trusted = {"Service": "lambda.amazonaws.com"}
    may = _role(aws, f"{name}-may", trusted, allow(["sts:*", "glue:GetDatabases"]))
    may_not = _role(aws, f"{name}-may-not", trusted, allow("sts:*"))
    assert json.loads(_invoked(aws, f"{name}-1", may)) == [True, ""]
    refused = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{name}-may-not/{name}-2 is not authorized to perform: glue:"
    assert refused in _invoked(aws, f"{name}-2", may_not)


def test_a_function_does_not_run_with_a_role_that_does_not_trust_lambda(aws: Aws, name: str) -> None:
    role = _role(aws, name, {"Service": "glue.amazonaws.com"}, allow("*"))
    assert "lambda.amazonaws.com is not authorized to perform: sts:AssumeRole" in _invoked(aws, name, role)


def _role(aws: Aws, name: str, principal: dict[str, Any], *statements: dict[str, Any], **conditions: Any) -> str:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, "Condition": conditions}
    made = aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]
    if statements:
        aws("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*statements))
    return str(made["Arn"])


def test_a_role_is_taken_by_whom_it_trusts_only(aws: Aws, user: User, name: str) -> None:
    account = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    trusting = _role(aws, f"{name}-trusting", account, allow("glue:GetDatabases"))
    closed = _role(aws, f"{name}-closed", {"Service": "glue.amazonaws.com"})
    sts = user(allow("sts:AssumeRole"))("sts")
    assert "no resource-based policy" in _refused(lambda: sts.assume_role(RoleArn=closed, RoleSessionName="me"))
    assert sts.assume_role(RoleArn=trusting, RoleSessionName="me")["Credentials"]


def test_a_session_has_the_rights_of_its_role_and_no_more_than_its_own_policy(
    aws: Aws, endpoint: str, name: str
) -> None:
    role = _role(aws, name, {"AWS": ACCOUNT}, allow(["glue:GetDatabases", "glue:GetTables"]))

    def session(**given: str) -> Any:
        taken = aws("sts").assume_role(RoleArn=role, RoleSessionName="me", **given)["Credentials"]
        keys = Keys(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])
        return signed_by(keys, endpoint, "glue")

    assert session().get_databases()
    assert f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{name}/me is not" in _refused(session().get_crawlers)
    narrow = session(Policy=document(allow("glue:GetTables")))
    assert "because no session policy allows the glue:GetDatabases action" in _refused(narrow.get_databases)


def test_an_encrypted_bucket_asks_for_its_key_too(aws: Aws, user: User, name: str) -> None:
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    aws("kms").create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    aws("s3").create_bucket(Bucket=name)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": f"alias/{name}"}}
    aws("s3").put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    aws("s3").put_object(Bucket=name, Key="k", Body=b"1")
    by_alias = allow("kms:Decrypt", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*")
    by_alias["Condition"] = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/{name}"}}
    s3 = user(allow("s3:*"), by_alias)("s3")
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"1"
    assert "kms:GenerateDataKey" in _refused(lambda: s3.put_object(Bucket=name, Key="k", Body=b""))


def test_a_key_is_used_by_those_alone_that_its_own_policy_lets_in(aws: Aws, user: User, name: str) -> None:
    only = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/another"}
    policy = document(allow("kms:*") | {"Principal": only})
    key = aws("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
    kms = user(allow("kms:*"))("kms")
    assert "because no resource-based policy allows" in _refused(lambda: kms.describe_key(KeyId=key))


def test_who_gives_a_service_a_role_has_to_be_allowed_to(aws: Aws, user: User, name: str) -> None:
    role = _role(aws, f"{name}-job", {"Service": "glue.amazonaws.com"})
    glue = user(allow("glue:CreateJob"))("glue")
    command = {"Name": "glueetl", "ScriptLocation": "s3://b/k"}
    for named in (role, f"{name}-job"):
        message = _refused(partial(glue.create_job, Name=name, Role=named, Command=command))
        assert f"iam:PassRole on resource: {role}" in message


def test_a_role_that_a_change_names_has_to_be_passed_too(aws: Aws, user: User, name: str) -> None:
    role = _role(aws, name, {"Service": "glue.amazonaws.com"})
    command = {"Name": "glueetl", "ScriptLocation": "s3://b/k"}
    aws("glue").create_job(Name=name, Role=role, Command=command, Tags={"Role": "no role"})
    glue = user(allow("glue:*"))("glue")
    changed = {"Role": name, "Command": command}
    targets = {"S3Targets": [{"Path": "s3://b/k"}]}
    for call in (
        lambda: glue.update_job(JobName=name, JobUpdate=changed),
        lambda: glue.create_crawler(Name=name, Role=name, DatabaseName="d", Targets=targets),
    ):
        assert f"iam:PassRole on resource: {role}" in _refused(call)
    glue.create_trigger(Name=name, Type="ON_DEMAND", Actions=[{"JobName": name}], Tags={"Role": "no role"})


def test_the_account_itself_may_do_all_of_it_and_no_more_roles_than_trust_it(aws: Aws, name: str) -> None:
    closed = _role(aws, name, {"Service": "glue.amazonaws.com"})
    assert "sts:AssumeRole" in _refused(lambda: aws("sts").assume_role(RoleArn=closed, RoleSessionName="me"))


def test_jobs_take_a_role_for_their_account_alone(aws: Aws, name: str) -> None:
    other = {"StringEquals": {"aws:SourceAccount": "111111111111"}}
    role = _role(aws, name, {"Service": "glue.amazonaws.com"}, allow("*"), **other)
    glue = aws("glue")
    glue.create_job(Name=name, Role=role, Command={"Name": "pythonshell", "ScriptLocation": "s3://b/k"})
    run = glue.start_job_run(JobName=name)["JobRunId"]
    found = ended(glue, name, run)
    assert found["JobRunState"] == "FAILED"
    assert found["ErrorMessage"].startswith("AccessDenied: glue.amazonaws.com is not authorized to perform: sts:Assume")


def ended(glue: Any, job: str, run: str) -> dict[str, Any]:
    def over() -> Any:
        found = glue.get_job_run(JobName=job, RunId=run)["JobRun"]
        return found if found["JobRunState"] in ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT") else None

    return dict(until(over, 300))


def test_a_job_acts_as_its_role(aws: Aws, name: str) -> None:
    aws("s3").create_bucket(Bucket=name)
    script = b"""
import boto3, sys
boto3.client("s3").put_object(Bucket=sys.argv[-1], Key="out/allowed", Body=b"")
boto3.client("s3").put_object(Bucket=sys.argv[-1], Key="refused", Body=b"")
"""
    aws("s3").put_object(Bucket=name, Key="script.py", Body=script)
    role = _role(
        aws,
        name,
        {"Service": "glue.amazonaws.com"},
        allow("s3:GetObject", f"arn:aws:s3:::{name}/script.py"),
        allow("s3:PutObject", f"arn:aws:s3:::{name}/out/*"),
        allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]),
    )
    glue = aws("glue")
    command = {"Name": "pythonshell", "ScriptLocation": f"s3://{name}/script.py"}
    glue.create_job(Name=name, Role=role, Command=command, DefaultArguments={"--bucket": name})
    found = ended(glue, name, glue.start_job_run(JobName=name)["JobRunId"])
    user = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/GlueJobRunnerSession"
    assert f"User: {user} is not authorized to perform: s3:PutObject" in found["ErrorMessage"]
    assert aws("s3").list_objects_v2(Bucket=name, Prefix="out/")["KeyCount"] == 1

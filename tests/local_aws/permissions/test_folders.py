"""A run's folders look at every bucket, and only what the run itself meets counts as its call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_aws.context import Context
from local_aws.jobs.buckets import BucketFolders
from local_aws.permissions.access import Access
from local_aws.permissions.mirror import CheckedMirror
from local_aws.permissions.principals import Principal
from tests.embedded import keys_of
from tests.local_aws.permissions.conftest import ACCOUNT, allow, document

Aws = Callable[[str], Any]


@pytest.fixture
def run(aws: Aws, endpoint: str, tmp_path: Path, name: str) -> tuple[BucketFolders, Access]:
    """The folders of a run that may list one bucket of two, and read one object of two in it."""
    for bucket in (name, f"{name}-closed"):
        aws("s3").create_bucket(Bucket=bucket)
        for key in ("open", "shut"):
            aws("s3").put_object(Bucket=bucket, Key=key, Body=b"x")
    aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document(allow("sts:AssumeRole")))
    allowed = allow("s3:ListBucket", f"arn:aws:s3:::{name}"), allow("s3:GetObject", f"arn:aws:s3:::{name}/open")
    aws("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*allowed))
    context = Context.at(endpoint, tmp_path, keys_of(endpoint), enforces_iam=True)
    assert context.access
    role = Principal.of_session(f"arn:aws:iam::{ACCOUNT}:role/{name}", "run")
    acting = replace(context, mirror=CheckedMirror(context.mirror, context.access, role))
    folders = BucketFolders(context, acting, tmp_path / "run")
    folders.fill()
    return folders, context.access


def _asked(access: Access, name: str) -> list[tuple[str, str]]:
    return [
        (call["Action"], call["Resource"].partition(":::")[2])
        for call in access.called()["Calls"]
        if name in call["Resource"]
    ]


def test_what_a_run_may_not_see_is_no_call_of_it(run: tuple[BucketFolders, Access], name: str) -> None:
    folders, access = run
    assert _asked(access, name) == [("s3:GetObject", f"{name}/open"), ("s3:ListBucket", name)]
    assert folders.refusal("Traceback: a fault of the script's own") == ""
    assert folders.refusal(f"No FileSystem at s3://{name}-closed-2/in") == ""
    assert len(_asked(access, name)) == 2


@pytest.mark.parametrize(
    ("met", "action", "place"),
    [
        ("No FileSystem at s3://{name}-closed/in", "s3:ListBucket", "{name}-closed"),
        ("ChecksumException: file:{root}/{name}/shut", "s3:GetObject", "{name}/shut"),
    ],
)
def test_a_refusal_that_a_run_meets_is_told_and_remembered(
    run: tuple[BucketFolders, Access], tmp_path: Path, name: str, met: str, action: str, place: str
) -> None:
    folders, access = run
    why = folders.refusal(met.format(name=name, root=tmp_path / "run"))
    assert f"is not authorized to perform: {action} on resource" in why
    assert (action, place.format(name=name)) in _asked(access, name)

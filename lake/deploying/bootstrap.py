"""The bucket of Terraform's state: made once, and the states of this checkout moved there, or back."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code, is_absent, read_object
from lake.configuration.names import EVERY_STACK
from lake.configuration.reading import where
from lake.deploying.backend import BUCKET_STACK, lock_key, state_file, state_key
from lake.deploying.in_state import state_of
from lake.deploying.lock import Lock
from lake.deploying.progress import OnProgress, unlock_command
from lake.deploying.state import resources
from lake.deploying.terraform import Terraform, synthesise
from lake.errors import BadInput, LakeError

MOVED = ".moved"
"""At the end of a file's name: its state lies in the bucket now."""


def bucket_of(aws: Aws) -> str:
    """The bucket that lake.yaml names. Raises BadInput where it names none, or one that others may have taken."""
    state, account = aws.lake.environment.state, aws.names.account
    field, good = where(aws.lake, "environments", aws.lake.env), f"{aws.lake.config.project}-state-{account}"
    if state is None:
        raise BadInput(f"{field}: names no bucket for the state. Add `state: {{bucket: {good}}}`, then run this again")
    if account not in state.bucket:
        raise BadInput(
            f"{field}.state.bucket: {state.bucket!r} lacks the account's number. A bucket's name is unique in all of "
            f"AWS, and a short one is somebody else's. Allowed: such as {good}"
        )
    return state.bucket


def make(aws: Aws, on_progress: OnProgress, lock: Lock, *, wait: bool) -> None:
    """Make the bucket, or bring it to what it should be. One that another environment of the project made stays so."""
    if _is_of_another_environment(aws, bucket_of(aws)):
        return
    synthesise(aws.lake, "stacks.state")
    Terraform(aws, on_progress, lock, wait=wait).apply([BUCKET_STACK])


def move_there(aws: Aws) -> list[str]:
    """Move the states of this checkout into the bucket. Returns the stacks that have moved.

    A copy is there before the file gets another name, so a kill loses nothing and the next call goes on.
    """
    moved = []
    for stack, file in ((stack, state_file(aws.lake, stack)) for stack in EVERY_STACK):
        here = file.read_bytes() if file.is_file() else b""
        if not resources(here):
            continue
        if _is_newer(stack, there := _unlocked(aws, stack), here):
            aws.s3.put_object(
                Bucket=bucket_of(aws),
                Key=state_key(aws.lake, stack),
                Body=here,
                ContentType="application/json",
                ServerSideEncryption="AES256",
            )
        file.replace(file.with_name(file.name + MOVED))
        moved += [stack] if there != here else []
    _forget_backends(aws)
    return moved


def move_back(aws: Aws) -> list[str]:
    """Move the states of this environment out of the bucket into this checkout. Returns the stacks that have moved."""
    moved = []
    for stack, file in ((stack, state_file(aws.lake, stack)) for stack in EVERY_STACK):
        there = _unlocked(aws, stack)
        if not there:
            continue
        if _is_newer(stack, file.read_bytes() if file.is_file() else b"", there):
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_name(file.name + ".part")
            part.write_bytes(there)
            part.replace(file)
        # The bucket has versions: this one can be brought back.
        aws.s3.delete_object(Bucket=bucket_of(aws), Key=state_key(aws.lake, stack))
        moved.append(stack)
    _forget_backends(aws)
    return moved


def _is_of_another_environment(aws: Aws, bucket: str) -> bool:
    try:
        tags = {tag["Key"]: tag["Value"] for tag in aws.s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    except ClientError as error:
        if error_code(error) in ("AccessDenied", "403"):
            raise BadInput(
                f"the bucket {bucket} is there, and this login may not read it: it is another account's, or a right is "
                "missing. Choose another name, or another login with AWS_PROFILE"
            ) from None
        if not is_absent(error) and error_code(error) != "NoSuchTagSet":
            raise
        return False
    same_project = tags.get("project") == aws.lake.config.project
    return same_project and tags.get("environment") != aws.lake.deployment and tags.get("stack") == BUCKET_STACK


def _is_newer(stack: str, old: bytes, new: bytes) -> bool:
    """Whether a state is to be written over another. Raises LakeError where that would lose one."""
    if not resources(old):
        return True
    was, is_ = json.loads(old), json.loads(new)
    if was.get("lineage") != is_.get("lineage") or was.get("serial", 0) > is_.get("serial", 0):
        raise LakeError(
            f"{stack}: a state lies here, and another one in the bucket, and the move would lose one of them. Compare "
            "them, and remove the one that is not of what is deployed"
        )
    return old != new


def _unlocked(aws: Aws, stack: str) -> bytes:
    """The state in the bucket. Raises LakeError while a Terraform has it."""
    body = read_object(aws, bucket_of(aws), lock_key(aws.lake, stack))
    if body is not None:
        lock = json.loads(body)
        raise LakeError(
            f"{stack}: the state in the bucket is locked by {lock.get('Who', 'somebody')}, since "
            f"{lock.get('Created', 'some time')}. Wait; if that Terraform has died: "
            f"`{unlock_command(stack, lock.get('ID', 'ID'))}`"
        )
    return state_of(aws, stack)


def _forget_backends(aws: Aws) -> None:
    """Terraform remembers where a state was, and would ask whether to move it."""
    for remembered in (aws.lake.root / "cdktf.out" / "stacks").glob("*/.terraform/terraform.tfstate"):
        remembered.unlink()

"""What a person is told of Terraform's events."""

from __future__ import annotations

import json

from lake.deploying.progress import Progress


def diagnosed(summary: str, detail: str = "", address: str = "") -> str:
    diagnostic = {"severity": "error", "summary": summary, "detail": detail, "address": address}
    return json.dumps({"type": "diagnostic", "diagnostic": diagnostic})


def test_an_aws_that_went_away_is_said_once_and_other_errors_stay() -> None:
    progress = Progress("athena")
    for name in ("workgroup", "bucket"):
        progress.take(diagnosed(f"creating {name}: Post: dial tcp 127.0.0.1:4566: connect: connection refused"))
    progress.take(diagnosed("creating role: EntityAlreadyExists", "Role exists.", "aws_iam_role.role"))

    [other, lost] = progress.failures
    assert other == "creating role: EntityAlreadyExists (aws_iam_role.role) Role exists."
    assert lost.startswith("AWS answers no more.") and "Run the same command again" in lost


def test_a_lock_that_a_dead_terraform_left_names_the_command_that_frees_it() -> None:
    detail = "Error message: held\nLock Info:\n  ID:        9db590f1\n  Path:      lab/dev/athena.tfstate\n"
    detail += "  Operation: OperationTypeApply\n  Who:       ann@laptop\n  Created:   2026-11-27 05:00:00 UTC\n"
    progress = Progress("athena")
    progress.take(diagnosed("Error acquiring the state lock", detail))

    assert progress.failures == [
        "another Terraform holds its state: apply of ann@laptop, since 2026-11-27 05:00:00 UTC. "
        "Wait for it with --wait. If it has died, free the lock: `terraform -chdir=cdktf.out/stacks/athena "
        "force-unlock 9db590f1`"
    ]


def test_the_resource_that_takes_longest_is_the_one_that_began_first() -> None:
    progress = Progress("athena")
    for address in ("aws_s3_bucket.results", "aws_athena_workgroup.workgroup"):
        hook = {"resource": {"addr": address}, "action": "create"}
        progress.take(json.dumps({"type": "apply_start", "hook": hook}))
    assert progress.slowest == ("aws_s3_bucket.results", 0)

    hook = {"resource": {"addr": "aws_s3_bucket.results"}, "action": "create"}
    progress.take(json.dumps({"type": "apply_complete", "hook": hook}))
    assert progress.slowest == ("aws_athena_workgroup.workgroup", 0)
    assert progress.done == 1

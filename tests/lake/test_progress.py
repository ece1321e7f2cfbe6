"""What users see of Terraform's events."""

from __future__ import annotations

import json

from lake.deploying.progress import Progress


def diagnosed(summary: str, detail: str = "", address: str = "") -> str:
    diagnostic = {"severity": "error", "summary": summary, "detail": detail, "address": address}
    return json.dumps({"type": "diagnostic", "diagnostic": diagnostic})


def test_a_lost_connection_is_reported_once_beside_other_errors() -> None:
    progress = Progress("athena")
    for name in ("workgroup", "bucket"):
        progress.take(diagnosed(f"creating {name}: Post: dial tcp 127.0.0.1:4566: connect: connection refused"))
    progress.take(diagnosed("creating role: EntityAlreadyExists", "Role exists.", "aws_iam_role.role"))

    [other, lost] = progress.failures
    assert other == "creating role: EntityAlreadyExists (aws_iam_role.role) Role exists."
    assert lost.startswith("AWS no longer answers.") and "Run the same command again" in lost


def test_a_stale_lock_is_reported_with_the_command_that_removes_it() -> None:
    detail = "Error message: held\nLock Info:\n  ID:        9db590f1\n  Path:      lab/dev/athena.tfstate\n"
    detail += "  Operation: OperationTypeApply\n  Who:       ann@laptop\n  Created:   2026-11-27 05:00:00 UTC\n"
    progress = Progress("athena")
    progress.take(diagnosed("Error acquiring the state lock", detail))

    assert progress.failures == [
        "another Terraform holds the state lock: apply of ann@laptop, since 2026-11-27 05:00:00 UTC. "
        "Wait for it with --wait. If it has died, free the lock: `terraform -chdir=cdktf.out/stacks/athena "
        "force-unlock 9db590f1`"
    ]


def test_the_slowest_resource_is_the_one_that_started_first() -> None:
    progress = Progress("athena")
    for address in ("aws_s3_bucket.results", "aws_athena_workgroup.workgroup"):
        hook = {"resource": {"addr": address}, "action": "create"}
        progress.take(json.dumps({"type": "apply_start", "hook": hook}))
    assert progress.slowest == ("aws_s3_bucket.results", 0)

    hook = {"resource": {"addr": "aws_s3_bucket.results"}, "action": "create"}
    progress.take(json.dumps({"type": "apply_complete", "hook": hook}))
    assert progress.slowest == ("aws_athena_workgroup.workgroup", 0)
    assert progress.done == 1

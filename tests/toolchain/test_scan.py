"""What `make scan` says of checkov's findings."""

from __future__ import annotations

from toolchain.scan import Finding, Skip, problems, skips

LOGS = Finding("dev", "CKV_1", "Ensure that", "aws_s3_bucket.logs")
RAW = Finding("dev", "CKV_1", "Ensure that", "aws_s3_bucket.raw")


def test_a_finding_with_a_reason_is_let_through() -> None:
    assert problems([LOGS, RAW], [Skip("CKV_1", "why")]) == []


def test_a_finding_without_one_is_named() -> None:
    assert problems([LOGS], []) == [
        "dev: aws_s3_bucket.logs: CKV_1 Ensure that. Mend it, or give a reason in scan.toml"
    ]


def test_a_reason_for_some_resources_is_none_for_others() -> None:
    [problem] = problems([LOGS, RAW], [Skip("CKV_1", "why", "logs")])
    assert problem.startswith("dev: aws_s3_bucket.raw: ")


def test_a_reason_for_one_environment_is_none_for_another() -> None:
    assert problems([LOGS], [Skip("CKV_1", "why", environments=["dev"])]) == []
    assert len(problems([LOGS], [Skip("CKV_1", "why", environments=["local"])])) == 2


def test_a_reason_that_is_not_needed_any_more_goes() -> None:
    [problem] = problems([], [Skip("CKV_1", "why")])
    assert problem == "scan.toml: CKV_1 fails nowhere now: take the entry out"


def test_every_skip_says_why() -> None:
    assert all(len(skip.reason) > 40 for skip in skips())

"""What goes wrong at AWS during a deploy is one sentence, with the way out."""

from __future__ import annotations

import json

import pytest

from lake.deploying.diagnosis import in_words
from lake.deploying.progress import Progress

FAILURES = {
    "a bucket's name that is taken": (
        "creating S3 Bucket (shop-dev-raw-123456789012): operation error S3: CreateBucket, https response error "
        "StatusCode: 409, RequestID: X, HostID: Y, BucketAlreadyExists: The requested bucket name is not available.",
        ["the bucket's name shop-dev-raw-123456789012 is taken by another account", "Choose another project"],
    ),
    "a permissions boundary": (
        "creating IAM Role (shop-dev-job): operation error IAM: CreateRole, https response error StatusCode: 403, "
        "RequestID: X, api error AccessDenied: User: arn:aws:iam::123456789012:user/ann is not authorized to perform: "
        "iam:CreateRole on resource: arn:aws:iam::123456789012:role/shop-dev-job because no permissions boundary "
        "allows the iam:CreateRole action",
        ["the permissions boundary of this login denies iam:CreateRole", "AWS_PROFILE"],
    ),
    "an application whose windows have changed": (
        "waiting for Kinesis Analytics v2 Application (shop-dev-orders) operation (8) success: unexpected state "
        "'FAILED', wanted target 'SUCCESSFUL'. last error: Cannot map savepoint state for operator 7f.",
        ["shop-dev-orders was updated, and did not start again: Cannot map", "`lake stream start STREAM`", "--fresh"],
    ),
    "a right that is missing": (
        "api error AccessDeniedException: User: arn:aws:iam::1:user/ann is not authorized to perform: glue:CreateJob "
        "on resource: * because no identity-based policy allows the glue:CreateJob action",
        ["this login may not do glue:CreateJob", "Ask for that right"],
    ),
    "a key that waits for its deletion": (
        "creating Kinesis Stream (s): KMSInvalidStateException: arn:aws:kms:eu-west-1:123456789012:key/"
        "11111111-2222-3333-4444-555555555555 is pending deletion.",
        ["the KMS key 11111111-2222-3333-4444-555555555555 is disabled or waits", "cancel-key-deletion"],
    ),
    "a state of a newer Terraform": (
        "Failed to load state: Unsupported state file format: The state file uses format version 5, which is not "
        "supported by Terraform 1.11.4. This state file was created by Terraform 1.99.0.",
        ["written by Terraform 1.99.0, and this is 1.11.4", "Install that version"],
    ),
    "a state of a newer provider": (
        "Resource instance managed by newer provider version: The current state of aws_s3_bucket.raw was created by a "
        "newer provider version than is currently selected. Upgrade the aws provider to work with this state.",
        ["written with a newer AWS provider", "nothing was changed"],
    ),
    "a login that expires in the middle": (
        "reading S3 Bucket: operation error S3: HeadBucket, api error ExpiredToken: The provided token has expired.",
        ["the login has expired", "run the same command again: it goes on from here"],
    ),
    "a login that expires before a call whose answer has no body": (
        "reading S3 Bucket (b): operation error S3: HeadBucket, https response error StatusCode: 400, RequestID: , "
        "HostID: , api error BadRequest: Bad Request",
        ["most often, it has expired", "run the same command again: it goes on from here"],
    ),
    "no login": (
        "No valid credential sources found: Please see https://registry.terraform.io/providers/hashicorp/aws",
        ["there are no AWS credentials", "aws sso login"],
    ),
    "a region without the service": (
        'Post "https://kinesisanalytics.ap-south-9.amazonaws.com/": dial tcp: lookup '
        "kinesisanalytics.ap-south-9.amazonaws.com on 127.0.0.53:53: no such host",
        ["kinesisanalytics.ap-south-9.amazonaws.com has no address", "choose another region"],
    ),
    "a full disk": (
        "Failed to save state: write .state/dev/storage.tfstate: no space left on device",
        ["the disk is full", "it goes on from here"],
    ),
    "throttling that does not end": (
        "creating Glue Job: exceeded maximum number of attempts, 8, api error ThrottlingException: Rate exceeded",
        ["AWS was asked too often", "Run the same command again"],
    ),
}


def told(failure: str) -> str:
    """What a person sees of it after Terraform's own event."""
    progress = Progress("storage")
    diagnostic = {"severity": "error", "summary": failure, "address": "aws_x.y"}
    progress.take(json.dumps({"type": "diagnostic", "diagnostic": diagnostic}))
    (error,) = progress.failures
    return error


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_a_failure_is_one_sentence_with_the_way_out(failure: str) -> None:
    said, words = FAILURES[failure]
    sentence = told(said)
    assert [word for word in words if word not in sentence] == [], sentence
    assert sentence.endswith("(aws_x.y)")
    assert not any(word in sentence for word in ("operation error", "RequestID", "StatusCode", "api error", "{"))


def test_a_failure_that_nobody_knows_is_told_as_it_is() -> None:
    assert told("something else entirely") == "something else entirely (aws_x.y)"
    assert in_words("something else entirely") == ""

"""The stack of the bucket that keeps Terraform's state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lake.configuration.reading import load
from tests.stacks.conftest import resources

BUCKET = "shop-state-123456789012"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    from cdktf import App

    from stacks.state import StateStack

    folder = tmp_path_factory.mktemp("state")
    state = f"state: {{bucket: {BUCKET}}}"
    (folder / "lake.yaml").write_text(f"project: shop\nenvironments: {{prod: {{region: eu-west-1, {state}}}}}\n")
    app = App(outdir=str(folder / "out"))
    StateStack(app, "state", lake=load(Path(folder / "lake.yaml")), bucket=BUCKET)
    app.synth()
    return json.loads((folder / "out/stacks/state/cdk.tf.json").read_text())


def test_its_own_state_is_kept_here(stack: dict[str, Any]) -> None:
    assert stack["terraform"]["backend"]["local"]["path"].endswith(".state/prod/state.tfstate")


def test_nothing_destroys_it_and_it_keeps_what_was_replaced(stack: dict[str, Any]) -> None:
    (bucket,) = resources(stack, "aws_s3_bucket").values()
    (versioning,) = resources(stack, "aws_s3_bucket_versioning").values()
    assert (bucket["bucket"], bucket["force_destroy"], bucket["lifecycle"]) == (
        BUCKET,
        False,
        {"prevent_destroy": True},
    )
    assert versioning["versioning_configuration"]["status"] == "Enabled"


def test_it_is_private_encrypted_and_read_by_tls_alone(stack: dict[str, Any]) -> None:
    (block,) = resources(stack, "aws_s3_bucket_public_access_block").values()
    (encryption,) = resources(stack, "aws_s3_bucket_server_side_encryption_configuration").values()
    (policy,) = resources(stack, "aws_s3_bucket_policy").values()
    (statement,) = json.loads(policy["policy"])["Statement"]
    assert all(block[part] for part in block if part.startswith(("block", "ignore", "restrict")))
    assert encryption["rule"][0]["apply_server_side_encryption_by_default"]["sse_algorithm"] == "AES256"
    assert (statement["Effect"], statement["Resource"]) == (
        "Deny",
        [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    )
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_it_needs_nothing_of_the_lake(stack: dict[str, Any]) -> None:
    assert set(stack["resource"]) == {
        "aws_s3_bucket",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_s3_bucket_ownership_controls",
        "aws_s3_bucket_policy",
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_versioning",
    }

"""The bucket of Terraform's state: made by one command, and the state moved there and back by one each."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import Checkout

pytestmark = pytest.mark.e2e
BUCKET = "flights-state-000000000000"
KEY = "flights/local/storage.tfstate"
HERE, THERE = "destroyable: true}", f"destroyable: true, state: {{bucket: {BUCKET}}}}}"


def edit(checkout: Checkout, old: str, new: str) -> None:
    file = checkout.root / "lake.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))


def test_state_moves_into_its_bucket_and_back_and_nothing_is_planned_anew(fresh: Checkout) -> None:
    state = fresh.root / ".state/local/storage.tfstate"
    assert "Add `state: {bucket: flights-state-000000000000}`" in fresh.lake("bootstrap", code=2).stderr
    fresh.lake("up", "storage")
    edit(fresh, HERE, THERE)
    assert f"{state} holds a state, and lake.yaml names a bucket" in fresh.lake("up", "storage", code=1).stderr

    assert f"{BUCKET} holds the state of flights-local: moved storage" in fresh.lake("bootstrap").stdout
    assert not state.exists()
    assert "nothing to change" in fresh.lake("plan", "storage").stdout
    left = fresh.lake_json("leftovers", code=1)["leftovers"]
    assert [found for found in left if found["state"] != "storage"] == []
    costs = {found["kind"]: found["costs"] for found in left}
    assert (costs["S3 bucket"], costs["KMS key"], costs["SNS topic"]) == ("by its bytes", "by the month", "nothing")
    assert "there was nothing to move" in fresh.lake("bootstrap").stdout

    lock = {"ID": "4711", "Who": "ann@desk", "Operation": "OperationTypeApply", "Created": "2026-01-31 10:00"}
    fresh.put_object(BUCKET, f"{KEY}.tflock", json.dumps(lock).encode())
    held = fresh.lake("bootstrap", "--back", code=1).stderr
    assert "locked by ann@desk, since 2026-01-31 10:00" in held
    assert "force-unlock 4711" in held
    fresh.s3().delete_object(Bucket=BUCKET, Key=f"{KEY}.tflock")

    assert "moved storage. Now remove `state`" in fresh.lake("bootstrap", "--back").stdout
    edit(fresh, THERE, HERE)
    assert "nothing to change" in fresh.lake("plan", "storage").stdout
    fresh.lake("down", "storage", "--delete-data")
    assert fresh.s3().get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    assert fresh.s3().get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]
    assert "OnlyTls" in fresh.s3().get_bucket_policy(Bucket=BUCKET)["Policy"]


def test_a_bucket_without_the_accounts_number_is_refused(fresh: Checkout) -> None:
    edit(fresh, HERE, THERE.replace(BUCKET, "flights-state"))
    refused = fresh.lake("bootstrap", code=2).stderr
    assert "'flights-state' lacks the account's number" in refused
    assert "Allowed: such as flights-state-000000000000" in refused

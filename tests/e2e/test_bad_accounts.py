"""An account that says no: a sentence with the way out, nothing half-done, and the next command goes through."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.faults import VARIABLE
from tests.e2e.conftest import Checkout, checkout_in, copied

pytestmark = pytest.mark.e2e
RAW = "flights-local-raw-000000000000"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout whose storage is up, with an object in it."""
    for checkout in checkout_in(tmp_path_factory.mktemp("stored") / "lake"):
        checkout.lake("local", "start")
        checkout.lake("up", "storage")
        checkout.put_object(RAW, "planes/a.csv", b"tailnum\n")
        yield checkout


def sentence(checkout: Checkout, *arguments: str) -> str:
    """What a command that fails says beside its progress: one line."""
    said = checkout.lake(*arguments, code=1).stderr
    (line,) = (line for line in said.splitlines() if not re.match(r"Deploying|Planning|\w+, \d+ s: |\w+: \d+ of", line))
    return line


def test_a_bucket_of_a_stranger_is_named_before_anything_is_made(tmp_path: Path) -> None:
    for checkout in checkout_in(tmp_path / "lake"):
        checkout.lake("local", "start", **{VARIABLE: json.dumps({"taken": [RAW]})})
        said = sentence(checkout, "up", "storage")
        assert f"{RAW} (aws_s3_bucket.raw_bucket" in said
        assert "it is another account's, or a right is missing" in said
        assert "another project in lake.yaml" in said
        assert checkout.lake_json("leftovers")["leftovers"] == []


def test_a_key_that_waits_for_its_deletion_is_neither_replaced_nor_used(stored: Checkout) -> None:
    kms = stored.aws().kms
    key = kms.describe_key(KeyId="alias/flights-local")["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    for command in (("up", "storage"), ("up", "--all"), ("plan", "storage")):
        said = sentence(stored, *command)
        assert f"the KMS key {key} waits for its deletion on 20" in said
        assert f"`aws kms cancel-key-deletion --key-id {key}`" in said

    kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)
    assert "nothing to change" in stored.lake("plan", "storage").stdout
    assert kms.describe_key(KeyId="alias/flights-local")["KeyMetadata"]["KeyId"] == key


def test_a_second_checkout_with_a_state_of_its_own_takes_over_and_says_so(stored: Checkout, tmp_path: Path) -> None:
    second = Checkout(copied(tmp_path / "second"))
    shutil.copy(stored.root / "lake.yaml", second.root)
    keys = Path(".local/local/aws")
    (second.root / keys).mkdir(parents=True)
    for name in ("credentials", "config"):
        shutil.copy(stored.root / keys / name, second.root / keys)

    said = second.lake("up", "storage").stderr

    assert "adopted: aws_s3_bucket.raw_bucket" in said
    assert "If another checkout deploys this lake too, each undoes what the other does" in said
    assert "keep the state in a bucket, by `lake bootstrap`" in said
    for checkout in (stored, second):
        assert "nothing to change" in checkout.lake("plan", "storage").stdout
    assert stored.s3().get_object(Bucket=RAW, Key="planes/a.csv")["Body"].read() == b"tailnum\n"

"""Terraform's states as they move into their bucket and back: none is lost, none replaces another."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lake.aws import Aws
from lake.configuration.reading import load
from lake.deploying.backend import lock_key, state_file, state_key
from lake.deploying.bootstrap import bucket_of, move_back, move_there
from lake.deploying.in_state import owners
from lake.deploying.state import need_moved
from lake.errors import BadInput, LakeError
from tests.embedded import lend_keys

LAKE = "project: {project}\nenvironments: {{local: {{endpoint: '{endpoint}', region: us-east-1{state}}}}}\n"


def state(name: str, serial: int = 1, lineage: str = "one") -> bytes:
    """A state that names one bucket."""
    instance = {"attributes": {"id": name, "bucket": name, "arn": f"arn:aws:s3:::{name}"}}
    resource = {"mode": "managed", "type": "aws_s3_bucket", "name": "raw", "instances": [instance]}
    return json.dumps({"version": 4, "serial": serial, "lineage": lineage, "resources": [resource]}).encode()


@pytest.fixture
def lake(tmp_path: Path, endpoint: str) -> Callable[[str], Aws]:
    """Make a lake, with this for its setting `state`."""
    lend_keys(endpoint, tmp_path)
    project = f"lab{uuid.uuid4().hex[:6]}"

    def make(setting: str = "") -> Aws:
        text = LAKE.format(project=project, endpoint=endpoint, state=setting.replace("PROJECT", project))
        (tmp_path / "lake.yaml").write_text(text)
        return Aws(load(tmp_path / "lake.yaml"))

    return make


@pytest.fixture
def aws(lake: Callable[[str], Aws]) -> Aws:
    """A lake whose bucket is there, with the state of storage in the checkout."""
    made = lake(", state: {bucket: PROJECT-state-000000000000}")
    made.s3.create_bucket(Bucket=bucket_of(made))
    file = state_file(made.lake, "storage")
    file.parent.mkdir(parents=True)
    file.write_bytes(state("raw"))
    return made


def there(aws: Aws, stack: str = "storage") -> bytes:
    body: Any = aws.s3.get_object(Bucket=bucket_of(aws), Key=state_key(aws.lake, stack))["Body"]
    return bytes(body.read())


def test_a_state_moves_there_and_back_and_is_the_same(aws: Aws) -> None:
    file = state_file(aws.lake, "storage")
    assert move_there(aws) == ["storage"]
    assert there(aws) == state("raw")
    assert not file.exists()
    assert file.with_name("storage.tfstate.moved").read_bytes() == state("raw")
    assert move_there(aws) == []
    assert move_back(aws) == ["storage"]
    assert file.read_bytes() == state("raw")
    assert move_back(aws) == []


def test_the_state_of_ml_moves_too_and_what_it_names_is_known(aws: Aws) -> None:
    state_file(aws.lake, "ml").write_bytes(state("models"))
    assert move_there(aws) == ["storage", "ml"]
    assert there(aws, "ml") == state("models")
    assert owners(aws)["models"] == "ml"
    assert move_back(aws) == ["storage", "ml"]
    assert state_file(aws.lake, "ml").read_bytes() == state("models")


def test_a_move_that_was_killed_after_the_copy_goes_on(aws: Aws) -> None:
    aws.s3.put_object(Bucket=bucket_of(aws), Key=state_key(aws.lake, "storage"), Body=state("raw"))
    assert move_there(aws) == []
    assert not state_file(aws.lake, "storage").exists()
    assert there(aws) == state("raw")


@pytest.mark.parametrize("other", [state("other", lineage="two"), state("raw", serial=2)], ids=["another", "newer"])
def test_a_state_replaces_no_other_and_no_newer_one(aws: Aws, other: bytes) -> None:
    aws.s3.put_object(Bucket=bucket_of(aws), Key=state_key(aws.lake, "storage"), Body=other)
    with pytest.raises(LakeError, match="the move would lose one of them"):
        move_there(aws)
    assert there(aws) == other
    assert state_file(aws.lake, "storage").read_bytes() == state("raw")


@pytest.mark.parametrize("move", [move_there, move_back])
def test_a_locked_state_is_not_moved_and_its_holder_is_named(aws: Aws, move: Callable[[Aws], list[str]]) -> None:
    held = {"ID": "4711", "Who": "ann@desk", "Created": "2026-01-31 10:00"}
    aws.s3.put_object(Bucket=bucket_of(aws), Key=lock_key(aws.lake, "storage"), Body=json.dumps(held).encode())
    with pytest.raises(LakeError, match="locked by ann@desk, since 2026-01-31 10:00") as refused:
        move(aws)
    assert "force-unlock 4711" in str(refused.value)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("", "names no bucket for the state. Add `state: {bucket: "),
        (", state: {bucket: short}", "'short' lacks the account's number"),
    ],
)
def test_a_bucket_that_is_not_named_or_not_ones_own_is_refused(
    lake: Callable[[str], Aws], setting: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        bucket_of(lake(setting))


def test_a_state_here_stops_a_deploy_that_would_begin_another(tmp_path: Path) -> None:
    file = tmp_path / "storage.tfstate"
    need_moved(file)
    file.write_bytes(b'{"resources": []}')
    need_moved(file)
    file.write_bytes(state("raw"))
    with pytest.raises(LakeError, match="`lake bootstrap` moves it there; or remove `state`"):
        need_moved(file)


def test_what_a_state_names_is_found_by_name_and_by_arn_wherever_the_state_lies(
    aws: Aws, lake: Callable[[str], Aws]
) -> None:
    assert "raw" not in owners(aws)
    move_there(aws)
    assert {name: owners(aws).get(name) for name in ("raw", "arn:aws:s3:::raw", "b")} == {
        "raw": "storage",
        "arn:aws:s3:::raw": "storage",
        "b": None,
    }
    move_back(aws)
    assert owners(lake("")).get("raw") == "storage"

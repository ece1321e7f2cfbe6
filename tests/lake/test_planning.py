"""`lake plan` and `lake drift`: real Terraform, on resources of its own."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lake.configuration.reading import load
from lake.deploying.lock import alone
from lake.deploying.progress import Change
from lake.deploying.terraform import Terraform


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with one synthesised stack."""
    (tmp_path / "lake.yaml").write_text("project: lab\nenvironments: {local: {region: us-east-1}}\n")
    stack(tmp_path, "athena", {"first": {"input": "a"}, "second": {"input": "b"}})
    return tmp_path


def stack(root: Path, name: str, resources: dict[str, Any]) -> None:
    folder = root / "cdktf.out/stacks" / name
    folder.mkdir(parents=True, exist_ok=True)
    state = root / ".state/local" / f"{name}.tfstate"
    document = {"terraform": {"backend": {"local": {"path": str(state)}}}, "resource": {"terraform_data": resources}}
    (folder / "cdk.tf.json").write_text(json.dumps(document))


def terraform(root: Path, work: Any) -> Any:
    lake = load(root / "lake.yaml")
    kms = SimpleNamespace(describe_key=lambda KeyId: {"KeyMetadata": {"KeyId": "key 1"}})  # noqa: N803
    aws: Any = SimpleNamespace(lake=lake, names=SimpleNamespace(account="1" * 12, key_alias="alias/lab"), kms=kms)
    with alone(lake, "lake plan", wait=False, say=print) as lock:
        return work(Terraform(aws, lambda progress: None, lock))


def test_a_plan_lists_changes_without_making_them(checkout: Path) -> None:
    planned = terraform(checkout, lambda it: it.plan(["athena"]))
    assert planned == {
        "athena": [Change("create", "terraform_data.first"), Change("create", "terraform_data.second")],
    }
    assert terraform(checkout, lambda it: it.resources("athena")) == []


def test_after_an_apply_there_is_nothing_to_change_and_no_drift(checkout: Path) -> None:
    terraform(checkout, lambda it: it.apply(["athena"]))
    assert terraform(checkout, lambda it: it.plan(["athena"])) == {"athena": []}
    assert terraform(checkout, lambda it: it.plan(["athena"], drift=True)) == {"athena": []}


def test_changes_are_planned_with_their_action(checkout: Path) -> None:
    terraform(checkout, lambda it: it.apply(["athena"]))
    stack(checkout, "athena", {"first": {"input": "other"}})
    planned = terraform(checkout, lambda it: it.plan(["athena"]))["athena"]
    assert sorted(planned) == [Change("delete", "terraform_data.second"), Change("update", "terraform_data.first")]


def test_stacks_are_planned_in_parallel(checkout: Path) -> None:
    stack(checkout, "etl", {"third": {"input": "c"}})
    planned = terraform(checkout, lambda it: it.plan(["athena", "etl"]))
    assert {name: len(changes) for name, changes in planned.items()} == {"athena": 2, "etl": 1}

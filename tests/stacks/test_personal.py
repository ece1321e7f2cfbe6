"""Two people with one lake.yaml and one account: in a personal environment, nothing of the one is the other's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lake.configuration.reading import load
from stacks.app import forget_other_environments
from tests.stacks.conftest import ROOT, Stacks, synthesised

NAMING = ("name", "bucket", "database_name", "role", "workgroup", "log_group_name", "target_key_id")
"""Arguments that together say which resource of an account one is."""
PREFIX = re.compile(r"flights[-_]dev[-_][a-z]+")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample lake, with its streams and its workflow, and dev made personal."""
    text = (ROOT / "lake.yaml").read_text()
    folder = tmp_path_factory.mktemp("lake")
    shared = "dev: {region: eu-west-1, "
    assert shared in text
    (folder / "lake.yaml").write_text(text.replace(shared, f"{shared}personal: true, "))
    (folder / "queries").symlink_to(ROOT / "queries")
    return folder / "lake.yaml"


@pytest.fixture(scope="module")
def of(file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stacks]:
    """The stacks of each of two users."""
    made = {}
    for user in ("ann", "bob"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LAKE_USER", user)
            made[user] = synthesised(file, "dev", tmp_path_factory.mktemp(user))
    return made


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def identities(stacks: Stacks) -> dict[tuple[str, ...], str]:
    """What AWS knows each resource of the stacks by, with its type; and its address.

    Not of those that are part of another one, such as a query of a workgroup: they name it by reference.
    """
    found = {}
    for stack in stacks.values():
        for type_, bodies in stack["resource"].items():
            for id_, body in bodies.items():
                names = [str(body[key]) for key in NAMING if key in body]
                if names and not any("${aws_" in name for name in names):
                    found[(type_, *names)] = f"{type_}.{id_}"
    return found


def test_every_name_contains_the_user_name(of: dict[str, Stacks]) -> None:
    for user, stacks in of.items():
        named = [found for text in strings(stacks) for found in PREFIX.findall(text)]
        assert len(named) > 150
        assert {re.split("[-_]", name)[2] for name in named} == {user}
        assert not [text for text in strings(stacks) if re.search(r"flights[-_]dev(?![-_][a-z])", text)]


@pytest.mark.parametrize(
    ("type_", "argument", "names"),
    [
        ("aws_iam_role", "name", {"flights-dev-{}-job", "flights-dev-{}-crawler"}),
        ("aws_kms_alias", "name", {"alias/flights-dev-{}"}),
        ("aws_athena_workgroup", "name", {"flights-dev-{}"}),
        ("aws_s3_bucket", "bucket", {"flights-dev-{}-raw-${{data.aws_caller_identity.account.account_id}}"}),
        ("aws_glue_catalog_database", "name", {"flights_dev_{}_raw", "flights_dev_{}_curated"}),
        ("aws_kinesis_stream", "name", {"flights-dev-{}-departures"}),
        ("aws_cloudwatch_log_group", "name", {"/flights-dev-{}/glue/flights_enriched/output"}),
    ],
)
def test_two_users_have_no_name_in_common(of: dict[str, Stacks], type_: str, argument: str, names: set[str]) -> None:
    made = {
        user: {body[argument] for stack in stacks.values() for body in stack["resource"].get(type_, {}).values()}
        for user, stacks in of.items()
    }
    assert made["ann"].isdisjoint(made["bob"])
    for user, found in made.items():
        assert {name.format(user) for name in names} <= found


def test_two_users_share_no_resource_identifiers(of: dict[str, Stacks]) -> None:
    ann, bob = identities(of["ann"]), identities(of["bob"])
    assert not ann.keys() & bob.keys()
    assert set(ann.values()) == set(bob.values())
    assert len(ann) > 25


def test_the_user_name_is_in_the_tags_and_the_state_path(of: dict[str, Stacks], file: Path) -> None:
    for user, stacks in of.items():
        for name, stack in stacks.items():
            [provider] = stack["provider"]["aws"]
            assert provider["default_tags"][0]["tags"]["environment"] == f"dev-{user}"
            path = stack["terraform"]["backend"]["local"]["path"]
            assert path == str(file.parent / f".state/dev-{user}/{name}.tfstate")


def test_a_state_bucket_keeps_a_state_for_each_user(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lake.yaml").write_text(
        "project: shop\nenvironments:\n  dev: {region: eu-west-1, personal: true, state: {bucket: shop-state}}\n"
    )
    monkeypatch.setenv("LAKE_USER", "ann")
    stacks = synthesised(tmp_path / "lake.yaml", "dev", tmp_path / "out")
    keys = {stack["terraform"]["backend"]["s3"]["key"] for stack in stacks.values()}
    assert keys == {f"shop/dev-ann/{stack}.tfstate" for stack in stacks}


def test_a_checkout_of_two_users_forgets_the_others_state(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "stacks/etl"
    (folder / ".terraform").mkdir(parents=True)
    remembered = folder / ".terraform/terraform.tfstate"
    document = {"backend": {"type": "local", "config": {"path": "/lake/.state/dev-ann/etl.tfstate"}}}
    remembered.write_text(json.dumps(document))

    monkeypatch.setenv("LAKE_USER", "ann")
    forget_other_environments(load(file, "dev"), tmp_path)
    assert remembered.exists()
    monkeypatch.setenv("LAKE_USER", "bob")
    (folder / "errored.tfstate").touch()
    with pytest.raises(Exception, match="Save it with `LAKE_ENV=dev LAKE_USER=ann lake up etl`"):
        forget_other_environments(load(file, "dev"), tmp_path)
    (folder / "errored.tfstate").unlink()
    forget_other_environments(load(file, "dev"), tmp_path)
    assert not remembered.exists()

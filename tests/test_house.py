"""Consistency checks: links, paths, versions, the licence, continuous integration."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lake import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAPS = [ROOT / "CONTRIBUTING.md", ROOT / "docs/explanation/architecture.md"]
"""Pages that point newcomers to files."""
APACHE = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""SHA-256 of https://www.apache.org/licenses/LICENSE-2.0.txt."""
PATH = re.compile(r"[\w.-]+/[\w./-]*|[\w.-]+\.(in|md|py|scala|toml|ya?ml)")
PLACEHOLDER = re.compile(r"(^|/|-)[A-Z]+(/|$)")


def listed(*patterns: str) -> list[str]:
    """The files of the project, including uncommitted ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).is_file()]


def markdown() -> list[Path]:
    return [ROOT / name for name in listed("*.md")]


def prose(page: Path) -> str:
    """A page without code, where brackets are not links and hashes are not headings."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub generates for a page's headings."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in anchors(target))


def yaml(name: str) -> Any:
    return YAML(typ="safe").load(ROOT / name)


@pytest.mark.parametrize("page", markdown(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_has_a_target(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page))

    assert [link for link in links if ":" not in link and not leads_somewhere(page, link)] == []


@pytest.mark.parametrize("page", MAPS, ids=lambda page: page.name)
def test_every_path_in_code_exists(page: Path) -> None:
    code = " ".join(re.findall(r"`([^`\n]+)`", page.read_text()))
    paths = {word for word in code.split() if PATH.fullmatch(word) and not PLACEHOLDER.search(word)}

    assert paths
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_every_name_in_contributing_is_in_its_file() -> None:
    named = re.findall(r"`([A-Za-z_.]+)` (?:in|of)\s+`([\w/]+\.\w+)`", " ".join(MAPS[0].read_text().split()))
    texts = {file: set(re.findall(r"\w+", (ROOT / file).read_text())) for _, file in named}

    assert named
    assert [(name, file) for name, file in named if not set(name.split(".")) <= texts[file]] == []


def test_the_newest_version_in_the_changelog_is_the_projects_version() -> None:
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", (ROOT / "CHANGELOG.md").read_text(), re.M)

    assert released[0] == __version__


def test_the_licence_is_the_complete_apache_licence() -> None:
    assert (PROJECT["license"], PROJECT["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE


def test_the_github_workflow_runs_make_targets_with_read_only_permissions() -> None:
    workflow = yaml(".github/workflows/ci.yml")
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]

    assert set(workflow["on"]) == {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    assert {job["timeout-minutes"] for job in workflow["jobs"].values()} == {90}
    assert all(re.fullmatch(r"[\w/-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    assert {step["run"] for step in steps if "run" in step} == {"make lint", "make docs", "bash .ci/run"}


def test_pre_commit_hooks_need_no_network() -> None:
    repositories = yaml(".pre-commit-config.yaml")["repos"]

    assert {repository["repo"] for repository in repositories} == {"local"}
    assert {hook["language"] for repository in repositories for hook in repository["hooks"]} == {"system"}


def test_no_file_is_longer_than_400_lines() -> None:
    written = [name for name in listed() if re.search(r"\.(py|scala|sh|md|sql|ya?ml)$|(^|/)Makefile$", name)]
    generated = {"docs/reference/settings.md", "docs/reference/commands.md"}

    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in written}
    assert {name: length for name, length in lengths.items() if length > 400 and name not in generated} == {}


def test_code_has_no_vague_names() -> None:
    """Names such as `message`, `violations` or `forward` can be searched for; these cannot."""
    vague = {"told", "said", "whole", "passed_on", "broken"}
    code = listed("lake/*.py", "stacks/*.py", "local_aws/*.py", "glue_scripts/*.py", "toolchain/*.py")

    names = {name: set(_identifiers(ast.parse((ROOT / name).read_text()))) & vague for name in code}
    assert {name: found for name, found in names.items() if found} == {}


def _identifiers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        for field in ("id", "arg", "attr", "name"):
            if isinstance(name := getattr(node, field, None), str):
                yield name.strip("_")

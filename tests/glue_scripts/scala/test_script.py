"""The Scala files, and the script that they are joined into."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.shipped import GLUE_SCRIPTS, scala_script
from local_aws.jobs.joined import Joined

FILES = sorted((GLUE_SCRIPTS / "scala").rglob("*.scala"))
NO_TWIN = {"aws", "imports", "json", "options"}
"""Scala files for what Python gets from libraries."""


def name(file: Path) -> str:
    return file.relative_to(GLUE_SCRIPTS / "scala").with_suffix("").as_posix()


def test_each_file_is_named_like_its_python_twin() -> None:
    python = GLUE_SCRIPTS / "lake_etl"

    def has_twin(file: Path) -> bool:
        return (python / f"{name(file)}.py").exists() or (python / name(file) / "__init__.py").exists()

    assert {name(file) for file in FILES if not has_twin(file)} == NO_TWIN


def test_no_file_is_too_long() -> None:
    assert {name(file): lines for file in FILES if (lines := len(file.read_text().splitlines())) > 400} == {}


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Each line of the joined script, by the location that it is traced to."""
    script = tmp_path_factory.mktemp("script") / "RunJob.scala"
    script.write_text(scala_script())
    joined, lines = Joined(script), script.read_text().splitlines()
    return {joined.located(f"{script.name}:{number}"): line for number, line in enumerate(lines, start=1)}


@pytest.mark.parametrize("file", FILES, ids=name)
def test_every_line_of_the_joined_script_is_traced_to_its_file(file: Path, traced: dict[str, str]) -> None:
    shown, lines = file.relative_to(GLUE_SCRIPTS.parent), file.read_text().splitlines()
    assert [traced[f"{shown}:{number}"] for number, _ in enumerate(lines, start=1)] == lines


def test_the_imports_come_first() -> None:
    first, second = scala_script().splitlines()[:2]
    assert (first, second.split()[0]) == ("// Joined from glue_scripts/scala/imports.scala", "import")

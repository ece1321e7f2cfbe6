"""Mutated lake.yaml files: a valid lake, or errors of our own. benchmarks/mutants.py makes ten thousand of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from benchmarks import mutants
from lake.configuration import document
from lake.configuration.reading import ConfigError, Trouble


def test_a_mutated_lake_is_good_or_its_mistakes_are_told(tmp_path: Path) -> None:
    assert list(mutants.faults(seed=2, numbers=range(60), folder=tmp_path)) == []


def test_a_mutant_is_made_again_from_its_seed_and_number() -> None:
    assert mutants.mutant(1, 17) == mutants.mutant(1, 17)
    assert len({mutants.mutant(1, number) for number in range(50)}) == 50


HALF_READ = "project: <<\nx: {a: { [[]]}}\n"


def test_a_value_that_is_read_half_prints_no_stack_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mutants.fault(HALF_READ, tmp_path) == ""
    monkeypatch.setattr(document, "_yaml", YAML)
    assert mutants.fault(HALF_READ, tmp_path).startswith("printed: ConstructorError")


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (ValueError("x"), "ValueError: x"),
        (ConfigError([Trouble("lake.yaml", 1, "a", "Input should be a number")]), "Input should"),
        (ConfigError([]), "the message is empty"),
    ],
)
def test_what_is_no_error_of_ours_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, told: str
) -> None:
    def load(_: Path) -> None:
        raise raised

    monkeypatch.setattr(mutants, "load", load)
    assert told in mutants.fault("project: a\n", tmp_path)

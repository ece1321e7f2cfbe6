"""The golden cases of tests/golden in Scala; the README there describes their files."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.glue_scripts.scala.conftest import Submit

pytestmark = pytest.mark.spark
GOLDEN = Path(__file__).parents[2] / "golden"
CASES = sorted(given.parent for name in ("step", "expect") for given in GOLDEN.glob(f"*/*/{name}.json"))
Outcomes = dict[tuple[Path, str], dict[str, Any]]


@pytest.fixture(scope="session")
def outcomes(submitted: Submit, request: pytest.FixtureRequest) -> Outcomes:
    """The outcome of each selected case, with and without ANSI rules, all in one process."""
    selected = {item.callspec.params["case"] for item in request.session.items if "outcomes" in item.fixturenames}
    done = submitted("RunGolden", *sorted(map(str, selected)))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {(Path(line["case"]), line["ansi"]): line for line in lines}


@pytest.mark.parametrize("ansi", ["false", "true"], ids=["lenient", "ansi"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_step_matches_its_golden_case(case: Path, ansi: str, outcomes: Outcomes) -> None:
    outcome = outcomes[case, ansi]
    fragments = next((case / name for name in ("scala_error.txt", "error.txt") if (case / name).exists()), None)
    if fragments:
        assert outcome["error"], f"{case} gave {outcome['got']}"
        assert [part for part in fragments.read_text().splitlines() if part not in outcome["error"]] == []
    else:
        assert outcome["error"] is None
        assert outcome["got"] == outcome["expected"]

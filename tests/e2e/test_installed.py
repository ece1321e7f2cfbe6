"""A life from an empty folder: the built package, installed into an empty environment, with no checkout in reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lake.examples import steps
from tests.e2e.conftest import ROOT, environment
from tests.local_aws.conftest import free_port

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Machine:
    """A machine where `pip install` was the only step, and no user has a home. The person is in `folder` at first."""

    venv: Path
    folder: Path

    def shell(self, command: str, cwd: Path | None = None, code: int = 0) -> str:
        """What a command prints; its exit code must be `code`."""
        kept = {key: value for key, value in environment(ROOT).items() if key not in ("PYTHONPATH", "HOME")}
        tools = [str(self.venv / "bin"), str(ROOT / ".tools/bin"), str(ROOT / "node_modules/.bin")]
        others = [path for path in os.environ["PATH"].split(os.pathsep) if not path.startswith(str(ROOT))]
        path = os.pathsep.join(tools + others)
        done = subprocess.run(
            command,
            shell=True,
            cwd=cwd or self.folder,
            env=kept | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{command}:\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel of this checkout. What the wheel needs is lent by this one: it is 2 GB."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], check=True)
    [wheel] = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = folder / "venv/bin/python"
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], check=True)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([str(python), "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    (Path(own) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "venv"


@pytest.fixture
def machine(venv: Path, tmp_path: Path) -> Iterator[Machine]:
    """Its embedded AWS, if a test has left it running, is stopped at the end."""
    machine = Machine(venv, tmp_path)
    yield machine
    for lake in tmp_path.glob("*/lake.yaml"):
        machine.shell("lake local stop", lake.parent)


def at_a_free_port(lake: Path) -> Path:
    file = lake / "lake.yaml"
    file.write_text(file.read_text().replace(":4566", f":{free_port()}"))
    return lake


def rows(answer: str) -> Any:
    return json.loads(answer)["rows"]


def test_the_command_is_the_installed_one(machine: Machine) -> None:
    ask = "import sys, lake, stacks, local_aws; print(lake.__file__, stacks.__file__, local_aws.__file__, *sys.path)"
    found = machine.shell(f'python -c "{ask}"')
    assert found.count(f"{machine.venv}/lib/") >= 4
    checkout = [path for path in found.split() if path.startswith(str(ROOT)) and "site-packages" not in path]
    assert checkout == []
    assert machine.shell("command -v lake").strip() == str(machine.venv / "bin/lake")


def test_a_complete_life_from_an_empty_folder(machine: Machine) -> None:
    orders = machine.folder / "exports/orders/day=2026-01-01"
    orders.mkdir(parents=True)
    (orders / "orders.jsonl").write_text('{"id": 1, "shop": "a", "amount": 2.5}\n{"id": 2, "shop": "b", "amount": 1}\n')
    shops = machine.folder / "exports/shops"
    shops.mkdir()
    (shops / "shops.csv").write_text("shop,size\na,10\nb,25\n")

    machine.shell("lake init shop --from exports")
    lake = at_a_free_port(machine.folder / "shop")
    machine.shell("lake check && lake local start && lake up", lake)
    machine.shell("lake put orders ../exports/orders && lake put shops ../exports/shops && lake crawl", lake)
    sql = "SELECT o.day, o.amount, s.size FROM orders o JOIN shops s ON o.shop = s.shop ORDER BY o.id"
    assert rows(machine.shell(f'lake query --json --database raw "{sql}"', lake)) == [
        {"day": "2026-01-01", "amount": 2.5, "size": 10},
        {"day": "2026-01-01", "amount": 1.0, "size": 25},
    ]
    machine.shell("lake down --delete-data", lake)
    assert json.loads(machine.shell("lake leftovers --json", lake))["leftovers"] == []
    assert "stopped" in machine.shell("lake local stop", lake)


@pytest.mark.parametrize(
    ("example", "answers"),
    [
        (
            "shop",
            {
                "revenue": [
                    {"country": "FI", "orders": 2, "revenue": 75.5},
                    {"country": "GB", "orders": 1, "revenue": 12.5},
                    {"country": "US", "orders": 2, "revenue": 9.0},
                ]
            },
        ),
        (
            "stream",
            {
                "pages": [
                    {"page": "/", "views": 8, "visitors": 3},
                    {"page": "/lakes", "views": 6, "visitors": 3},
                    {"page": "/lakes/como", "views": 6, "visitors": 3},
                    {"page": "/boats", "views": 4, "visitors": 3},
                ]
            },
        ),
    ],
)
def test_the_commands_of_an_example_work(machine: Machine, example: str, answers: dict[str, Any]) -> None:
    """Each as it stands in the comments of its lake.yaml, from start to end."""
    machine.shell(f"lake init mine --example {example}")
    lake = at_a_free_port(machine.folder / "mine")
    answered = {}
    for step in steps((lake / "lake.yaml").read_text()):
        if step.startswith("lake query --name"):
            answered[step.split()[-1]] = rows(machine.shell(f"{step} --json", lake))
        shown = machine.shell(step, lake)
        if step.startswith("lake quarantine"):
            assert "zoe" in shown
            assert "telescope" in shown
        if step.startswith("lake down"):
            machine.shell("lake leftovers", lake)
    assert answered == answers

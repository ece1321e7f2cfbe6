"""A machine with less than usual: a folder that is read-only, a user without a home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.configuration.reading import load
from lake.deploying.terraform import synthesise
from lake.errors import BadInput
from tests.local_aws.conftest import free_port

ROOT = Path(__file__).parents[2]
RIGHTS = "-dac_override,-dac_read_search"
"""By which root writes where nobody may."""


def lake(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, as a user for whom modes count, without a home if none is given."""
    command = [sys.executable, "-m", "lake", *words]
    if os.getuid() == 0:
        command = ["setpriv", f"--bounding-set={RIGHTS}", f"--inh-caps={RIGHTS}", *command]
    kept = {name: os.environ[name] for name in ("PATH", "JAVA_HOME", "TF_CLI_CONFIG_FILE") if name in os.environ}
    environment = kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"} | variables
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A lake at a free port, and files for another one."""
    assert lake(tmp_path, "init", "shop", "--example", "shop").returncode == 0
    file = tmp_path / "shop/lake.yaml"
    file.write_text(file.read_text().replace(":4566", f":{free_port()}"))
    return tmp_path / "shop"


@pytest.fixture
def read_only(shop: Path) -> Iterator[Path]:
    if os.getuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root writes everywhere, and setpriv is not there")
    shop.chmod(0o555)
    yield shop
    shop.chmod(0o755)


@pytest.mark.parametrize(
    ("words", "made"),
    [(["local", "start"], ".local/local"), (["init", "new"], "new"), (["init", "new", "--from", "data"], "new")],
)
def test_a_read_only_folder_is_reported_in_one_sentence_with_a_fix(
    read_only: Path, words: list[str], made: str
) -> None:
    done = lake(read_only, *words)
    way_out = "Choose a folder in a place where you can write"
    way_out = way_out if words[0] == "init" else "Make it writable, or copy the lake to a folder of your own"
    shown = f"{read_only} is read-only for this user, and {made} must be created in it. {way_out}\n"
    assert (done.returncode, done.stderr) == (2, shown)


def test_a_read_only_lake_is_neither_deployed_nor_synthesised(read_only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`lake up` asks the embedded AWS first, so it is asked for here as the process for whom modes do not count."""
    from lake.deploying.lock import alone

    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    read = load(read_only / "lake.yaml")
    with pytest.raises(BadInput, match=r"is read-only for this user, and \.state must be created in it\. Make it"):
        alone(read, "lake up", wait=False, say=print).__enter__()
    with pytest.raises(BadInput, match=r"is read-only for this user, and cdktf\.out must be created in it\. Make it"):
        synthesise(read)


def test_a_read_only_lake_can_still_be_checked(read_only: Path) -> None:
    done = lake(read_only, "check")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("home", [None, "/nowhere/at/all"])
def test_commands_work_without_a_home_folder(shop: Path, home: str | None) -> None:
    """Deploys without one are in tests/e2e/test_installed.py."""
    variables = {"HOME": home} if home else {}

    def succeeds(*words: str) -> str:
        done = lake(shop, *words, **variables)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    succeeds("check")
    succeeds("init", str(shop.parent / "new"), "--from", "data")
    assert "customer" in succeeds("crawl", "--dry-run", "./data/orders")
    succeeds("local", "start")
    try:
        assert "not deployed" in succeeds("status")
        succeeds("local", "credentials", "--export")
        succeeds("leftovers")
    finally:
        succeeds("local", "stop")

"""Error messages where Flink cannot run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local_aws.streams.flink import home, install
from local_aws.streams.flink.home import SETTING, Home, NoFlink
from local_aws.streams.flink.job import differences


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like an environment with Flink."""
    folder = tmp_path / "flink"
    (folder / "lib/python3.11/site-packages/pyflink/lib").mkdir(parents=True)
    (folder / "lib/python3.11/site-packages/pyflink/lib/flink-scala_2.12-1.20.5.jar").touch()
    monkeypatch.setenv(SETTING, str(folder))
    return folder


def test_without_flink_the_error_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, str(tmp_path))
    with pytest.raises(NoFlink, match=r"Flink is not installed here: run `make flink`"):
        Home.found()


def test_without_java_the_error_says_how_to_install_it(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(installed))
    with pytest.raises(NoFlink, match="Flink needs Java and none was found: put a JDK 17 on the PATH"):
        Home.found()


def test_the_named_flink_is_used(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "_java", lambda: "/usr/bin/java")
    found = Home.found()
    assert (found.python, found.version) == (installed / "bin/python", "1.20.5")


def test_an_unsupported_python_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 0, "final", 0))
    said: list[str] = []
    with pytest.raises(NoFlink, match=r"Flink 1.20 runs on Python 3.11, and this is 3.12"):
        install.install(tmp_path / "flink", said.append)
    assert said == []


def test_a_few_of_the_changes_since_a_snapshot_are_named() -> None:
    before = {"files": {"main.py": "1"}, "groups": {"window.a": {"seconds": "60"}, "window.b": {"gap": "5"}}}
    now = {"files": {"main.py": "2"}, "groups": {"window.a": {"seconds": "90"}, "window.c": {"gap": "5"}}}
    assert differences(before, before) == []
    assert differences(before, now) == [
        "window.a: seconds was 60 and is 90",
        "window.b is gone",
        "window.c is new",
        "main.py is another",
    ]
    many = {"files": {str(number): "1" for number in range(8)}, "groups": {}}
    assert differences({"files": {}, "groups": {}}, many)[-1] == "and 3 more"

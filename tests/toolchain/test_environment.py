"""What set-up writes: env.sh and the commands."""

import subprocess
from pathlib import Path

import pytest

from toolchain import environment


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in a folder whose name needs quoting."""
    root = tmp_path / "ada's data lake"
    for name in ("node_modules/.bin/cdktf", ".venv/bin/python", ".tools/bin/node"):
        environment.write_command(root / name, f'echo "{Path(name).name} of the lake: $*; PYTHONPATH=$PYTHONPATH"')
    environment.write_all(root, f"{root}/jdk", root / ".tools/terraform.rc")
    return root


def shell(root: Path, command: str, cwd: Path, **env: str) -> str:
    """What a command prints in a POSIX shell that sourced env.sh."""
    script = f". {environment.quoted(root / '.tools/env.sh')} && {command}"
    env = {"PATH": "/usr/bin:/bin", **env}
    return subprocess.run(
        ["/bin/sh", "-euc", script], cwd=cwd, env=env, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("command", ["cdktf", "python", "node"])
def test_the_projects_tools_come_first_from_any_folder(root: Path, tmp_path: Path, command: str) -> None:
    assert shell(root, command, cwd=tmp_path).startswith(f"{command} of the lake")


def test_what_was_on_the_path_stays_there(root: Path, tmp_path: Path) -> None:
    assert shell(root, 'echo "$PATH"', cwd=tmp_path).endswith(":/usr/bin:/bin")


def test_java_and_terraform_settings_are_exported(root: Path, tmp_path: Path) -> None:
    shown = shell(root, "env", cwd=tmp_path, TF_CLI_CONFIG_FILE="/missing").splitlines()
    assert f"JAVA_HOME={root}/jdk" in shown
    assert f"TF_CLI_CONFIG_FILE={root}/.tools/terraform.rc" in shown
    assert "CHECKPOINT_DISABLE=1" in shown


def test_bytecode_is_enabled(root: Path, tmp_path: Path) -> None:
    shown = shell(root, "env", cwd=tmp_path, PYTHONDONTWRITEBYTECODE="1")
    assert "PYTHONDONTWRITEBYTECODE" not in shown


def test_credentials_are_neither_set_nor_removed(root: Path, tmp_path: Path) -> None:
    shown = shell(root, "env", cwd=tmp_path, AWS_PROFILE="mine").splitlines()
    assert [line for line in shown if line.startswith("AWS_")] == ["AWS_PROFILE=mine"]


def in_make_shell(root: Path, command: str, lake: str, **env: str) -> str:
    """What a command prints in the bash of `make shell`, where `lake` and `aws` are these scripts."""
    environment.write_command(root / ".tools/bin/lake", lake)
    environment.write_command(root / ".tools/bin/aws", 'echo "${AWS_ACCESS_KEY_ID:-none} ${AWS_PROFILE:-none} $*"')
    script = f". {environment.quoted(root / '.tools/bashrc')}; {command}"
    env = {"PATH": "/usr/bin:/bin", "HOME": str(root), **env}
    return subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=True).stdout.strip()


def test_aws_in_make_shell_has_the_environments_keys_for_one_command(root: Path) -> None:
    lake = 'echo "export AWS_ACCESS_KEY_ID=LOCAL1"; echo "unset AWS_PROFILE"'
    shown = in_make_shell(root, 'aws s3 ls "a b"; env', lake, AWS_PROFILE="mine").splitlines()
    assert shown[0] == "LOCAL1 none s3 ls a b"
    assert [line for line in shown[1:] if line.startswith("AWS_")] == ["AWS_PROFILE=mine"]


def test_aws_in_make_shell_uses_the_users_login_for_an_account(root: Path) -> None:
    shown = in_make_shell(
        root, "aws s3 ls", 'echo "dev: has no endpoint, so it is an AWS account" >&2; exit 2', AWS_PROFILE="mine"
    )
    assert shown == "none mine s3 ls"


def test_aws_in_make_shell_refuses_to_run_without_keys(root: Path) -> None:
    """The person's own login is not what was meant."""
    no_keys = 'echo "there are no keys yet. Run lake local start" >&2; exit 2'
    with pytest.raises(subprocess.CalledProcessError) as stopped:
        in_make_shell(root, "aws s3 ls", no_keys, AWS_PROFILE="mine")
    assert (stopped.value.stdout, "there are no keys yet" in stopped.value.stderr) == ("", True)


def test_lake_runs_the_projects_module_from_any_folder(root: Path, tmp_path: Path) -> None:
    shown = shell(root, "lake check 'a b'", cwd=tmp_path)
    assert shown == f"python of the lake: -m lake check a b; PYTHONPATH={root}"


def test_a_main_py_in_any_folder_finds_the_stacks(root: Path, tmp_path: Path) -> None:
    assert shell(root, 'echo "$PYTHONPATH"', cwd=tmp_path, PYTHONPATH="/mine") == f"{root}:/mine"


def test_lake_keeps_the_users_python_path(root: Path, tmp_path: Path) -> None:
    assert shell(root, "lake", cwd=tmp_path, PYTHONPATH="/mine").endswith(f"PYTHONPATH={root}:/mine")


def test_an_unchanged_file_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "env.sh"
    environment.write(file, "text")
    file.chmod(0o444)
    written = file.stat().st_mtime_ns
    environment.write(file, "text")
    assert file.stat().st_mtime_ns == written


def venv(folder: Path, version: str = "3.11.7", made_at: Path | None = None) -> Path:
    environment.write_command(folder / "bin/python", "exit 0")
    command = f"command = /usr/bin/python3 -m venv {made_at or folder}"
    (folder / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}\n{command}\n")
    return folder


def test_a_valid_virtual_environment_works(tmp_path: Path) -> None:
    assert environment.venv_works(venv(tmp_path / "a lake/.venv"))


@pytest.mark.parametrize("version", ["3.10.13", "3.13.0"])
def test_a_virtual_environment_with_an_unsupported_python_does_not_work(tmp_path: Path, version: str) -> None:
    assert not environment.venv_works(venv(tmp_path, version))


def test_a_moved_virtual_environment_does_not_work(tmp_path: Path) -> None:
    assert not environment.venv_works(venv(tmp_path, made_at=tmp_path / "before"))


def test_a_virtual_environment_without_its_python_does_not_work(tmp_path: Path) -> None:
    (venv(tmp_path) / "bin/python").unlink()
    assert not environment.venv_works(tmp_path)


def test_a_missing_virtual_environment_does_not_work(tmp_path: Path) -> None:
    assert not environment.venv_works(tmp_path / ".venv")

"""The files that set-up generates: `.tools/env.sh`, and the commands in `.tools/bin`."""

import shlex
from pathlib import Path

from toolchain.python import is_supported

# Otherwise cdktf would create its own plugin cache in the home folder, overriding the one in our configuration.
SETTINGS = ("CHECKPOINT_DISABLE=1", "DISABLE_VERSION_CHECK=1", "CDKTF_DISABLE_PLUGIN_CACHE_ENV=1")

ARCHIVE = Path(".tools/spark.jsa")

# The keys are set for a single command, so that they never override the user's own login for an account.
AWS_OF_LAKE_ENV = (
    "# In this shell `aws` talks to the AWS of LAKE_ENV, as `lake` does. AWS's own: `command aws`.",
    # If the embedded AWS has no keys yet, refuse to run, because the login in ~/.aws is not meant.
    'aws() ( if keys=$(lake local credentials --export 2>&1); then eval "$keys"; else case $keys in '
    '*"has no endpoint"*) ;; *) printf "%s\\n" "$keys" >&2; exit 2 ;; esac; fi; command aws "$@" )',
)


def quoted(*words: str | Path) -> str:
    return " ".join(shlex.quote(str(word)) for word in words)


def write(file: Path, text: str) -> None:
    """Write a file only if its text has changed, so that unchanged files keep their modification time."""
    if file.is_file() and file.read_text() == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def write_command(file: Path, *lines: str) -> None:
    write(file, "\n".join(("#!/bin/sh", *lines, "")))
    file.chmod(0o755)


def link(file: Path, target: Path) -> None:
    if file.is_symlink() and file.readlink() == target:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.symlink_to(target)


def venv_settings(folder: Path) -> dict[str, str]:
    """The settings in pyvenv.cfg; empty if there is no such file."""
    file = folder / "pyvenv.cfg"
    lines = file.read_text().splitlines() if file.is_file() else []
    return {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}


def venv_version(folder: Path) -> str:
    return venv_settings(folder).get("version", "0.0")


def venv_works(folder: Path) -> bool:
    """Whether a virtual environment has a supported Python that still exists, and was created in this folder."""
    version = tuple(int(part) for part in venv_version(folder).split(".")[:2])
    made_at = venv_settings(folder).get("command", "").endswith(f" {folder}")
    return is_supported(version) and made_at and (folder / "bin/python").exists()


def site_packages(venv: Path) -> Path:
    """The folder of a virtual environment's packages."""
    major, minor = venv_version(venv).split(".")[:2]
    return venv / f"lib/python{major}.{minor}/site-packages"


def env_sh(root: Path, java_home: str, configuration: Path) -> str:
    """The text of env.sh. Any POSIX shell can source it, from any folder. It contains no credentials."""
    ours = [str(root / folder) for folder in (".tools/bin", "node_modules/.bin", ".venv/bin")]
    path = ":".join([*ours, f"{java_home}/bin"])
    lines = [
        "# Written by `make setup`. Source it to put the project's tools first on your PATH.",
        f'export PATH={quoted(path)}:"$PATH"',
        # The main.py of a lake elsewhere needs it to find the stacks.
        _on_the_python_path(root),
        f"export VIRTUAL_ENV={quoted(root / '.venv')}",
        f"export JAVA_HOME={quoted(java_home)}",
        f"export TF_CLI_CONFIG_FILE={quoted(configuration)}",
        *(f"export {setting}" for setting in SETTINGS),
        f'export SPARK_SUBMIT_OPTS="${{SPARK_SUBMIT_OPTS-{spark_options(root)}}}"',
        "unset PYTHONDONTWRITEBYTECODE",
        "",
    ]
    return "\n".join(lines)


def spark_options(root: Path) -> str:
    """Java's options for Spark: it takes the classes from the archive, and without a word does without one."""
    return f"-Xshare:auto -XX:SharedArchiveFile={quoted(root / ARCHIVE)} -Xlog:disable"


def _on_the_python_path(root: Path) -> str:
    """A line of shell code that puts a folder first, once."""
    return (
        f'case ":${{PYTHONPATH-}}:" in :{quoted(root)}:*) ;; '
        f'*) export PYTHONPATH={quoted(root)}"${{PYTHONPATH:+:$PYTHONPATH}}" ;; esac'
    )


def write_all(root: Path, java_home: str, configuration: Path) -> None:
    """Write env.sh, the `lake` and `aws` commands, and the bash configuration of `make shell`."""
    tools, python = root / ".tools", quoted(root / ".venv/bin/python")
    write(tools / "env.sh", env_sh(root, java_home, configuration))
    write_command(
        tools / "bin/lake",
        _on_the_python_path(root),
        f'exec {python} -m lake "$@"',
    )
    # awscli's own script does not start from a folder with a space in its name.
    write_command(tools / "bin/aws", f'exec {python} -m awscli "$@"')
    # The user's own .bashrc may put other tools first, so ours comes after it.
    bashrc = (
        "[ -f ~/.bashrc ] && . ~/.bashrc",
        f". {quoted(tools / 'env.sh')}",
        'PS1="(lake) $PS1"',
        *AWS_OF_LAKE_ENV,
        "",
    )
    write(tools / "bashrc", "\n".join(bashrc))

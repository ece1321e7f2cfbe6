"""Finds the machine's Terraform and Java, if they are new enough."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

TERRAFORM_AT_LEAST = (1, 10)
JAVA = "17"


class Terraform(NamedTuple):
    path: str
    version: str
    platform: str


class Java(NamedTuple):
    home: str
    version: str


def _output(command: list[str]) -> str:
    """The output of a command, from both streams; empty if it cannot be run or fails."""
    env = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, env=env, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout + done.stderr


def without(path: str, folder: Path) -> str:
    """A PATH without the project's own folders, so that set-up does not find its own tools."""
    return os.pathsep.join(part for part in path.split(os.pathsep) if not Path(part).is_relative_to(folder))


def ask_terraform(executable: str) -> Terraform | None:
    """The output of `terraform version -json` for an executable; None if it fails."""
    text = _output([executable, "version", "-json"])
    try:
        answer = json.loads(text[text.index("{") : text.rindex("}") + 1])
        return Terraform(executable, answer["terraform_version"], answer["platform"])
    except (ValueError, KeyError):
        return None


def new_enough(version: str) -> bool:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= TERRAFORM_AT_LEAST


def terraform_on(path: str) -> Terraform | None:
    """The `terraform` on this PATH, if it is 1.10 or newer, which can lock a state in S3 by itself."""
    executable = shutil.which("terraform", path=path)
    found = ask_terraform(executable) if executable else None
    return found if found and new_enough(found.version) else None


def ask_java(executable: str) -> Java | None:
    """The home and version of a Java, from its own settings, so that shims and links work."""
    text = _output([executable, "-XshowSettings:properties", "-version"])
    properties = dict(re.findall(r"^\s*(java[.\w]*) = (.*)$", text, re.MULTILINE))
    if properties.get("java.specification.version") != JAVA or "java.home" not in properties:
        return None
    return Java(properties["java.home"], properties.get("java.version", JAVA))


def java_on(env: Mapping[str, str], path: str) -> Java | None:
    """The Java 17 in JAVA_HOME, or else on this PATH; None if there is none."""
    named = str(Path(env["JAVA_HOME"], "bin/java")) if env.get("JAVA_HOME") else None
    candidates = [named, shutil.which("java", path=path)]
    return next((java for executable in candidates if executable and (java := ask_java(executable))), None)

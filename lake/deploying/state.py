"""Recovers a stack's Terraform state after a process or the machine died while writing it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from lake.errors import LakeError

UNSAVED = "errored.tfstate"
"""The file in which Terraform leaves a state that it could not save."""
ADOPTED = "adopted.tf.json"
"""The import blocks of one run, in a stack's folder. The next synthesis removes those that a killed run left."""


def restored(state: Path) -> str:
    """Replace a truncated state file with Terraform's backup. Returns a note; empty if the file is complete.

    Resources created since the backup are then in no state, and are found by name.
    """
    backup = state.with_name(f"{state.name}.backup")
    if not state.exists() or _is_whole(state):
        return ""
    if not _is_whole(backup):
        if state.stat().st_size == 0:
            return ""  # Terraform creates an empty file at its start, before the first resource.
        state.rename(state.with_name(f"{state.name}.damaged"))
        return f"{state.name} was truncated and is now {state.name}.damaged. Existing resources are found by name"
    state.replace(state.with_name(f"{state.name}.damaged"))
    shutil.copyfile(backup, state)
    return f"{state.name} was truncated. Its backup is used, and resources created since are found by name"


def need_moved(file: Path) -> None:
    """Raise LakeError where a state lies here, and lake.yaml names a bucket for it: a deploy would begin anew."""
    if file.exists() and resources(file.read_bytes()):
        raise LakeError(
            f"{file} holds a state, and lake.yaml names a bucket for it. `lake bootstrap` moves it there; or remove "
            "`state` from the environment, to keep it here"
        )


def resources(state: bytes) -> list[Any]:
    """What a state names. None of one that is empty or cut off."""
    try:
        return list(json.loads(state or b"{}").get("resources", []))
    except ValueError:
        return []


def types(state: bytes) -> set[str]:
    """The types of the resources that a state has."""
    return {str(resource["type"]) for resource in resources(state) if resource.get("mode") == "managed"}


def _is_whole(state: Path) -> bool:
    try:
        return bool(json.loads(state.read_text()))
    except (OSError, ValueError):
        return False


def taken_up(folder: Path) -> str:
    """Push the state that Terraform could not save, if it left one in a stack's folder. Returns a note.

    Raises:
        LakeError: Terraform refuses it, because the state has changed since.
    """
    unsaved = folder / UNSAVED
    if not unsaved.exists():
        return ""
    command = ["terraform", f"-chdir={folder}", "state", "push", UNSAVED]
    done = subprocess.run([*command, "-no-color"], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = " ".join(done.stderr.split())
        raise LakeError(
            f"{unsaved} holds a state that Terraform could not save and now refuses: {reason} "
            f"If it is the correct one, push it with `{' '.join(command)}` and -force. Else delete it"
        )
    unsaved.unlink()
    return f"pushed {UNSAVED}, the state that Terraform could not save"

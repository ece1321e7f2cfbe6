"""Terraform's state of a stack after a process or the machine died while it was being written."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from lake.errors import LakeError

UNSAVED = "errored.tfstate"
"""Where Terraform puts a state that it could not save."""
ADOPTED = "adopted.tf.json"
"""Import blocks of one run, in a stack's folder. The next synthesis removes what a killed run left there."""


def restored(state: Path) -> str:
    """Put Terraform's backup in the place of a state file that is cut off. Says so; nothing if the file is whole.

    What came into being since the backup is then in no state, and is found by its name.
    """
    backup = state.with_name(f"{state.name}.backup")
    if not state.exists() or _is_whole(state):
        return ""
    if not _is_whole(backup):
        if state.stat().st_size == 0:
            return ""  # Terraform makes it empty at its start, before the first resource.
        state.rename(state.with_name(f"{state.name}.damaged"))
        return f"{state.name} was cut off, and is put aside as {state.name}.damaged: what exists is found by its name"
    state.replace(state.with_name(f"{state.name}.damaged"))
    shutil.copyfile(backup, state)
    return f"{state.name} was cut off: its backup is taken, and what was made since is found by its name"


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


def _is_whole(state: Path) -> bool:
    try:
        return bool(json.loads(state.read_text()))
    except (OSError, ValueError):
        return False


def taken_up(folder: Path) -> str:
    """Save the state that Terraform could not save, where it left one in a stack's folder. Says so.

    Raises:
        LakeError: Terraform refuses it, for the state has gone on since.
    """
    unsaved = folder / UNSAVED
    if not unsaved.exists():
        return ""
    command = ["terraform", f"-chdir={folder}", "state", "push", UNSAVED]
    done = subprocess.run([*command, "-no-color"], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = " ".join(done.stderr.split())
        raise LakeError(
            f"{unsaved} holds a state that Terraform could not save, and refuses now: {reason} "
            f"Push it with `{' '.join(command)}` and -force if it is the true one, else delete it"
        )
    unsaved.unlink()
    return f"took up {UNSAVED}, the state that Terraform could not save"

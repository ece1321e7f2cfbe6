"""Deploys and destroys the synthesised stacks with Terraform.

It is what `cdktf deploy` and `cdktf destroy` do (same folders, same state, so both can be mixed), with three things
more: progress from Terraform's own event stream, stacks side by side, and a Ctrl-C that leaves no half-made resource
outside the state.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lake.config import Lake
from lake.errors import LakeError

Verb = Literal["apply", "destroy"]


@dataclass
class Progress:
    """How far a stack is, in resources."""

    stack: str
    total: int = 0
    done: int = 0
    finished: bool = False
    errors: list[str] = field(default_factory=list)


OnProgress = Callable[[Progress], None]
MayBegin = Callable[[str], bool]
POLL_SECONDS = 1.0


class Interrupted(LakeError):
    exit_code = 130


def synthesise(lake: Lake) -> None:
    """Write every stack under cdktf.out, as the cdktf CLI would."""
    environment = {**os.environ, "LAKE_ENV": lake.env, "LAKE_FILE": str(lake.file)}
    command = [sys.executable, str(Path(__file__).parents[1] / "main.py")]
    done = subprocess.run(command, cwd=lake.root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LakeError(f"the stacks could not be synthesised:\n{done.stderr.strip()}")


class Terraform:
    """Runs Terraform in the synthesised stacks of a lake.

    On the first Ctrl-C, or when a stack fails, no further one is begun and those under way are finished; on the second
    Ctrl-C Terraform itself is interrupted.
    """

    def __init__(self, lake: Lake, on_progress: OnProgress) -> None:
        self._lake = lake
        self._on_progress = on_progress
        self._running: set[subprocess.Popen[str]] = set()
        self._interrupts = 0
        self._failed = False

    def apply(self, stacks: Sequence[str], may_begin: MayBegin = lambda stack: True) -> None:
        """Deploy stacks side by side, each as soon as it may begin.

        Raises:
            LakeError: with Terraform's own words.
            Interrupted: Ctrl-C was pressed.
        """
        self._all("apply", stacks, may_begin)

    def destroy(self, stacks: Sequence[str]) -> None:
        """Destroy stacks side by side. Raises as `apply` does."""
        self._all("destroy", stacks, lambda stack: True)

    def resources(self, stack: str) -> list[str]:
        """The addresses in a stack's state; none where it was never deployed."""
        folder = self._folder(stack)
        if not (folder / ".terraform").exists():
            self._init(stack)
        listed = subprocess.run(
            ["terraform", f"-chdir={folder}", "state", "list"], capture_output=True, text=True, check=False
        )
        return listed.stdout.split()

    def _all(self, verb: Verb, stacks: Sequence[str], may_begin: MayBegin) -> None:
        previous = signal.signal(signal.SIGINT, self._interrupt)
        try:
            with ThreadPoolExecutor(max(1, len(stacks))) as pool:
                results = list(pool.map(lambda stack: self._one(verb, stack, may_begin), stacks))
        finally:
            signal.signal(signal.SIGINT, previous)
        failed = [f"{result.stack}: {error}" for result in results for error in result.errors]
        if self._interrupts:
            raise Interrupted("interrupted. Run the same command again: it goes on from here")
        if failed:
            raise LakeError("\n".join(failed))

    def _one(self, verb: Verb, stack: str, may_begin: MayBegin) -> Progress:
        progress = Progress(stack)
        while not self._stopped() and not may_begin(stack):
            time.sleep(POLL_SECONDS)
        if self._stopped():
            return progress
        self._on_progress(progress)
        if error := self._init(stack):
            progress.errors.append(error)
        elif not self._interrupts:
            self._run(verb, progress)
        self._failed |= bool(progress.errors)
        progress.finished = True
        self._on_progress(progress)
        return progress

    def _stopped(self) -> bool:
        return self._failed or self._interrupts > 0

    def _init(self, stack: str) -> str:
        command = [
            "terraform",
            f"-chdir={self._folder(stack)}",
            "init",
            "-input=false",
            "-no-color",
            "-reconfigure",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)
        return done.stderr.strip() if done.returncode else ""

    def _run(self, verb: Verb, progress: Progress) -> None:
        command = [
            "terraform",
            f"-chdir={self._folder(progress.stack)}",
            verb,
            "-json",
            "-auto-approve",
            "-input=false",
        ]
        # In a session of its own it does not see the terminal's Ctrl-C: this class decides what that means.
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        self._running.add(process)
        assert process.stdout is not None
        for line in process.stdout:
            _take(line, progress)
            self._on_progress(progress)
        if process.wait() and not progress.errors:
            progress.errors.append(f"terraform {verb} ended with {process.returncode}")
        self._running.discard(process)

    def _interrupt(self, *_: Any) -> None:
        self._interrupts += 1
        if self._interrupts == 1:
            print(
                "\nCtrl-C: the stacks under way are being finished. Again: Terraform is interrupted.",
                file=sys.stderr,
            )
            return
        for process in list(self._running):
            process.send_signal(signal.SIGINT)

    def _folder(self, stack: str) -> Path:
        return self._lake.root / "cdktf.out" / "stacks" / stack


def _take(line: str, progress: Progress) -> None:
    """Read one event of `terraform -json`."""
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return
    if event["type"] == "change_summary" and event["changes"]["operation"] == "plan":
        progress.total = sum(event["changes"][kind] for kind in ("add", "change", "remove"))
    elif event["type"] == "apply_complete" and event["hook"]["action"] != "read":
        progress.done += 1
    elif event["type"] == "diagnostic" and event["diagnostic"]["severity"] == "error":
        diagnostic = event["diagnostic"]
        place = f" ({diagnostic['address']})" if diagnostic.get("address") else ""
        progress.errors.append(f"{diagnostic['summary']}{place} {diagnostic.get('detail', '')}".strip())

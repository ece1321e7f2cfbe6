"""The `lake` commands of a demo, as a user would type them: each is shown with the time since the demo began."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

BEGUN = time.monotonic()


def seconds() -> float:
    """The seconds since the demo began."""
    return time.monotonic() - BEGUN


def say(line: str) -> None:
    print(f"\n{line}", flush=True)


def prompt(command: str) -> None:
    say(f"[{seconds():3.0f} s] $ {command}")


def lake(*arguments: str) -> None:
    """Run a command. If it fails, the demo ends with its exit code."""
    prompt("lake " + " ".join(arguments))
    done = subprocess.run([sys.executable, "-m", "lake", *arguments], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def answer(*arguments: str) -> Any:
    """The JSON that a command prints, without showing the command."""
    command = [sys.executable, "-m", "lake", *arguments, "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

"""Installs Flink into a folder with pip: checks hashes and reports progress."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from local_aws.streams.flink.home import NoFlink

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_PYTHON = (3, 11)
_ALONE = threading.Lock()


def install(folder: Path, say: Callable[[str], None]) -> None:
    """Create a virtual environment with Flink at `folder`. Raises NoFlink if that fails."""
    if sys.version_info[:2] != _PYTHON:
        raise NoFlink(f"Flink 1.20 runs on Python 3.11, and this is {sys.version_info[0]}.{sys.version_info[1]}")
    with _ALONE:
        if (folder / "bin/pyflink-shell.sh").exists():
            return
        say("installing Flink, once: 700 MB, two to four minutes")
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], say)
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        _run([*pip, "--require-hashes", "-r", str(REQUIREMENTS)], say)
        say("Flink is installed")


def _run(command: list[str], say: Callable[[str], None]) -> None:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    last = ""
    assert process.stdout is not None
    for line in process.stdout:
        last = line.strip() or last
        if line.startswith(("Collecting ", "Installing ", "Building ")):
            say(line.strip())
    if process.wait():
        raise NoFlink(
            f"Flink could not be installed ({last}): check that pip reaches a package index, then start again"
        )

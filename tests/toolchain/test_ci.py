"""The script that continuous integration runs, over Makefiles that stand in for ours."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="CI runs on Linux")


def ci(folder: Path, recipe: str) -> subprocess.CompletedProcess[str]:
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    (folder / "Makefile").write_text(f"all-tools docs:\n\t@true\ntest:\n\t{recipe}\n")
    (folder / "bin").mkdir()
    (folder / "bin/chromium").symlink_to("/bin/true")  # so that none is installed
    env = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run([folder / ".ci/run"], env=env, capture_output=True, text=True, check=False)


def is_running(process: str) -> bool:
    """Whether a process still has a command line: one that ended and was not yet collected has none."""
    file = Path("/proc", process, "cmdline")
    return file.exists() and file.read_bytes() != b""


def test_it_passes_when_the_tests_pass(tmp_path: Path) -> None:
    assert ci(tmp_path, "@true").returncode == 0


def test_it_fails_when_the_tests_fail(tmp_path: Path) -> None:
    assert ci(tmp_path, "@false").returncode != 0


def test_tests_run_without_a_terminal(tmp_path: Path) -> None:
    assert ci(tmp_path, '@test "$$CI" = true && ! read answer').returncode == 0


def test_a_leftover_process_is_a_failure_and_is_killed(tmp_path: Path) -> None:
    done = ci(tmp_path, "@setsid sleep 60 >/dev/null 2>&1 & sleep 0.2")
    assert done.returncode == 1
    assert "Still running:" in done.stderr
    assert "sleep 60" in done.stderr
    left = done.stderr.split("Still running: ")[1].split()[0]
    time.sleep(0.2)
    assert not is_running(left)


def test_an_ending_process_is_waited_for(tmp_path: Path) -> None:
    assert ci(tmp_path, "@sleep 1.5 >/dev/null 2>&1 & true").returncode == 0

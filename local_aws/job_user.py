"""Another user of this machine that jobs run as, so that their scripts cannot read the owner's files."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


class NoSuchStart(Exception):
    """The reason that jobs cannot run as that user, in one sentence."""


@dataclass(frozen=True)
class JobUser:
    """A user of this machine for jobs.

    Attributes:
        folder: holds the work folders of its runs; the user cannot enter the owner's folder.
    """

    uid: int
    gid: int
    folder: Path

    @classmethod
    def named(cls, name: str, data: Path) -> JobUser:
        """Raises NoSuchStart if the user does not exist, this process may not become it, or it cannot run Python."""
        if os.geteuid() != 0:
            raise NoSuchStart(f"--jobs-as {name}: only root may start processes as another user")
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise NoSuchStart(f"--jobs-as {name}: this machine has no such user") from None
        folder = Path(tempfile.mkdtemp(prefix="embedded-aws-jobs-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)
        user = cls(entry.pw_uid, entry.pw_gid, folder)
        user._check(name, data)
        # The process of a Scala job keeps its compiled scripts there.
        (folder / "compiled").mkdir()
        os.chown(folder / "compiled", user.uid, user.gid)
        return user

    def _check(self, name: str, data: Path) -> None:
        if self.folder.stat().st_dev != data.stat().st_dev:
            raise NoSuchStart(f"--jobs-as {name}: set TMPDIR to a folder on the disk of {data}, which {name} may enter")
        if not can_run_python(self.uid, self.gid):
            raise NoSuchStart(f"--jobs-as {name}: {name} may not enter a folder above {Path(sys.executable).resolve()}")

    def give(self, work: Path) -> None:
        """Give the contents of a run's folder to this user, who may add to it; what root adds later stays root's."""
        for path in work.rglob("*"):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        os.chown(work, 0, self.gid)
        work.chmod(0o1770)


def can_run_python(uid: int, gid: int) -> bool:
    command = [sys.executable, "-c", "import pyspark"]
    try:
        subprocess.run(command, cwd="/", env={}, user=uid, group=gid, extra_groups=[], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True

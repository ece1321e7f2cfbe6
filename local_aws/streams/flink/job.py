"""One start of an application: its folder, its process, and its status."""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from local_aws.context import Context
from local_aws.jobs.process import kill
from local_aws.protocol import Document
from local_aws.streams.flink import code, install, process
from local_aws.streams.flink.home import Home, NoFlink
from local_aws.streams.flink.log_stream import LogStream
from local_aws.streams.flink.metrics import Metrics
from local_aws.streams.flink.process import Order
from local_aws.streams.flink.rest import NotAnswering, Rest
from local_aws.streams.flink.scala_jar import jar_of

CONNECTOR = Path(__file__).with_name("connector")
_PATIENCE = 300
"""Seconds from a start until the application reads; on a busy machine, planning the SQL alone takes many."""
_LOOK = 1.0
_MEASURE = 30.0
_SILENT = 3
"""Unanswered requests after which Flink is considered dead."""
_SHOWN = 5
_UNMAPPED = re.compile("Cannot map checkpoint/savepoint state for operator|Failed to rollback to checkpoint/savepoint")

log = logging.getLogger("local_aws.flink")


class NotStarted(Exception):
    """The reason that an application did not start, in one sentence."""


class Job:
    """One start of an application.

    Attributes:
        version: the application's version at this start.
        made: what its state depends on: the hash of each file of its code, and its property groups.
        log_place: where its log is, for a person.
    """

    def __init__(
        self, context: Context, folder: Path, detail: Document, region: str, known: Document, identity: str
    ) -> None:
        self._context, self._detail = context, detail
        self.version, self.runtime = detail["ApplicationVersionId"], detail["RuntimeEnvironment"]
        run = known.get("configuration") or {}
        port = _free_port()
        self._order = Order(
            id=identity,
            detail=detail,
            region=region,
            work=folder / "work",
            state=folder / "checkpoints",
            port=port,
            began=known["began"],
            restore=known.get("restore"),
            allow_non_restored=bool((run.get("FlinkRunConfiguration") or {}).get("AllowNonRestoredState")),
        )
        self._rest = Rest(port)
        self._process: subprocess.Popen[bytes] | None = None
        self._id = ""
        self._is_killed = False
        self._silent = 0
        self._log = LogStream(context, detail, region, self._order.work / "log")
        self._metrics = Metrics(context, detail["ApplicationName"], region, self._rest, known)
        self.made: Document = {}
        self.log_place = self._log.where
        self._kept_as: Document = known.get("made") or {}

    def start(self) -> None:
        """Raises NoFlink, BadCode, CannotCompile."""
        work = self._order.work
        shutil.rmtree(work, ignore_errors=True)
        code.unpack(self._context, self._detail, self._order.code)
        script = code.script(self._detail, self._order.code)
        home = self._home()
        jars = [jar_of(CONNECTOR, home, home.compiled), *self._jars(home)]
        self.made = _made(self._detail, self._order.code)
        self._require_same_state()
        if not self._is_killed:
            self._process = process.spawn(self._order, self._context, home, jars, script)

    def _require_same_state(self) -> None:
        """Raises NotStarted. Flink would restore the state of a 60 s window into a 120 s one at the same place."""
        before = self._kept_as
        if before and not self._order.allow_non_restored and (changes := differences(before, self.made)):
            raise NotStarted(
                f"the state to restore is from another version of the application: {'; '.join(changes)}. "
                "Start without it: SKIP_RESTORE_FROM_SNAPSHOT, or `lake stream start STREAM --fresh`"
            )

    def _home(self) -> Home:
        """Return Flink, installed first if it is missing."""
        own = self._context.folder / "flink-home"
        try:
            return Home.found(own)
        except NoFlink:
            install.install(own, self._log.say)
            return Home.found(own)

    def _jars(self, home: Home) -> list[Path]:
        """Return the application's jars. If the zip has none, compile its Scala. On AWS, the jar must be in the zip."""
        folder = self._order.code
        named = code.options(self._detail).get("jarfile")
        if named and (folder / named).is_file():
            return [folder / named]
        return [jar_of(folder, home, home.compiled)] if (folder / "scala").is_dir() else []

    def wait_until_it_reads(self, is_wanted: Callable[[], bool]) -> None:
        """Raises NotStarted if it did not start."""
        deadline = time.monotonic() + _PATIENCE
        while is_wanted():
            if not self._is_alive():
                raise NotStarted(self._why())
            if time.monotonic() > deadline:
                raise NotStarted(f"it did not read within {_PATIENCE} s: {self._log.where} says how far it came")
            with suppress(NotAnswering):
                if self._reads():
                    return
            self._log.flush()
            time.sleep(0.3)

    def _reads(self) -> bool:
        job = self._rest.job()
        if job is None:
            return False
        self._id = job["jid"]
        if job["state"] in ("FAILED", "CANCELED", "FINISHED"):
            raise NotStarted(self._why())
        tasks = job["tasks"]
        return bool(tasks["running"] == tasks["total"] > 0) and self._metrics.is_reading(self._id)

    def _why(self) -> str:
        with suppress(OSError):
            if _UNMAPPED.search((self._order.work / "log").read_text(errors="replace")):
                return (
                    "the snapshot is from another version of the application, and its state fits no part of this one: "
                    "start without it (SKIP_RESTORE_FROM_SNAPSHOT)"
                )
        return f"the application ended before it read anything: {self._log.where} says why"

    def follow(self) -> None:
        """Send the log to CloudWatch Logs and the metrics to CloudWatch until the process has ended."""
        measured = 0.0
        while self._is_alive():
            try:
                self._log.flush()
                if time.monotonic() - measured > _MEASURE:
                    measured = time.monotonic()
                    if self._has_ended():
                        break
                    self._metrics.send(self._id)
            except NotAnswering:
                log.info("an application did not tell its metrics")
            except Exception:
                log.exception("the log or the metrics of an application")
            time.sleep(_LOOK)

    def _has_ended(self) -> bool:
        """Whether the job has failed: Flink no longer answers though its process runs. Once, it may just be slow."""
        try:
            job = self._rest.job()
        except NotAnswering:
            self._silent += 1
            return self._silent >= _SILENT
        self._silent = 0
        return job is not None and job["state"] in ("FAILED", "CANCELED", "FINISHED")

    def snapshot(self, folder: Path, *, stop: bool) -> str:
        """Take a savepoint. Returns its path. Raises NotAnswering, SnapshotFailed."""
        return self._rest.snapshot(self._id, folder.as_uri(), stop=stop, is_alive=self._is_alive)

    def _is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        self._is_killed = True
        if self._process is not None:
            kill(self._process)
            self._process.wait()
        self._log.flush(last=True)

    @staticmethod
    def last_checkpoint(folder: Path) -> str | None:
        """Return the newest completed checkpoint in an application's folder, as a URI."""
        found = (folder / "checkpoints").glob("*/chk-*/_metadata")
        newest = max(found, key=lambda file: file.stat().st_mtime_ns, default=None)
        return newest.parent.as_uri() if newest else None

    @staticmethod
    def forget_checkpoints(folder: Path) -> None:
        """Delete the checkpoints in an application's folder."""
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def _made(detail: Document, folder: Path) -> dict[str, Any]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    hashes = {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    described = detail["ApplicationConfigurationDescription"].get("EnvironmentPropertyDescriptions", {})
    groups = {
        group["PropertyGroupId"]: group["PropertyMap"] for group in described.get("PropertyGroupDescriptions", [])
    }
    return {"files": hashes, "groups": groups}


def differences(before: Document, now: Document) -> list[str]:
    """Return what has changed in the files and property groups that the state depends on; at most a few."""
    files = [f"{name} is another" for name in sorted(before["files"].keys() | now["files"].keys())
             if before["files"].get(name) != now["files"].get(name)]  # fmt: skip
    groups = []
    for name in sorted(before["groups"].keys() | now["groups"].keys()):
        old, new = before["groups"].get(name, {}), now["groups"].get(name, {})
        if not old or not new:
            groups.append(f"{name} is {'new' if new else 'gone'}")
        else:
            keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
            groups += [f"{name}: {key} was {old.get(key, 'not set')} and is {new.get(key, 'not set')}" for key in keys]
    found = [*groups, *files]
    return found[:_SHOWN] + ([f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else [])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

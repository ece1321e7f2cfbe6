"""Runs applications: one JVM each, watched from start to end."""

from __future__ import annotations

import atexit
import logging
import shutil
import threading
import time
import uuid
from typing import Any

from local_aws.context import Context
from local_aws.jobs.survivors import end_survivors
from local_aws.protocol import AwsError, Document
from local_aws.reasons import reason
from local_aws.startup import once_answering
from local_aws.streams.flink.code import BadCode
from local_aws.streams.flink.home import NoFlink
from local_aws.streams.flink.job import Job, NotStarted
from local_aws.streams.flink.rest import NotAnswering, SnapshotFailed
from local_aws.streams.flink.scala_jar import CannotCompile
from local_aws.streams.flink.state import READY, RUNS, Remembered

_ENDING = ("STOPPING", "UPDATING")
"""It ends once its snapshot is taken, and runs on if that fails."""

log = logging.getLogger("local_aws.flink")
_EXPECTED = (BadCode, CannotCompile, NoFlink, NotStarted, SnapshotFailed)


class Applications:
    """Starts, stops and records applications, by place: `region/name`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folder = context.folder / "flink"
        self.remembered = Remembered(context.store)
        self._jobs: dict[str, Job] = {}
        self._lock = threading.RLock()
        self._is_open = True
        self._revive()
        atexit.register(self._kill_all)

    def start(self, place: str, run: Document) -> str:
        """Begin to start an application. Returns the operation's id. Raises AwsError."""
        with self._lock:
            self._require(place, "started", READY)
            if self._context.job_user:
                message = "The embedded AWS runs no Flink applications as another user: start it without --jobs-as."
                raise AwsError("InvalidApplicationConfigurationException", message)
            kept = self.remembered.restored(place, run.get("ApplicationRestoreConfiguration") or {})
            self._rewind(place, kept)
            began = {"began": time.time(), "restarts": 0, "down": 0}
            self.remembered.note(place, status="STARTING", configuration=run, **began)
            operation = self.remembered.begin(place, "StartApplication")
        self._in_background(place, operation, lambda: self._run(place))
        return operation

    def stop(self, place: str, *, force: bool, keeping: bool) -> str:
        """Begin to stop an application, with a snapshot if `keeping`. Returns the operation's id."""
        with self._lock:
            allowed = ("RUNNING", "STARTING", "UPDATING", "STOPPING") if force else ("RUNNING",)
            self._require(place, "stopped", *allowed)
            self.remembered.note(place, status="FORCE_STOPPING" if force else "STOPPING")
            operation = self.remembered.begin(place, "StopApplication")
            name = f"STOP-{place.rpartition('/')[2]}-{int(time.time() * 1000)}" if keeping and not force else None
        self._in_background(place, operation, lambda: self._stopped(place, name))
        return operation

    def update(self, place: str, *, keeping: bool) -> str:
        """Begin to restart a running application with its current configuration. Returns the operation's id."""
        with self._lock:
            operation = self.remembered.begin(place, "UpdateApplication")
            if self.remembered.status(place) != "RUNNING":
                self.remembered.end(place, operation)
                return operation
            self.remembered.note(place, status="UPDATING")
            name = f"UPDATEAPPLICATION-{place.rpartition('/')[2]}-{int(time.time() * 1000)}" if keeping else None
        self._in_background(place, operation, lambda: self._again(place, name))
        return operation

    def snapshot(self, place: str, name: str) -> None:
        """Begin a snapshot of a running application. Raises AwsError."""
        with self._lock:
            self._require(place, "kept in a snapshot", "RUNNING")
            if any(kept["SnapshotName"] == name for kept in self.remembered.snapshots(place)):
                raise AwsError("ResourceInUseException", f"There is a snapshot {name} already.")
        threading.Thread(target=self._kept, args=(place, name), daemon=True).start()

    def delete(self, place: str) -> None:
        """Forget an application, and delete its files."""
        self._kill(place)
        self.remembered.forget(place)
        shutil.rmtree(self._folder / place, ignore_errors=True)

    def described(self, region: str, name: str) -> Document:
        """Return the application as in DescribeApplication. Raises ClientError if there is no such application."""
        answer = self._context.client("kinesisanalyticsv2", region).describe_application(ApplicationName=name)
        found: Document = answer["ApplicationDetail"]
        return found

    def reconfigure(self, place: str, given: Document) -> None:
        """Apply a RunConfigurationUpdate, from the next start on."""
        run = dict(self.remembered.run(place).get("configuration") or {})
        for name in ("ApplicationRestoreConfiguration", "FlinkRunConfiguration"):
            if name in given:
                run[name] = given[name]
        self.remembered.note(place, configuration=run)

    def delete_snapshot(self, place: str, name: str) -> None:
        kept = self.remembered.snapshot(place, name)
        self.remembered.drop_snapshot(place, name)
        if path := kept.get("Path"):
            shutil.rmtree(path.removeprefix("file:"), ignore_errors=True)

    def _require(self, place: str, what: str, *allowed: str) -> None:
        status = self.remembered.status(place)
        if status not in allowed:
            message = f"Application {place.partition('/')[2]} is {status} and cannot be {what}."
            raise AwsError("ResourceInUseException", message)

    def _rewind(self, place: str, snapshot: Document) -> None:
        """Record that the application resumes from a snapshot, or from nothing if that is empty.

        Its earlier checkpoints go: after a kill they would be taken for newer.
        """
        Job.forget_checkpoints(self._folder / place)
        self.remembered.note(place, restore=snapshot.get("Path"), made=snapshot.get("Made"))

    def _in_background(self, place: str, operation: str, task: Any) -> None:
        def run() -> None:
            try:
                task()
                failure = ""
            except Exception as error:
                failure = str(error) if isinstance(error, _EXPECTED) else reason(error)
                log.warning("application %s: %s", place, failure, exc_info=not isinstance(error, _EXPECTED))
                self._failed(place, error)
            self.remembered.end(place, operation, failure)

        threading.Thread(target=run, name=f"flink-{place}", daemon=True).start()

    def _failed(self, place: str, error: Exception) -> None:
        """Without its snapshot an application runs on, as its state would be lost. Anything else ends it."""
        runs_on = isinstance(error, SnapshotFailed)
        if not runs_on:
            self._kill(place)
        with self._lock:
            known = self.remembered.run(place)
            if self._is_open and known and (not runs_on or known.get("status") in _ENDING):
                self.remembered.note(place, status="RUNNING" if runs_on else READY)

    def _run(self, place: str) -> None:
        """Start from the recorded state, wait until the application reads, then watch it in its own thread."""
        job = self._launched(place)
        job.wait_until_it_reads(lambda: self.remembered.status(place) in ("STARTING", "UPDATING", "RUNNING"))
        with self._lock:
            if self.remembered.status(place) in ("STARTING", "UPDATING", "RUNNING"):
                self.remembered.note(place, status="RUNNING")
        threading.Thread(target=self._watch, args=(place, job), name=f"flink-watch-{place}", daemon=True).start()

    def _launched(self, place: str) -> Job:
        region, _, name = place.partition("/")
        detail = self.described(region, name)
        known = self.remembered.run(place)
        identity = f"flink-{uuid.uuid4().hex}"
        self.remembered.note(place, id=identity)
        role = detail["ServiceExecutionRole"]
        acting = self._context.acting_as(
            role, "kinesisanalytics", identity, source=detail["ApplicationARN"], token=identity
        )
        job = Job(acting, self._folder / place, detail, region, known, identity)
        with self._lock:
            self._jobs[place] = job
        job.start()
        self.remembered.note(place, made=job.made)
        return job

    def _watch(self, place: str, job: Job) -> None:
        """Watch until the application ends; if that was not requested, restart it from its last checkpoint."""
        job.follow()
        if self._is_wanted(place, job):
            log.warning("application %s has ended by itself, and is started again", place)
            self._resume(place)

    def _is_wanted(self, place: str, job: Job | None) -> bool:
        """Whether an application runs by its status, though this job, or None, was its last.

        Waits while it is being stopped or updated: that may fail.
        """
        while True:
            with self._lock:
                status = self.remembered.status(place)
                if not self._is_open or self._jobs.get(place) is not job or status not in ("RUNNING", *_ENDING):
                    return False
                if status == "RUNNING":
                    return True
            time.sleep(0.5)

    def _resume(self, place: str) -> None:
        """Restart from the last checkpoint; meanwhile the status stays the same, as on AWS."""
        self._kill(place)
        down = time.time()
        known = self.remembered.run(place)
        self.remembered.note(place, restarts=known.get("restarts", 0) + 1)
        while self._is_wanted(place, None):
            restore = Job.last_checkpoint(self._folder / place) or known.get("restore")
            self.remembered.note(place, restore=restore)
            try:
                self._run(place)
                self.remembered.note(place, down=known.get("down", 0) + time.time() - down)
                return
            except Exception as error:
                log.warning("application %s: %s", place, error)
                self._kill(place)
                time.sleep(5)

    def _stopped(self, place: str, snapshot: str | None) -> None:
        if snapshot:
            self._kept(place, snapshot, stop=True)
        self._kill(place)
        with self._lock:
            self.remembered.note(place, status=READY)

    def _again(self, place: str, snapshot: str | None) -> None:
        if snapshot:
            self._kept(place, snapshot, stop=True)
        self._kill(place)
        if not snapshot:
            self._rewind(place, {})
        self._run(place)

    def _kept(self, place: str, name: str, *, stop: bool = False) -> None:
        """Take a snapshot; with `stop`, the application ends and resumes from it. Raises SnapshotFailed."""
        job = self._jobs.get(place)
        now = time.time()
        fields = {"ApplicationVersionId": job.version if job else 0, "RuntimeEnvironment": job.runtime if job else ""}
        self.remembered.keep_snapshot(place, name, SnapshotStatus="CREATING", SnapshotCreationTimestamp=now, **fields)
        try:
            if job is None:
                raise SnapshotFailed("the application does not run")
            path = job.snapshot(self._folder / place / "snapshots", stop=stop)
        except (NotAnswering, SnapshotFailed) as error:
            log.warning("snapshot %s of %s: %s", name, place, error)
            self.remembered.keep_snapshot(place, name, SnapshotStatus="FAILED")
            why = f": {job.log_place} says why" if job else ", as the application is being restarted"
            raise SnapshotFailed(f"the snapshot {name} could not be taken{why}") from None
        self.remembered.keep_snapshot(place, name, SnapshotStatus=READY, Path=path, Made=job.made)
        if stop:
            self._rewind(place, {"Path": path, "Made": job.made})

    def _kill(self, place: str) -> None:
        with self._lock:
            job = self._jobs.pop(place, None)
        if job:
            job.kill()

    def _revive(self) -> None:
        """Restart the applications that were running when the process ended, from their last checkpoints."""
        runs = self._context.store.all(RUNS)
        end_survivors([run["id"] for run in runs.values() if run.get("id")])
        for place, run in runs.items():
            if run.get("status", READY) != READY:
                running = run["status"] in ("RUNNING", "STARTING", *_ENDING)
                self.remembered.note(place, status="RUNNING" if running else READY)
                if running:
                    self._revived(place)

    def _revived(self, place: str) -> None:
        def go() -> None:
            threading.Thread(target=self._resume, args=(place,), name=f"flink-{place}", daemon=True).start()

        once_answering(self._context.endpoint, go)

    def _kill_all(self) -> None:
        self._is_open = False
        for place in list(self._jobs):
            self._kill(place)

"""Job runs: starts them, and tracks their state and outcome."""

from __future__ import annotations

import atexit
import logging
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from local_aws import disk
from local_aws.context import ACCOUNT, Context
from local_aws.events import Ended
from local_aws.jobs import process
from local_aws.jobs.buckets import BucketFolders
from local_aws.jobs.joined import Joined
from local_aws.jobs.logs import FollowedFile, say
from local_aws.jobs.orders import SPARK, UNDERWAY, Order, argv, new_run, next_attempt, shown
from local_aws.jobs.process import JobError
from local_aws.jobs.spark import write_configuration
from local_aws.jobs.survivors import end_survivors
from local_aws.mirror import split_uri
from local_aws.protocol import AwsError, Document
from local_aws.reasons import reason
from local_aws.startup import once_answering

RUNS = "glue_job_runs"
_SHOWN = "/: =+,@&()'!$;"
"""Characters of a key that the log shows unescaped."""
_DIED = "the embedded AWS ended while this run was going on; start it again"

_SESSION = "GlueJobRunnerSession"
"""As AWS names the sessions of all runs."""

log = logging.getLogger("local_aws.jobs")


class JobRuns:
    """Starts, stops and records the runs of Glue jobs. A run's state reflects its process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._user = context.job_user
        place = self._user.folder if self._user else context.folder
        self._folder, self._compiled = place / "jobs", place / "compiled"
        self._lock = threading.RLock()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._folders: dict[str, BucketFolders] = {}
        self._is_open = True
        self._fail_interrupted()
        atexit.register(self._kill_all)

    def of(self, job_name: str) -> list[Document]:
        """Return the runs of a job, newest first."""
        runs = [run for run in self._context.store.all(RUNS).values() if run["JobName"] == job_name]
        return [shown(run) for run in sorted(runs, key=lambda run: run["StartedOn"], reverse=True)]

    def start(self, job: Document, given: Document, region: str) -> str:
        """Start a run in the background.

        Args:
            job: the job as returned by GetJob.
            given: the payload of StartJobRun, whose fields override the job's.

        Returns:
            The run's id.

        Raises:
            AwsError: ConcurrentRunsExceededException.
        """
        limit = job.get("ExecutionProperty", {}).get("MaxConcurrentRuns", 1)
        with self._lock:
            if sum(run["JobRunState"] in UNDERWAY for run in self.of(job["Name"])) >= limit:
                message = f"Concurrent runs exceeded for {job['Name']}: its MaxConcurrentRuns is {limit}."
                raise AwsError("ConcurrentRunsExceededException", message)
            arguments = {**job.get("DefaultArguments", {}), **given.get("Arguments", {})}
            arguments |= job.get("NonOverridableArguments", {})
            order = Order(new_run(job, given, arguments) | {"Region": region}, job, arguments, region)
            self._launch(order)
        return order.id

    def stop(self, run_id: str) -> bool:
        """Kill a run. False if it had already ended."""
        with self._lock:
            run = self._context.store.get(RUNS, run_id)
            if run is None or run["JobRunState"] not in UNDERWAY:
                return False
            self._update(run_id, JobRunState="STOPPING")
            if run_id in self._processes:
                process.kill(self._processes[run_id])
        return True

    def publish(self, run_id: str, buckets: set[str]) -> None:
        """Upload what a running job has written into these buckets so far."""
        if folders := self._folders.get(run_id):
            folders.publish(buckets)

    def forget(self, job_name: str) -> None:
        """Kill and forget every run of a job."""
        with self._lock:  # A retry that begins meanwhile would stay.
            for run in self.of(job_name):
                self.stop(run["Id"])
                self._context.store.delete(RUNS, run["Id"])

    def _launch(self, order: Order) -> None:
        self._context.store.put(RUNS, order.id, order.run)
        threading.Thread(target=self._run, args=(order,), name=order.id, daemon=True).start()

    def _run(self, order: Order) -> None:
        work = self._folder / order.id
        try:
            outcome = self._outcome(order, work)
        finally:
            # Before the end is recorded: on a full disk, this frees space.
            shutil.rmtree(work, ignore_errors=True)
        self._end(order, *outcome)

    def _outcome(self, order: Order, work: Path) -> tuple[str, str]:
        try:
            with self._acting(order) as acting:
                return self._executed(acting, order, work)
        except Exception as error:
            why = self._why(order, error)
        return ("STOPPED", "") if self._is_stopping(order.id) else ("FAILED", why)

    def _why(self, order: Order, error: Exception) -> str:
        """Return the ErrorMessage of a run that did not get to its end."""
        if isinstance(error, JobError):
            return str(error)
        if full := disk.reason_of(error, self._context.folder):
            return full
        if isinstance(error, ClientError):
            return reason(error)
        log.error("job run %s", order.id, exc_info=error)
        return f"the embedded AWS could not run the job: {reason(error)}"

    def _executed(self, acting: Context, order: Order, work: Path) -> tuple[str, str]:
        process.require_modules(order.arguments.get("--additional-python-modules", ""))
        for folder in ("tmp", "home"):
            (work / folder).mkdir(parents=True)
        script, libraries = self._fetched(acting, order, work)
        env = process.environment(acting.endpoint, acting.keys, order.region, work, libraries)
        folders = BucketFolders(self._context, acting, work / "buckets")
        if order.is_spark:
            process.require_java()
            write_configuration(work / "conf", work, folders.fill(), order.arguments.get("--conf", ""))
            self._log_unseen(order, folders.unseen)
        self._folders[order.id] = folders
        if self._user:
            self._user.give(work)
        try:
            words = self._command(order, script)
            state, message = self._watched(acting, order, words, env, work, Joined(script))
        finally:
            self._folders.pop(order.id)
            refusal = self._publish_the_rest(order, folders)
        if state == "SUCCEEDED" and refusal:
            return "FAILED", refusal
        return state, _refused(folders, work / "stderr", message) if state == "FAILED" else message

    def _publish_the_rest(self, order: Order, folders: BucketFolders) -> str:
        """Upload what the run wrote, however it ended. Returns why that could not be done; empty if it was."""
        try:
            if self._is_open:
                folders.publish()
        except Exception as error:
            return self._why(order, error)
        return ""

    def _acting(self, order: Order) -> AbstractContextManager[Context]:
        """Who the run is: its job's role, in a session with the run's id. Raises ClientError."""
        job = f"arn:aws:glue:{order.region}:{ACCOUNT}:job/{order.job['Name']}"
        return self._context.in_session(order.job["Role"], "glue", _SESSION, job, order.id)

    def _log_unseen(self, order: Order, uris: list[str]) -> None:
        lines = (f"Spark does not see {quote(uri, safe=_SHOWN)}: its key cannot be a path of files" for uri in uris)
        if uris:
            say(self._context.client("logs", order.region), f"{order.run['LogGroupName']}/error", order.id, lines)

    def _fetched(self, acting: Context, order: Order, work: Path) -> tuple[Path, list[Path]]:
        """The script, and what PYTHONPATH names: the zips of --extra-py-files, the folder of its modules."""
        kind = order.job["Command"]["Name"]
        if kind not in (*SPARK, "pythonshell"):
            raise JobError(f"the embedded AWS runs no {kind} jobs, only {', '.join(SPARK)} and pythonshell.")
        extra = filter(None, order.arguments.get("--extra-py-files", "").split(","))
        files = [_download(acting, uri.strip(), work / "lib") for uri in extra]
        script = _download(acting, order.job["Command"]["ScriptLocation"], work / "script")
        return script, [work / "lib", *(file for file in files if file.suffix != ".py")]

    def _command(self, order: Order, script: Path) -> list[str]:
        if order.language == "python":
            return process.command(script, argv(order))
        if order.language != "scala" or not order.is_spark:
            raise JobError(f"--job-language {order.language}: allowed are python and, for a Spark job, scala.")
        if "--class" not in order.arguments:
            raise JobError("--class is missing: a Scala job names the object whose main is run.")
        return process.scala_command(script, self._compiled, order.arguments["--class"], argv(order))

    def _watched(
        self, acting: Context, order: Order, words: list[str], env: dict[str, str], work: Path, script: Joined
    ) -> tuple[str, str]:
        """Run the process to its end; returns the state and the ErrorMessage."""
        with self._lock:
            if self._is_stopping(order.id):
                return "STOPPED", ""
            self._update(order.id, JobRunState="RUNNING")
            child = self._processes[order.id] = process.spawn(words, env, work, self._user)
        try:
            in_time = self._followed(acting, order, child, work, script)
        finally:
            process.kill(child)
            self._processes.pop(order.id)
        if self._is_stopping(order.id):
            return "STOPPED", ""
        if not in_time:
            return "TIMEOUT", f"the run took longer than its timeout of {order.run['Timeout']} minutes"
        if child.returncode:
            stderr = (work / "stderr").read_text(errors="replace")
            return "FAILED", process.failure(child.returncode, script.located(stderr))
        return "SUCCEEDED", ""

    def _followed(
        self, acting: Context, order: Order, child: subprocess.Popen[bytes], work: Path, script: Joined
    ) -> bool:
        logs = acting.client("logs", order.region)
        group = order.run["LogGroupName"]
        names = {"stdout": f"{group}/output", "stderr": f"{group}/error"}
        files = [FollowedFile(logs, work / name, group, order.id, script.located) for name, group in names.items()]

        def flush() -> None:
            for file in files:
                file.flush()

        in_time = process.wait(child, order.run["Timeout"] * 60, flush)
        for file in files:
            file.flush(last=True)
        return in_time

    def _end(self, order: Order, state: str, message: str) -> None:
        again = disk.once_there_is_room(lambda: self._record_end(order, state, message))
        if self._is_open and not again:
            ended = Ended("JOB", order.region, order.job["Name"], state, message, order.first)
            self._context.events.tell(ended)

    def _record_end(self, order: Order, state: str, message: str) -> bool:
        """Record the end. Returns whether the run is retried."""
        now = time.time()
        taken = round(now - order.run["StartedOn"])
        error = {"ErrorMessage": message} if message else {}
        with self._lock:
            known = self._update(order.id, JobRunState=state, CompletedOn=now, ExecutionTime=taken, **error)
            attempt = order.run["Attempt"] + 1
            again = known and state == "FAILED" and attempt <= order.job.get("MaxRetries", 0)
            if again:
                self._launch(next_attempt(order, attempt))
            return again

    def _update(self, run_id: str, **fields: Any) -> bool:
        """Set fields of a run, unless its job was deleted or this AWS is shutting down."""
        with self._lock:
            return self._is_open and self._context.store.change(RUNS, run_id, LastModifiedOn=time.time(), **fields)

    def _is_stopping(self, run_id: str) -> bool:
        run = self._context.store.get(RUNS, run_id)
        return run is None or run["JobRunState"] == "STOPPING"

    def _fail_interrupted(self) -> None:
        """Fail the runs that were going on when the process ended, and kill their processes. None is retried."""
        found = self._context.store.all(RUNS)
        interrupted = {run_id: run for run_id, run in found.items() if run["JobRunState"] in UNDERWAY}
        end_survivors(interrupted)
        for folder in (self._folder, *(path for path in self._compiled.glob("*") if path.is_dir())):
            shutil.rmtree(folder, ignore_errors=True)
        for run_id, run in interrupted.items():
            stopped = run["JobRunState"] == "STOPPING"
            end = {"JobRunState": "STOPPED"} if stopped else {"JobRunState": "FAILED", "ErrorMessage": _DIED}
            self._update(run_id, CompletedOn=time.time(), **end)
        if interrupted:
            once_answering(self._context.endpoint, lambda: self._log_interrupted(interrupted.values()))

    def _log_interrupted(self, runs: Iterable[Document]) -> None:
        for run in runs:
            logs, group = self._context.client("logs", run.get("Region", "us-east-1")), f"{run['LogGroupName']}/error"
            with suppress(logs.exceptions.ResourceNotFoundException):
                logs.describe_log_streams(logGroupName=group)  # do not create a deleted group again
                say(logs, group, run["Id"], [_DIED])

    def _kill_all(self) -> None:
        with self._lock:
            self._is_open = False
            for child in self._processes.values():
                process.kill(child)


def _download(acting: Context, uri: str, folder: Path) -> Path:
    bucket, key = split_uri(uri)
    path = folder / Path(key).name
    folder.mkdir(exist_ok=True)
    try:
        acting.client("s3").download_file(bucket, key, str(path))
    except ClientError as error:
        raise JobError(f"FileNotFound: {uri} ({error.response['Error']['Code']})") from error
    return path


def _refused(folders: BucketFolders, stderr: Path, message: str) -> str:
    """Why a run failed: where it met what it may not read, that it may not."""
    return folders.refusal(f"{message}\n{stderr.read_text(errors='replace')}") or message

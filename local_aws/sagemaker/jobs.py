"""Training, processing and transform jobs: processes with SageMaker's contract. A job's status is what happened."""

from __future__ import annotations

import atexit
import logging
import re
import shutil
import subprocess
import threading
import time
import uuid
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local_aws import disk
from local_aws.context import Context
from local_aws.jobs import process
from local_aws.jobs.logs import FollowedFile, say
from local_aws.jobs.process import JobError
from local_aws.jobs.survivors import end_survivors
from local_aws.protocol import Call, Document
from local_aws.reasons import reason
from local_aws.sagemaker import orders
from local_aws.sagemaker.checks import check_job
from local_aws.sagemaker.container import OPT, Container
from local_aws.sagemaker.home import NoFramework, environment_folder, framework_of
from local_aws.sagemaker.orders import Order
from local_aws.sagemaker.registry import JOBS, MODEL, PROCESSING, TRAINING, TRANSFORM, Kind, Registry
from local_aws.startup import once_answering

UNDERWAY = ("InProgress", "Stopping")
REGION = "_region"
"""Of a job, and of no answer."""
_DIED = "InternalServerError: the embedded AWS ended while this job was going on; start it again"
_LAST_LINES = 8
_GENERIC = re.compile(r"ExecuteUserScriptError|CalledProcessError|^$")
_DAY = 86_400
_OF_PROCESSING = ("AppSpecification", "ImageUri")
_LOGS = {TRAINING: "TrainingJobs", PROCESSING: "ProcessingJobs", TRANSFORM: "TransformJobs"}

log = logging.getLogger("local_aws.sagemaker")


class Jobs:
    """Starts, stops and remembers jobs of all kinds."""

    def __init__(self, context: Context, registry: Registry) -> None:
        self._context, self._registry, self._user = context, registry, context.job_user
        self._folder = (self._user.folder if self._user else context.folder) / "sagemaker"
        self._lock = threading.RLock()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._is_open = True
        self._bury_the_interrupted()
        atexit.register(self._kill_all)

    def start(self, kind: Kind, call: Call) -> Document:
        """Start a job in the background. Raises AwsError for a request that SageMaker would refuse."""
        check_job(kind, call)
        if kind is TRANSFORM:
            self._registry.find(MODEL, str(call.required("ModelName")), call.region)
        started: dict[str, Any] = {f"{kind.name}Status": "InProgress", REGION: call.region}
        if kind is TRAINING:
            started["SecondaryStatus"] = "Starting"
        answer = self._registry.create(kind, call, **started)
        arn = str(answer[kind.arn_key])
        threading.Thread(target=self._run, args=(kind, arn), name=arn, daemon=True).start()
        return answer

    def stop(self, kind: Kind, arn: str) -> None:
        with self._lock:
            if self._status(kind, arn) == "InProgress":
                self._registry.update(kind, arn, **{f"{kind.name}Status": "Stopping"})
                if arn in self._processes:
                    process.kill(self._processes[arn])

    def _status(self, kind: Kind, arn: str) -> str:
        return str(self._registry.find(kind, arn, "")[f"{kind.name}Status"])

    def _run(self, kind: Kind, arn: str) -> None:
        # Not its name: a job of another kind, or in another region, may have the same.
        work = self._folder / f"{kind.path}-{uuid.uuid4().hex}"
        try:
            fields = self._outcome(kind, arn, work)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        disk.once_there_is_room(lambda: self._record_end(kind, arn, fields))

    def _record_end(self, kind: Kind, arn: str, fields: Document) -> None:
        with self._lock:
            if self._is_open:
                self._registry.update(kind, arn, **fields)

    def _outcome(self, kind: Kind, arn: str, work: Path) -> Document:
        job = self._registry.find(kind, arn, "")
        try:
            with self._acting(kind, job) as acting:
                return self._executed(acting, kind, job, work)
        except Exception as error:
            why = self._why(arn, error)
        return _ended(kind, "Stopped") if self._status(kind, arn) == "Stopping" else _ended(kind, "Failed", why)

    def _why(self, arn: str, error: Exception) -> str:
        if isinstance(error, JobError | NoFramework):
            return str(error)
        if isinstance(error, ClientError):
            return f"ClientError: {error.response['Error']['Message']}"
        log.error("%s", arn, exc_info=error)
        why = disk.reason_of(error, self._context.folder) or reason(error)
        return f"InternalServerError: the embedded AWS could not run it: {why}"

    def _acting(self, kind: Kind, job: Document) -> AbstractContextManager[Context]:
        """The job as its role, or a transform job as its model's, in a session of its own. Raises ClientError."""
        model = self._model(job) if kind is TRANSFORM else {}
        role = str(job.get("RoleArn") or model.get("ExecutionRoleArn"))
        return self._context.in_session(role, "sagemaker", "SageMaker", str(job[kind.arn_key]), str(job[kind.key]))

    def _executed(self, acting: Context, kind: Kind, job: Document, work: Path) -> Document:
        home = environment_folder(framework_of(self._image(kind, job)))
        (work / "tmp").mkdir(parents=True)
        (work / "home").mkdir()
        box = Container(acting.client("s3"), work / "ml")
        order = self._order(kind, job, box, home)
        if self._user:
            self._user.give(work)
        child = self._spawned(acting, kind, job, order, work, home)
        if child is None:
            return _ended(kind, "Stopped")
        in_time = self._followed(kind, job, child, work)
        if not self._is_open or self._status(kind, job[kind.arn_key]) == "Stopping":
            return _ended(kind, "Stopped")
        if not in_time:
            return _ended(kind, "Stopped" if kind is TRAINING else "Failed", _too_long(kind, job))
        if child.returncode:
            return _ended(kind, "Failed", _failure(child.returncode, orders.spoken(box), work))
        outputs = {TRAINING: orders.trained, PROCESSING: orders.processed, TRANSFORM: orders.transformed}[kind]
        return _ended(kind, "Completed") | outputs(job, box)

    def _image(self, kind: Kind, job: Document) -> str:
        if kind is TRANSFORM:
            return str(orders.container_of(self._model(job)).get("Image", ""))
        where, field = ("AlgorithmSpecification", "TrainingImage") if kind is TRAINING else _OF_PROCESSING
        return str(job[where].get(field, ""))

    def _model(self, job: Document) -> Document:
        return self._registry.find(MODEL, job["ModelName"], job[REGION])

    def _order(self, kind: Kind, job: Document, box: Container, home: Path) -> Order:
        if kind is TRANSFORM:
            return orders.transform(job, box, home, self._model(job))
        return (orders.training if kind is TRAINING else orders.processing)(job, box, home)

    def _spawned(
        self, acting: Context, kind: Kind, job: Document, order: Order, work: Path, home: Path
    ) -> subprocess.Popen[bytes] | None:
        arn = str(job[kind.arn_key])
        env = self._environment(acting, kind, job, order, work, home)
        with self._lock:
            if self._status(kind, arn) == "Stopping":
                return None
            if kind is TRAINING:
                self._registry.update(kind, arn, SecondaryStatus="Training", TrainingStartTime=time.time())
            child = self._processes[arn] = process.spawn(order.words, env, work, self._user)
        return child

    def _environment(
        self, acting: Context, kind: Kind, job: Document, order: Order, work: Path, home: Path
    ) -> dict[str, str]:
        """As for a Glue job, with the tools of the jobs' own environment first."""
        base = work / "ml"
        env = process.environment(acting.endpoint, acting.keys, job[REGION], work, [])
        if _is_isolated(kind, job):
            # What has no network has no credentials either: a call of such a script fails here too.
            env = {name: value for name, value in env.items() if not name.startswith("AWS_") or name == "AWS_REGION"}
        own = {name: value.replace(OPT, str(base)) for name, value in (job.get("Environment") or {}).items()}
        return env | own | order.variables | {
            "PATH": f"{home / 'bin'}:{env.get('PATH', '')}",
            "SAGEMAKER_BASE_DIR": str(base),
            "OMP_NUM_THREADS": env.get("OMP_NUM_THREADS", "2"),
        }  # fmt: skip

    def _followed(self, kind: Kind, job: Document, child: subprocess.Popen[bytes], work: Path) -> bool:
        """Send the job's output to its log until it ends. False if it took too long, and was killed."""
        logs = self._context.client("logs", job[REGION])
        base = str(work / "ml")

        def inside(text: str) -> str:
            return text.replace(base, OPT)

        files = [FollowedFile(logs, work / name, *_log_of(kind, job), inside) for name in ("stdout", "stderr")]

        def flush() -> None:
            for file in files:
                file.flush()

        try:
            in_time = process.wait(child, _seconds(kind, job), flush)
        finally:
            process.kill(child)
            self._processes.pop(str(job[kind.arn_key]), None)
        for file in files:
            file.flush(last=True)
        return in_time

    def _bury_the_interrupted(self) -> None:
        found = [
            (kind, arn, job)
            for kind in JOBS
            for arn, job in self._context.store.all(kind.collection).items()
            if job[f"{kind.name}Status"] in UNDERWAY
        ]
        end_survivors([str(job[kind.key]) for kind, _, job in found])
        shutil.rmtree(self._folder, ignore_errors=True)
        for kind, arn, _ in found:
            self._registry.update(kind, arn, **_ended(kind, "Failed", _DIED))
        if found:
            once_answering(self._context.endpoint, lambda: self._say_died(found))

    def _say_died(self, found: list[tuple[Kind, str, Document]]) -> None:
        for kind, _, job in found:
            logs = self._context.client("logs", job[REGION])
            say(logs, *_log_of(kind, job), [_DIED])

    def _kill_all(self) -> None:
        with self._lock:
            self._is_open = False
            for child in self._processes.values():
                process.kill(child)


def _ended(kind: Kind, status: str, why: str = "") -> Document:
    now, fields = time.time(), dict[str, Any]()
    fields[f"{kind.name}Status"] = status
    fields[{TRAINING: "TrainingEndTime", PROCESSING: "ProcessingEndTime", TRANSFORM: "TransformEndTime"}[kind]] = now
    if kind is TRAINING:
        fields["SecondaryStatus"] = "MaxRuntimeExceeded" if status == "Stopped" and why else status
    return fields | ({"FailureReason": why} if why and status == "Failed" else {})


def _log_of(kind: Kind, job: Document) -> tuple[str, str]:
    """The log group and the log stream of a job."""
    return f"/aws/sagemaker/{_LOGS[kind]}", f"{job[kind.key]}/algo-1-{int(job['CreationTime'])}"


def _seconds(kind: Kind, job: Document) -> int:
    return int((job.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", _DAY))


def _too_long(kind: Kind, job: Document) -> str:
    return f"CapacityError: the job took longer than its MaxRuntimeInSeconds of {_seconds(kind, job)}"


def _is_isolated(kind: Kind, job: Document) -> bool:
    if kind is PROCESSING:
        return bool((job.get("NetworkConfig") or {}).get("EnableNetworkIsolation"))
    return kind is TRANSFORM or bool(job.get("EnableNetworkIsolation"))


def _failure(status: int, given: str, work: Path) -> str:
    """What the job tells of its end. Where that names no reason, the end of its log is added, and marked as added."""
    text = f"AlgorithmError: {given or f'the container ended with exit code {status}'}"
    if not _GENERIC.search(given):
        return text[:1024]
    lines = [line for line in (work / "stderr").read_text(errors="replace").splitlines() if line.strip()]
    lines = lines or (work / "stdout").read_text(errors="replace").splitlines()
    last = "\n".join(lines[-_LAST_LINES:]).replace(str(work / "ml"), OPT)
    note = "\n(Added by the embedded AWS, the end of the log:)\n"
    return f"{text[: 1024 - len(note) - len(last[-700:])]}{note}{last[-700:]}"

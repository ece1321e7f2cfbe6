"""Deploys and destroys the synthesised stacks with Terraform.

It does what `cdktf deploy` and `cdktf destroy` do, with the same folders and state, so both can be mixed. It adds four
things: progress from Terraform's event stream, stacks in parallel, interrupts (Ctrl-C, a closed terminal, a kill) that
leave no resource outside the state, and the import of resources that are outside of it anyway.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from lake.aws import Aws
from lake.configuration.reading import Lake
from lake.deploying import adoption, state, unchanged
from lake.deploying.backend import BUCKET_STACK, DESTROYS
from lake.deploying.diagnosis import in_words
from lake.deploying.lock import Lock
from lake.deploying.progress import Change, OnProgress, Progress
from lake.errors import LakeError
from lake.failures import sentence
from lake.folders import need_writable
from lake.shipped import PACKAGES, importable

Verb = Literal["apply", "destroy", "plan"]
Missing = Callable[[str], str]
"""Gets what a stack waits for; empty if it can start."""
POLL_SECONDS = 1.0
WAIT_SECONDS = 15 * 60
"""How long a stack waits for what it needs of others."""
MANY = 5
"""Resources in no state: more than a kill leaves behind."""
_TWO_CHECKOUTS = (
    "all that was there is in the state of this checkout now. If another checkout deploys this lake too, each undoes "
    "what the other does: keep the state in a bucket, by `lake bootstrap`, or choose another environment"
)
TAIL_SECONDS = 0.2
WAIT = "-lock-timeout=24h"
APPROVED = "-auto-approve"
# Reading the provider's schema makes much garbage: collecting it rarely saves a fifth of a plan's processor time.
_RARELY = {"GOGC": "400"}
_ELSEWHERE = ("AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")


class Interrupted(LakeError):
    exit_code = 130


def synthesise(
    lake: Lake, module: str = "stacks.app", outdir: Path | None = None, *, destroys: Sequence[str] = ()
) -> None:
    """Write every stack under cdktf.out, as the cdktf CLI would. Raises BadInput where that is read-only.

    Args:
        module: of the app; the lake's own main.py takes the place of `stacks.app`.
        outdir: takes the place of cdktf.out.
        destroys: the stacks that are to go. What a deploy of them lacks is no error.
    """
    folder = outdir or lake.root / "cdktf.out"
    need_writable(folder)
    environment = importable(PACKAGES) | {"LAKE_ENV": lake.env, "LAKE_FILE": str(lake.file)}
    environment["CDKTF_OUTDIR"] = str(folder)
    if destroys:
        environment |= {"CDKTF_CONTINUE_SYNTH_ON_ERROR_ANNOTATIONS": "1", DESTROYS: ",".join(destroys)}
    is_own = module == "stacks.app" and (lake.root / "main.py").exists()
    app = ["main.py"] if is_own else ["-m", module]
    command = [sys.executable, *app]
    done = subprocess.run(command, cwd=lake.root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LakeError(f"the stacks could not be synthesised:\n{done.stderr.strip()}")


class Terraform:
    """Runs Terraform in the synthesised stacks of a lake. Stacks that are unchanged since their last apply are skipped.

    On the first Ctrl-C, on a closed terminal, or when a stack fails, no more stacks are started, and running ones
    finish. The second Ctrl-C interrupts Terraform itself.

    Args:
        lock: the lock of the checkout, which the caller holds.
        wait: also wait for a Terraform that holds the state without this lock, such as a `cdktf deploy`.
        plan_all: also plan unchanged stacks.
    """

    def __init__(
        self, aws: Aws, on_progress: OnProgress, lock: Lock, *, wait: bool = False, plan_all: bool = False
    ) -> None:
        self._aws = aws
        self._on_progress = on_progress
        self._lock = lock
        self._plan_all = plan_all
        self._options = ["-input=false", *([WAIT] if wait else [])]
        self._running: set[subprocess.Popen[bytes]] = set()
        self._interrupts = 0
        self._failed = False

    def apply(self, stacks: Sequence[str], missing: Missing = lambda stack: "") -> None:
        """Deploy stacks in parallel, each as soon as everything it needs exists.

        Raises:
            LakeError: with Terraform's errors, or with what a stack waited for too long.
            Interrupted: Ctrl-C was pressed.
        """
        self._all(lambda progress: self._apply(progress, missing), stacks)

    def destroy(self, stacks: Sequence[str]) -> None:
        """Destroy stacks in parallel. Raises like `apply`."""
        self._all(self._destroy, stacks)

    def plan(self, stacks: Sequence[str], *, drift: bool = False) -> dict[str, list[Change]]:
        """What `apply` would change in each stack; with `drift`, what has changed since the last apply. Read-only.

        Raises like `apply`.
        """
        options = ["-refresh-only"] if drift else []
        planned: dict[str, list[Change]] = {}

        def work(progress: Progress) -> None:
            self._prepare(progress)
            self._run("plan", progress, *options)
            progress.skipped = True
            planned[progress.stack] = sorted(progress.drifted if drift else progress.changes)

        self._all(work, stacks)
        return planned

    def forget(self, stacks: Sequence[str]) -> None:
        """Do not skip these stacks at the next deployment."""
        for stack in stacks:
            self._applied(stack).remove()

    def resources(self, stack: str) -> list[str]:
        """The addresses in a stack's state; empty if it was never deployed."""
        command = ["terraform", f"-chdir={self._folder(stack)}", "state", "list"]
        done = self._ended(command)
        if done.returncode and "No state file was found" not in done.stderr:
            raise LakeError(in_words(done.stderr) or done.stderr.strip())
        return done.stdout.split()

    def _all(self, work: Callable[[Progress], None], stacks: Sequence[str]) -> None:
        with _signals_to(self._interrupt), ThreadPoolExecutor(max(1, len(stacks))) as pool:
            results = list(pool.map(lambda stack: self._one(work, stack), stacks))
        failed = [f"{result.stack}: {error}" for result in results for error in result.failures]
        if self._interrupts:
            raise Interrupted("interrupted. Run the same command again: it continues from here")
        if failed:
            raise LakeError("\n".join(failed))

    def _one(self, work: Callable[[Progress], None], stack: str) -> Progress:
        progress = Progress(stack)
        if self._stopped():
            return progress
        self._tell(progress)
        try:
            work(progress)
        except (LakeError, ClientError, BotoCoreError) as error:
            progress.errors.append(sentence(error))
        except BaseException:
            self._failed = True  # otherwise stacks that wait for this one would wait for ever
            raise
        if progress.errors:
            self._failed = True
            unchanged.initialised(self._folder(stack)).remove()  # the initialised folder may be the cause
        progress.finished = True
        self._tell(progress)
        return progress

    def _wait(self, progress: Progress, missing: Missing) -> None:
        """Wait for what the stack needs. The failure of another stack, or an interrupt, ends the wait."""
        since = time.monotonic()
        while not self._stopped() and (what := missing(progress.stack)):
            if time.monotonic() - since > WAIT_SECONDS:
                raise LakeError(f"waited {WAIT_SECONDS // 60} minutes for {what}. Run the same command again later")
            progress.working = {f"waits for {what}": since}
            self._tell(progress)
            time.sleep(POLL_SECONDS)
        progress.working = {}

    def _stopped(self) -> bool:
        return self._failed or self._interrupts > 0

    def _prepare(self, progress: Progress) -> None:
        """Recover the state if necessary, and initialise the folder."""
        folder = self._folder(progress.stack)
        kept = self._kept(progress.stack, "tfstate")
        if self._aws.lake.environment.state is None or progress.stack == BUCKET_STACK:
            self._note(progress, state.restored(kept))
        else:
            state.need_moved(kept)
        mark = unchanged.initialised(folder)
        begun = mark.begin()
        if not mark.holds(begun):
            mark.remove()
            command = ["terraform", f"-chdir={folder}", "init", "-input=false", "-no-color", "-reconfigure"]
            done = self._ended(command)
            if done.returncode:
                raise LakeError(in_words(done.stderr) or done.stderr.strip())
            mark.set(begun)
        self._note(progress, state.taken_up(folder))

    def _apply(self, progress: Progress, missing: Missing) -> None:
        mark = self._applied(progress.stack)
        begun = mark.begin()
        if not self._plan_all and mark.holds(begun):
            progress.skipped = True
            self._note(progress, "unchanged since its last apply, so it was skipped. --all plans it too")
            return
        self._wait(progress, missing)
        if self._stopped():
            progress.skipped = True
            return
        mark.remove()
        self._prepare(progress)
        if not self._interrupts:
            self._apply_and_adopt(progress)
            if not progress.errors:
                mark.set(begun)

    def _apply_and_adopt(self, progress: Progress) -> None:
        """A call whose answer was lost may have created its resource, so that the retry fails: import it then."""
        for _ in range(2):
            found = self._orphans(progress.stack)
            if foreign := [orphan for orphan in found if not orphan.found.belongs_to(self._aws)]:
                raise LakeError("\n".join(adoption.foreign(self._aws, orphan) for orphan in foreign))
            self._adopting(found, progress)
            if not progress.errors or self._interrupts or not self._orphans(progress.stack):
                return

    def _destroy(self, progress: Progress) -> None:
        """Import resources that are in no state first, so that Terraform destroys them too."""
        self._prepare(progress)
        if self._interrupts:
            return
        found = [orphan for orphan in self._orphans(progress.stack) if orphan.found.belongs_to(self._aws)]
        if found:
            self._adopting(found, progress, *(f"-target={orphan.address}" for orphan in found))
        if not progress.errors and not self._interrupts:
            self._run("destroy", progress, APPROVED)

    def _orphans(self, stack: str) -> list[adoption.Orphan]:
        resources = json.loads((self._folder(stack) / "cdk.tf.json").read_text()).get("resource", {})
        return adoption.orphans(self._aws, resources, self.resources(stack))

    def _adopting(self, found: Sequence[adoption.Orphan], progress: Progress, *options: str) -> None:
        """Run Terraform with imports of the resources found."""
        file = self._folder(progress.stack) / state.ADOPTED
        if found:
            blocks = [{"to": orphan.address, "id": orphan.found.id} for orphan in found]
            file.write_text(json.dumps({"import": blocks}))
        try:
            self._run("apply", progress, APPROVED, *options)
        finally:
            file.unlink(missing_ok=True)
        for orphan in [] if progress.errors else found:
            self._note(progress, f"adopted: {orphan.address}, {orphan.found.id}")
        if len(found) >= MANY and not progress.errors:
            self._note(progress, _TWO_CHECKOUTS)

    def _run(self, verb: Verb, progress: Progress, *options: str) -> None:
        progress.plan()
        command = ["terraform", f"-chdir={self._folder(progress.stack)}", verb, "-json", *self._options, *options]
        log = self._kept(progress.stack, "log")
        with log.open("wb") as events:
            # In its own session, it does not receive the terminal's Ctrl-C: this class handles it.
            # The output goes to a file, not a pipe: if this process dies, Terraform can still write and finish.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=events,
                stderr=events,
                start_new_session=True,
                env=self._environment(),
            )
        self._running.add(process)
        for line in _lines(log, process):
            progress.take(line)
            self._tell(progress)
        self._running.discard(process)
        progress.working.clear()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # providers that outlived a killed Terraform
        if process.returncode < 0:
            raise LakeError(_killed(-process.returncode))
        if process.returncode and not progress.errors:
            progress.errors.append(
                f"terraform {verb} ended with exit code {process.returncode}. Its output is in {log}"
            )

    def _ended(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, start_new_session=True, env=self._environment()
        )

    def _environment(self) -> dict[str, str]:
        """The user's variables, without those that would override the embedded AWS's endpoint."""
        dropped = () if self._aws.lake.environment.endpoint is None else _ELSEWHERE
        return _RARELY | {name: value for name, value in os.environ.items() if not name.startswith(dropped)}

    def _note(self, progress: Progress, note: str) -> None:
        if note:
            progress.notes.append(note)
            self._tell(progress)

    def _tell(self, progress: Progress) -> None:
        """Report progress. A closed terminal does not stop the work."""
        with suppress(OSError):
            self._on_progress(progress)

    def _interrupt(self, number: int, _: Any) -> None:
        again = number == signal.SIGINT and self._interrupts > 0
        self._interrupts += 1
        if number == signal.SIGHUP:
            _leave_the_terminal()
        if again:
            for process in list(self._running):
                process.send_signal(signal.SIGINT)
            return
        self._lock.let_go_soon()
        what = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        with suppress(OSError):
            print(
                f"\n{what}: waiting for running stacks to finish. Press Ctrl-C again to interrupt Terraform.",
                file=sys.stderr,
            )

    def _folder(self, stack: str) -> Path:
        return self._aws.lake.root / "cdktf.out" / "stacks" / stack

    def _applied(self, stack: str) -> unchanged.Mark:
        return unchanged.applied(self._aws, self._folder(stack), self._kept(stack, "applied"))

    def _kept(self, stack: str, kind: str) -> Path:
        folder = self._aws.lake.root / ".state" / self._aws.lake.deployment
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{stack}.{kind}"


@contextmanager
def _signals_to(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Handle the signals that end a process; those that were ignored (nohup) stay ignored."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        for number, earlier in before.items():
            if earlier != signal.SIG_IGN:
                signal.signal(number, handler)
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _leave_the_terminal() -> None:
    """Discard further output after the terminal was closed, so that printing does not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _lines(log: Path, process: subprocess.Popen[bytes]) -> Iterator[str]:
    """The lines of a growing file until its process ends; an empty line whenever there is nothing new."""
    rest = ""
    with log.open(errors="replace") as events:
        while True:
            ended = process.poll() is not None
            *lines, rest = (rest + events.read()).split("\n")
            yield from lines
            if ended:
                return
            yield ""
            time.sleep(TAIL_SECONDS)


def _killed(number: int) -> str:
    name = signal.Signals(number).name
    return f"Terraform was killed ({name}). Run the same command again: it finds what was created, and continues"

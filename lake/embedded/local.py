"""Starts, stops and inspects the embedded AWS, a separate process that outlives the command."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from lake import __version__
from lake.configuration.reading import Lake, where
from lake.embedded.credentials import credentials_file, keys_of
from lake.errors import BadInput, LakeError
from lake.folders import need_writable
from lake.shipped import PACKAGES, importable

_REFUSED = 2
"""The exit code if another process holds the folder, such as when two commands start it at once."""
START_SECONDS = 60
STOP_SECONDS = 30


@dataclass(frozen=True)
class Process:
    """The embedded AWS process that holds a folder, from the file it writes.

    Attributes:
        since: its start time, in ISO 8601.
        folder: the folder in which it was started. It differs if the folder was moved since.
        version: the version of `lake` that started it; None for a version before this was recorded, empty for none.
    """

    pid: int
    port: int
    since: str
    folder: str
    version: str | None = None

    @classmethod
    def read(cls, document: dict[str, Any]) -> Process:
        """Parse what the process wrote. A later version may write more fields."""
        return cls(**{each.name: document[each.name] for each in fields(cls) if each.name in document})

    @property
    def is_of_another_version(self) -> bool:
        return self.version not in ("", __version__)


@dataclass(frozen=True)
class LocalAws:
    """The embedded AWS of an environment with an endpoint.

    Attributes:
        folder: its data, state and log. Only this user can read it.
    """

    lake: Lake
    endpoint: str
    folder: Path

    @classmethod
    def of(cls, lake: Lake) -> LocalAws:
        """The embedded AWS of a lake. Raises BadInput if the environment is an AWS account."""
        if lake.environment.endpoint is None:
            field = where(lake, "environments", lake.env)
            raise BadInput(
                f"{field} is an AWS account, because it has no endpoint. Choose another environment with LAKE_ENV"
            )
        return cls(lake, lake.environment.endpoint, lake.root / ".local" / lake.env)

    @property
    def port(self) -> int:
        return urlsplit(self.endpoint).port or 80

    @property
    def log(self) -> Path:
        return self.folder / "aws.log"

    def process(self) -> Process | None:
        """The process that holds the folder, on any port. It locks a file in the folder as long as it runs."""
        try:
            with (self._data / "process.json").open() as file:
                if not _is_locked(file):
                    return None
                return Process.read(json.load(file))
        except (FileNotFoundError, ValueError):
            return None

    def pid(self) -> int | None:
        """Its process id, or None if it is not running."""
        process = self.process()
        return process.pid if process else None

    def need_its_place(self) -> None:
        """Raise BadInput if it runs on another port, from another folder, or was started by another version."""
        process = self.process()
        if process is None:
            return
        again = "Stop it with `lake local stop`, then start it again"
        if process.port != self.port:
            raise BadInput(
                f"the embedded AWS of {self.folder} runs on port {process.port} (process {process.pid}), but lake.yaml "
                f"has {self.port}. {again}"
            )
        if Path(process.folder) != self._data.resolve():
            raise BadInput(
                f"the embedded AWS of {self.folder} (process {process.pid}) was started when its folder was "
                f"{process.folder}, and can no longer save anything. {again}"
            )
        if process.is_of_another_version:
            other = f"lake {process.version}" if process.version else "an older lake"
            raise BadInput(
                f"the embedded AWS of {self.folder} (process {process.pid}) was started by {other}, but this is lake "
                f"{__version__}. {again}. It keeps its data"
            )

    def need(self) -> None:
        """Raise BadInput at once if nothing listens at the endpoint, or it runs elsewhere."""
        self.need_its_place()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            raise BadInput(
                f"{where(self.lake, 'environments', self.lake.env)}: {nothing_answers(self.endpoint)}"
            ) from None

    def start(self, *, is_open: bool = False, enforces_iam: bool | None = None) -> bool:
        """Start it and wait until it answers. False if it ran already.

        Args:
            is_open: it checks no signatures.
            enforces_iam: it refuses what IAM's policies do not allow the caller; None is as at its last start.

        Raises:
            BadInput: another program has the port, it runs on another one or with other options, the options do not
                fit together, or its folder is read-only.
            LakeError: it ended or did not answer in time; the message holds the end of its log.
        """
        if self.pid() is not None:
            self.need_its_place()
            self._need_enforcement(enforces_iam)
            return False
        if enforces_iam is None:
            enforces_iam = self._enforced.exists()
        if is_open and enforces_iam:
            raise BadInput("--open: nobody knows who calls then, but IAM is enforced. Add --no-enforce-iam")
        need_writable(self.folder)
        self._need_free_port()
        self._make_folder()
        speed = str(self.lake.environment.buffer_speed)
        options = ["--version", __version__, "--buffer-speed", speed, *(["--open"] if is_open else [])]
        options += ["--enforce-iam"] if enforces_iam else []
        options += ["--jobs-as", user] if (user := os.environ.get("LAKE_JOBS_AS")) else []
        command = program("local_aws", "--port", str(self.port), "--folder", str(self._data), *options)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=surroundings(),
                start_new_session=True,
            )
        self._wait_until_ready(process)
        if self.pid() == process.pid:
            self._remember(enforces_iam)
            return True
        # Another command was faster. Stop ours, which would otherwise take the folder if the other one died.
        process.terminate()
        process.wait()
        return False

    def is_open(self) -> bool:
        """Whether it runs without checking signatures."""
        pid = self.pid()
        return pid is not None and "--open" in _arguments(pid).split()

    def enforces_iam(self) -> bool:
        """Whether it runs and refuses what IAM's policies do not allow."""
        pid = self.pid()
        return pid is not None and "--enforce-iam" in _arguments(pid).split()

    def stop(self) -> bool:
        """Stop it and wait until its state is written. Returns False if it was not running."""
        pid = self.pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self.pid() is not None:
            if time.monotonic() > deadline:
                raise LakeError(f"the embedded AWS (process {pid}) did not stop within {STOP_SECONDS} s")
            time.sleep(0.1)
        return True

    def store(self) -> dict[str, list[str]]:
        """All stored keys, by service.

        Raises:
            BadInput: it is not running, does not answer, or has other keys for its root.
        """
        from botocore.auth import SigV4Auth  # takes half a second, and `lake local start` does not need it
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        self.need()
        keys = keys_of(self.lake)
        url = f"{self.endpoint}/_local/store"
        request = AWSRequest("GET", url)
        SigV4Auth(Credentials(keys.id, keys.secret), "local", "local").add_auth(request)
        try:
            listing: dict[str, list[str]] = _get_json(url, dict(request.headers))
        except HTTPError:
            file = credentials_file(self.lake)
            raise BadInput(f"{file}: {keys.id} is no key of the account's root, who alone may list the store") from None
        except OSError:
            raise BadInput(nothing_answers(self.endpoint)) from None
        return listing

    def answers(self) -> bool:
        """Whether it answers within some seconds. It may be suspended or overloaded."""
        try:
            _get_json(f"{self.endpoint}/_ministack/health")
        except OSError:
            return False
        return True

    def _need_enforcement(self, wanted: bool | None) -> None:
        """Raise BadInput if it runs, and not as it is wanted; None is either way."""
        runs = self.enforces_iam()
        if wanted is not None and wanted != runs:
            how = "with" if runs else "without"
            raise BadInput(f"the embedded AWS runs {how} --enforce-iam: `lake local stop` ends it; then start it again")

    def _remember(self, enforces_iam: bool) -> None:
        """For the next start."""
        if enforces_iam:
            self._enforced.touch()
        else:
            self._enforced.unlink(missing_ok=True)

    @property
    def _enforced(self) -> Path:
        """Is there if the last start enforced IAM."""
        return self.folder / "enforces-iam"

    @property
    def _data(self) -> Path:
        return self.folder / "aws"

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder.parent, self.folder):
            folder.chmod(0o700)

    def _need_free_port(self) -> None:
        with socket.socket() as probe:
            # Like the server itself: ignore lingering connections of an earlier run.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                raise BadInput(
                    f"another program uses port {self.port}. Stop it, or change the port of the environment's endpoint "
                    f"in lake.yaml"
                ) from None

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            ended = process.poll()
            if ended == _REFUSED and self.process():
                self.need_its_place()
            elif ended is not None:
                raise LakeError(f"the embedded AWS ended with exit code {process.returncode}:\n{self.log_tail(15)}")
            if self.answers():
                return
            time.sleep(0.1)
        process.terminate()
        raise LakeError(f"the embedded AWS did not answer within {START_SECONDS} s:\n{self.log_tail(15)}")

    def log_tail(self, lines: int) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def nothing_answers(endpoint: str) -> str:
    return f"nothing answers at {endpoint}. Start it with `lake local start`; if it is running, see `lake local logs`"


def program(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of the embedded AWS in a separate process. It needs `surroundings()`."""
    return [sys.executable, "-m", module, *arguments]


def surroundings() -> dict[str, str]:
    # By default, glibc gives each thread an arena of 64 MB, and returns little of it: memory grows for hours.
    return {"MALLOC_ARENA_MAX": "2", **importable(PACKAGES)}


def _is_locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _arguments(pid: int) -> str:
    """The state and command line of a process."""
    command = ["ps", "-ww", "-o", "stat=,args=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _get_json(url: str, headers: Mapping[str, str] = MappingProxyType({})) -> Any:
    with urlopen(Request(url, headers=dict(headers)), timeout=10) as response:
        return json.load(response)

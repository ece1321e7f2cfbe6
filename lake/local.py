"""Start, stop and inspect the embedded AWS: a process of its own that outlives the command."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from lake.config import Lake, where
from lake.errors import BadInput, LakeError

START_SECONDS = 60
STOP_SECONDS = 30


@dataclass(frozen=True)
class LocalAws:
    """The embedded AWS of an environment that has an endpoint.

    Attributes:
        folder: everything it keeps: data, state, log, process id.
    """

    endpoint: str
    folder: Path

    @classmethod
    def of(cls, lake: Lake) -> LocalAws:
        """Raises BadInput where the environment is an AWS account."""
        if lake.environment.endpoint is None:
            field = where(lake, "environments", lake.env)
            raise BadInput(f"{field}: has no endpoint, so it is an AWS account. Choose one that has with LAKE_ENV")
        return cls(lake.environment.endpoint, lake.root / ".local" / lake.env)

    @property
    def port(self) -> int:
        return urlsplit(self.endpoint).port or 80

    @property
    def log(self) -> Path:
        return self.folder / "aws.log"

    def pid(self) -> int | None:
        """Its process id, or None when it does not run."""
        try:
            pid = int(self._pid_file.read_text())
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if _is_embedded_aws(pid) else None

    def start(self) -> bool:
        """Start it and wait until it answers. False if it ran already.

        Raises:
            BadInput: another program has the port.
            LakeError: it ended or did not answer in time; the message holds the end of its log.
        """
        if self.pid() is not None:
            return False
        self._need_free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        command = program("local_aws", "--port", str(self.port), "--folder", str(self.folder / "aws"))
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=surroundings(),
                start_new_session=True,
            )
        self._pid_file.write_text(str(process.pid))
        self._wait_until_ready(process)
        return True

    def stop(self) -> bool:
        """Stop it and wait until its state is written. False if it did not run."""
        pid = self.pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self.pid() is not None:
            if time.monotonic() > deadline:
                raise LakeError(f"the embedded AWS (process {pid}) did not stop within {STOP_SECONDS} s")
            time.sleep(0.1)
        self._pid_file.unlink(missing_ok=True)
        return True

    def store(self) -> dict[str, list[str]]:
        """Every key of every service it holds, by place.

        Raises:
            BadInput: it does not run, or does not answer.
        """
        try:
            listing: dict[str, list[str]] = _get_json(f"{self.endpoint}/_local/store")
        except OSError:
            raise BadInput(nothing_answers(self.endpoint)) from None
        return listing

    def answers(self) -> bool:
        """Whether it does, within some seconds: it may be stopped, or have its hands full."""
        try:
            _get_json(f"{self.endpoint}/_ministack/health")
        except OSError:
            return False
        return True

    @property
    def _pid_file(self) -> Path:
        return self.folder / "aws.pid"

    def _need_free_port(self) -> None:
        with socket.socket() as probe:
            # As the server itself binds: a connection of a run before that lingers is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                raise BadInput(
                    f"port {self.port} is taken by another program. Stop that, or change the port of the environment's "
                    f"endpoint in lake.yaml"
                ) from None

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise LakeError(f"the embedded AWS ended with {process.returncode}:\n{self.log_tail(15)}")
            if self.answers():
                return
            time.sleep(0.1)
        process.terminate()
        raise LakeError(f"the embedded AWS did not answer within {START_SECONDS} s:\n{self.log_tail(15)}")

    def log_tail(self, lines: int) -> str:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def nothing_answers(endpoint: str) -> str:
    return f"nothing answers at {endpoint}. `lake local start` starts it; if it runs, `lake local logs` may say why"


def need_listener(lake: Lake) -> None:
    """Raises BadInput at once where an environment has an endpoint and no program listens there."""
    endpoint = lake.environment.endpoint
    if endpoint is None:
        return
    place = urlsplit(endpoint)
    try:
        socket.create_connection((place.hostname, place.port or 80), timeout=1).close()
    except OSError:
        raise BadInput(f"{where(lake, 'environments', lake.env)}: {nothing_answers(endpoint)}") from None


def program(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of the embedded AWS in a process of its own; it needs `surroundings()`."""
    return [sys.executable, "-m", module, *arguments]


def surroundings() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def _is_embedded_aws(pid: int) -> bool:
    """A process id may have been given to another program since; ps tells on Linux and macOS."""
    shown = subprocess.run(["ps", "-o", "stat=,args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "local_aws" in shown.stdout and not shown.stdout.startswith("Z")


def _get_json(url: str) -> Any:
    with urlopen(url, timeout=10) as response:
        return json.load(response)

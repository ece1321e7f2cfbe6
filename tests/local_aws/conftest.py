"""A real embedded AWS for the test session, on a free port and in its own folder."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.embedded import at, client


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(found: Callable[[], Any], seconds: float = 60) -> Any:
    """Return what `found` returns, as soon as that is truthy."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


def started(port: int, folder: Path, *options: str, log_file: Path | None = None) -> subprocess.Popen[bytes]:
    """Start the embedded AWS and wait until it answers."""
    at(port, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = (log_file or folder.parent / f"{folder.name}.log").open("ab")
    command = [sys.executable, "-m", "local_aws", "--port", str(port), "--folder", str(folder), *options]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    for _ in range(300):
        assert process.poll() is None, Path(log.name).read_text()
        try:
            urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=1).close()
            return process
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the embedded AWS did not answer within 30 s; see {log.name}")


def stopped(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    process = started(port, tmp_path_factory.mktemp("embedded") / "aws")
    yield f"http://127.0.0.1:{port}"
    stopped(process)


@pytest.fixture(scope="session")
def aws(endpoint: str) -> Callable[[str], Any]:
    """A boto3 client of the embedded AWS: `aws("glue")`."""
    return lambda service: client(service, endpoint)

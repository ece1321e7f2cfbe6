"""An embedded AWS that is not there, is stopped, or goes away in the middle: one sentence, soon."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from lake.commands.base import Settings
from lake.errors import BadInput
from lake.failures import lost
from local_aws.credentials import own_keys
from tests.local_aws.conftest import free_port

COMMANDS = (["status"], ["up"], ["query", "SELECT 1"], ["local", "store"])


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    (tmp_path / "lake.yaml").write_text(
        f'project: lab\nenvironments: {{local: {{endpoint: "{endpoint}", region: us-east-1}}}}\n'
    )
    own_keys(tmp_path / ".local/local/aws")
    yield port


def lake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lake", "--file", str(folder / "lake.yaml"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_every_command_reports_an_unreachable_endpoint_at_once(tmp_path: Path, port: int) -> None:
    for arguments in COMMANDS:
        done = lake(tmp_path, *arguments)

        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert f"nothing answers at http://127.0.0.1:{port}. Start it with `lake local start`" in done.stderr


def test_a_call_to_an_unreachable_endpoint_fails_fast(tmp_path: Path, port: int) -> None:
    began = time.monotonic()
    with pytest.raises(BadInput, match="nothing answers"):
        Settings(tmp_path / "lake.yaml", None).aws()

    assert time.monotonic() - began < 2


def test_an_endpoint_that_does_not_answer_is_given_up(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.aws.FIRST_ANSWER_SECONDS", 1)
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(BadInput, match="accepts connections but did not answer within 1 s"),
    ):
        Settings(tmp_path / "lake.yaml", None).aws()


def test_a_lost_connection_is_one_sentence_however_nested_the_error_is() -> None:
    endpoint = "http://127.0.0.1:4566/bucket/key"
    wrapped = RuntimeError("upload failed")
    wrapped.__cause__ = EndpointConnectionError(endpoint_url=endpoint, error="refused")

    assert str(lost(wrapped)).startswith("http://127.0.0.1:4566 no longer answers, during this command.")
    assert "did not answer" in str(lost(ReadTimeoutError(endpoint_url=endpoint, error="timed out")))
    assert lost(ValueError("of another kind")) is None

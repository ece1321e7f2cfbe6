"""Contracts of the fixes, each checked twice: through the gateway, and on the emulator alone.

On the emulator they must fail. When one passes (XPASS, strict), the emulator has caught up, and the fix can go.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import urlopen

import pytest

from tests.embedded import client
from tests.local_aws.conftest import free_port

Aws = Callable[[str], Any]
UNMENDED = pytest.mark.xfail(strict=True, reason="the emulator alone does not; if it does now, drop the mend")


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "ministack.app:app", "--port", str(port)]
    off = {
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nowhere",
    }
    process = subprocess.Popen(command, env={**os.environ, **off, "GATEWAY_PORT": str(port)})
    for _ in range(100):
        try:
            urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(30)


@pytest.fixture(params=["endpoint", pytest.param("emulator", marks=UNMENDED)])
def side(request: pytest.FixtureRequest) -> Aws:
    endpoint = request.getfixturevalue(request.param)
    return lambda service: client(service, endpoint)


@pytest.fixture
def name() -> str:
    return f"mend_{uuid.uuid4().hex[:8]}"


def arn(kind: str, name: str) -> str:
    return f"arn:aws:glue:us-east-1:000000000000:{kind}/{name}"


def glue_job(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "Role": "r",
        "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k.py"},
        "Name": name,
        **fields,
    }


CREATED_WITH_TAGS = {
    "connection": (
        "create_connection",
        lambda name: {"ConnectionInput": {"Name": name, "ConnectionType": "NETWORK", "ConnectionProperties": {}}},
        lambda glue, name: glue.delete_connection(ConnectionName=name),
    ),
    "crawler": (
        "create_crawler",
        lambda name: {"Name": name, "Role": "", "Targets": {"S3Targets": [{"Path": "s3://b/"}]}},
        lambda glue, name: glue.delete_crawler(Name=name),
    ),
    "job": ("create_job", glue_job, lambda glue, name: glue.delete_job(JobName=name)),
    "dataQualityRuleset": (
        "create_data_quality_ruleset",
        lambda name: {"Name": name, "Ruleset": "Rules = [RowCount > 1]"},
        lambda glue, name: glue.delete_data_quality_ruleset(Name=name),
    ),
}

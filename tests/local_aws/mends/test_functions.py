"""A Lambda function calls this AWS as it would call AWS. The emulator alone checks no signature, so it is not asked."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from tests.embedded import at, client
from tests.local_aws.conftest import free_port, started, stopped

CODE = """\
import boto3

def handler(event, context):
    return boto3.client("sns").list_topics()["Topics"]
"""


def topics_seen_by_a_function(endpoint: str, name: str) -> list[dict[str, str]]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("main.py", CODE)
    client("lambda", endpoint).create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="main.handler",
        Timeout=60,
        Code={"ZipFile": archive.getvalue()},
    )
    answer = client("lambda", endpoint).invoke(FunctionName=name)
    seen: list[dict[str, str]] = json.loads(answer["Payload"].read())
    return seen


def test_a_function_is_let_in_with_the_keys_that_it_finds(endpoint: str, name: str) -> None:
    topic = client("sns", endpoint).create_topic(Name=name)["TopicArn"]

    assert {"TopicArn": topic} in topics_seen_by_a_function(endpoint, name)


def test_a_function_finds_this_aws_whatever_the_shell_that_started_it_points_to(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SNS"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-person")
    port = free_port()
    endpoint = at(port, tmp_path / "aws")
    process = started(port, tmp_path / "aws")
    try:
        assert topics_seen_by_a_function(endpoint, name) == []
    finally:
        stopped(process)

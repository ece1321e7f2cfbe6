"""A Lambda function calls this AWS as it would call AWS. The emulator alone checks no signature, so it is not asked."""

from __future__ import annotations

import io
import json
import zipfile

from tests.embedded import client

CODE = """\
import boto3

def handler(event, context):
    return boto3.client("sns").list_topics()["Topics"]
"""


def test_a_function_is_let_in_with_the_keys_that_it_finds(endpoint: str, name: str) -> None:
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
    topic = client("sns", endpoint).create_topic(Name=name)["TopicArn"]

    answer = client("lambda", endpoint).invoke(FunctionName=name)

    assert {"TopicArn": topic} in json.loads(answer["Payload"].read())

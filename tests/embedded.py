"""Access to the embedded AWSs that tests start. Each has its own keys."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from local_aws import context
from local_aws.credentials import Keys, read_keys

_FOLDERS: dict[str, Path] = {}
"""Endpoint -> the folder of an embedded AWS that was started here."""


def keys_of(endpoint: str) -> Keys:
    """The keys of an embedded AWS that was started here; any keys for the emulator alone, which accepts all."""
    return read_keys(_FOLDERS[endpoint] / "credentials") if endpoint in _FOLDERS else Keys("any", "any")


def client(service: str, endpoint: str, region: str = "us-east-1") -> Any:
    return context.client(service, endpoint, keys_of(endpoint), region)


def unchecked(service: str, endpoint: str) -> Any:
    """A client that sends what boto3 itself would refuse."""
    keys, config = keys_of(endpoint), Config(parameter_validation=False)
    session: Any = boto3.session.Session(keys.id, keys.secret, region_name="us-east-1")
    return session.client(service, endpoint_url=endpoint, config=config)


def lend_keys(endpoint: str, lake: Path) -> None:
    """Let the environment `local` of the lake in this folder use an embedded AWS that was started here."""
    place = lake / ".local/local/aws"
    place.mkdir(parents=True)
    shutil.copy(_FOLDERS[endpoint] / "credentials", place)


def store_of(endpoint: str) -> dict[str, list[str]]:
    """Everything that an embedded AWS stores, by service."""
    keys = keys_of(endpoint)
    request = AWSRequest("GET", f"{endpoint}/_local/store")
    SigV4Auth(Credentials(keys.id, keys.secret), "local", "local").add_auth(request)
    with urlopen(Request(f"{endpoint}/_local/store", headers=dict(request.headers)), timeout=10) as answer:
        store: dict[str, list[str]] = json.load(answer)
        return store


def at(port: int, folder: Path) -> str:
    """The endpoint for the embedded AWS that a test starts with this port and folder, so that clients find its keys."""
    _FOLDERS[f"http://127.0.0.1:{port}"] = folder
    return f"http://127.0.0.1:{port}"


def log_of(endpoint: str) -> str:
    """The log of an embedded AWS that was started here."""
    folder = _FOLDERS[endpoint]
    return (folder.parent / f"{folder.name}.log").read_text()

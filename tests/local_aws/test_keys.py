"""The keys that the embedded AWS accepts: its own, issued ones, and any with `--open`."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.credentials import FILE, Keys, NoKeys, own_keys
from tests.embedded import client, keys_of
from tests.local_aws.conftest import free_port, started, stopped
from tests.local_aws.strangers import sent, stranger


def test_keys_issued_by_iam_are_accepted_until_they_are_deleted(endpoint: str) -> None:
    iam = client("iam", endpoint)
    iam.create_user(UserName="ada")
    made = iam.create_access_key(UserName="ada")["AccessKey"]
    sts = stranger("sts", endpoint, Keys(made["AccessKeyId"], made["SecretAccessKey"]))
    assert sts.get_caller_identity()["Account"]

    named = {"UserName": "ada", "AccessKeyId": made["AccessKeyId"]}
    iam.update_access_key(**named, Status="Inactive")
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()
    iam.update_access_key(**named, Status="Active")
    assert sts.get_caller_identity()
    iam.delete_access_key(**named)
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()
    iam.delete_user(UserName="ada")


def _with_session(service: str, endpoint: str, handed: dict[str, Any], token: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=handed["AccessKeyId"],
        aws_secret_access_key=handed["SecretAccessKey"],
        aws_session_token=token,
    )


def test_an_sts_session_needs_its_token_and_survives_a_restart(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "aws"
    process, endpoint = started(port, folder), f"http://127.0.0.1:{port}"
    arn = client("iam", endpoint).create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    handed = client("sts", endpoint).assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    own = _with_session("sts", endpoint, handed, handed["SessionToken"])
    before = own.get_caller_identity()["Arn"]
    with pytest.raises(ClientError, match="ExpiredToken"):
        _with_session("sts", endpoint, handed, "another").get_caller_identity()
    keys = keys_of(endpoint)
    stopped(process)

    process = started(port, folder)
    after = own.get_caller_identity()["Account"]
    stopped(process)

    assert before.endswith("assumed-role/r/me")
    assert after == "000000000000"
    assert keys_of(endpoint) == keys


def test_open_accepts_any_keys_or_none_but_no_web_page(tmp_path: Path) -> None:
    port = free_port()
    process, endpoint = started(port, tmp_path / "aws", "--open"), f"http://127.0.0.1:{port}"
    stranger("s3", endpoint, Keys("any", "any")).create_bucket(Bucket="anybody")
    buckets = stranger("s3", endpoint, None).list_buckets()["Buckets"]
    refused = [
        sent(endpoint, "GET", "/", headers)[0]
        for headers in (
            {"Origin": "http://evil.example"},
            {"Host": f"evil.example:{port}"},
            {"Sec-Fetch-Site": "same-site"},
        )
    ]
    preflight = sent(endpoint, "OPTIONS", "/", {"Origin": endpoint})[0]
    stopped(process)
    assert [bucket["Name"] for bucket in buckets] == ["anybody"]
    assert [*refused, preflight] == [403] * 4
    assert "every program on this machine gets in" in (tmp_path / "aws.log").read_text()


def test_the_keys_are_created_once_and_readable_only_by_their_owner(tmp_path: Path) -> None:
    folder = tmp_path / "aws"
    folder.mkdir(mode=0o755)
    keys = own_keys(folder)
    assert own_keys(folder) == keys
    assert len({own_keys(tmp_path / name).secret for name in "abc"}) == 3
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert keys.secret not in repr(keys)


def test_a_file_without_keys_stops_the_start_with_advice(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("")
    with pytest.raises(NoKeys, match=r"credentials: holds no keys .* Delete it"):
        own_keys(tmp_path)
    command = [sys.executable, "-m", "local_aws", "--port", str(free_port()), "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].endswith("the next start makes new ones")

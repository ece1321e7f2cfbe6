"""The keys of the embedded AWS, as a person gets at them, and where they do not turn up."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.configuration.reading import load
from lake.embedded.credentials import keys_of
from tests.embedded import lend_keys
from tests.local_aws.conftest import free_port

ROOT = Path(__file__).parents[2]
LAKE = """
project: shop
environments:
  local: {{endpoint: "{endpoint}", region: eu-west-1}}
  dev: {{region: eu-west-1}}
"""
ASK = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"


def written(folder: Path, endpoint: str) -> Path:
    (folder / "lake.yaml").write_text(LAKE.format(endpoint=endpoint))
    return folder


def lake(folder: Path, *arguments: str, code: int = 0, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lake", "--file", str(folder / "lake.yaml"), *arguments]
    env = {**os.environ, **settings}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture
def shop(tmp_path: Path, endpoint: str) -> Path:
    lend_keys(endpoint, tmp_path)
    return written(tmp_path, endpoint)


def asked(folder: Path, script: str, **settings: str) -> str:
    """What AWS says in a shell after this script."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_PROFILE": "of-the-person"} | settings
    words = ["sh", "-euc", f'{script}\nexec "$0" -c "$1"', sys.executable, ASK]
    return subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout.strip()


def test_exported_keys_work_for_any_client(shop: Path) -> None:
    assert asked(shop, lake(shop, "local", "credentials", "--export").stdout) == "000000000000"


def test_a_profile_with_the_keys_works_for_any_client(shop: Path) -> None:
    (shop / "config").write_text(lake(shop, "local", "credentials", "--profile").stdout)
    assert asked(shop, "export AWS_PROFILE=shop-local", AWS_CONFIG_FILE=str(shop / "config")) == "000000000000"
    assert not (shop / ".aws").exists()


def test_keys_are_shown_with_their_endpoint(shop: Path, endpoint: str) -> None:
    keys = keys_of(load(shop / "lake.yaml"))
    shown = {"access_key_id": keys.id, "secret_access_key": keys.secret, "endpoint": endpoint, "region": "eu-west-1"}
    assert json.loads(lake(shop, "local", "credentials", "--json").stdout) == shown


def test_there_are_no_keys_before_the_first_start_and_none_for_an_account(tmp_path: Path) -> None:
    folder = written(tmp_path, "http://127.0.0.1:59")
    assert "`lake local start` makes them" in lake(folder, "local", "credentials", "--export", code=2).stderr
    assert "is an AWS account" in lake(folder, "local", "credentials", code=2, LAKE_ENV="dev").stderr


def test_the_embedded_aws_of_another_folder_is_detected(shop: Path, endpoint: str) -> None:
    file = shop / ".local/local/aws/credentials"
    file.write_text("[embedded]\naws_access_key_id = LOCALANOTHER\naws_secret_access_key = x\n")
    shown = lake(shop, "status", code=2).stderr
    assert f"the embedded AWS at {endpoint} does not accept the keys in {file}" in shown
    file.write_text("[embedded]\n")
    assert "has no keys" in lake(shop, "status", code=2).stderr


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A lake whose folders were readable for all, with the embedded AWS not started yet."""
    (tmp_path / ".local/local").mkdir(parents=True, mode=0o755)
    folder = written(tmp_path, f"http://127.0.0.1:{free_port()}")
    yield folder
    lake(folder, "local", "stop")


def test_a_start_makes_keys_only_for_this_user_and_open_warns(own: Path) -> None:
    started = lake(own, "local", "start").stdout
    keys, place = keys_of(load(own / "lake.yaml")), own / ".local/local"
    assert "Open" not in started + lake(own, "local", "status").stdout
    assert lake(own, "local", "store", "--json").returncode == 0
    lake(own, "local", "stop")
    opened = lake(own, "local", "start", "--open").stdout
    status = lake(own, "local", "status").stdout

    for shown in (opened, status):
        assert "Open: signatures are not checked: every program on this machine has access, with any keys" in shown
    assert keys_of(load(own / "lake.yaml")) == keys
    modes = [
        stat.S_IMODE(path.stat().st_mode) for path in (own / ".local", place, place / "aws", place / "aws/credentials")
    ]
    assert modes == [0o700, 0o700, 0o700, 0o600]
    others = [file for file in place.rglob("*") if file.is_file() and keys.secret.encode() in file.read_bytes()]
    assert others == [place / "aws/credentials"]

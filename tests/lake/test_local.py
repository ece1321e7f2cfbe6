"""One embedded AWS a folder, at the port that lake.yaml says."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake import __version__
from lake.aws import Aws
from lake.commands.base import Settings
from lake.configuration.reading import load
from lake.embedded.local import LocalAws, program, surroundings
from lake.errors import BadInput
from tests.local_aws.conftest import free_port, until


class Folder:
    """A lake's folder with a lake.yaml of one environment."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(exist_ok=True)
        self.say(free_port())

    def say(self, port: int) -> None:
        """Write the port into lake.yaml."""
        self.port = port
        environment = f'{{endpoint: "http://127.0.0.1:{port}", region: us-east-1}}'
        (self.root / "lake.yaml").write_text(f"project: shop\nenvironments: {{local: {environment}}}\n")

    @property
    def local(self) -> LocalAws:
        return LocalAws.of(load(self.root / "lake.yaml", "local"))

    @property
    def s3(self) -> Any:
        return Aws(load(self.root / "lake.yaml", "local")).s3

    def lake(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lake", "--file", str(self.root / "lake.yaml"), *words]
        return subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    folder = Folder(tmp_path_factory.mktemp("shop"))
    assert folder.local.start()
    try:
        folder.s3.create_bucket(Bucket="kept")
        yield folder
    finally:
        folder.local.stop()


def test_a_second_process_on_a_folder_names_the_first_and_exits(running: Folder) -> None:
    data = running.local.folder / "aws"
    command = program("local_aws", "--port", str(free_port()), "--folder", str(data))
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, timeout=60)
    has_it = f"{data} is in use by the embedded AWS of process {running.local.pid()} on port {running.port}, since "
    sentence = re.escape(has_it) + r"\d{4}-\d\d-\d\dT[\d:+-]+: stop that one first, or take another folder\n"
    assert done.returncode == 2
    assert re.fullmatch(sentence, done.stderr), done.stderr
    assert running.s3.head_bucket(Bucket="kept")


def test_every_command_reports_a_changed_port_until_a_stop(running: Folder) -> None:
    runs_on, pid = running.port, running.local.pid()
    running.say(free_port())
    sentence = (
        f"the embedded AWS of {running.local.folder} runs on port {runs_on} (process {pid}), but "
        f"lake.yaml has {running.port}. Stop it with `lake local stop`, then start it again"
    )
    for ask in (running.local.start, Settings(running.root / "lake.yaml", None).aws):
        with pytest.raises(BadInput) as shown:
            ask()
        assert str(shown.value) == sentence
    done = running.lake("local", "status")
    assert done.returncode == 2
    assert sentence in done.stderr.replace("\n", " ")
    assert running.local.stop()
    assert running.local.start()
    assert running.s3.head_bucket(Bucket="kept")


def test_a_copy_of_a_running_folder_is_a_separate_lake(running: Folder, tmp_path: Path) -> None:
    shutil.copytree(running.root, tmp_path / "copy")
    copy = Folder(tmp_path / "copy")
    assert copy.local.pid() is None
    assert copy.local.start()
    copy.s3.delete_bucket(Bucket="kept")
    assert running.s3.head_bucket(Bucket="kept")
    assert copy.local.stop()


@pytest.fixture
def moving(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path / "here")
    folder.local.start()
    yield folder
    folder.local.stop()


def test_a_folder_that_was_moved_while_running_refuses_changes_until_a_restart(moving: Folder, tmp_path: Path) -> None:
    folder = moving
    before = folder.local.folder / "aws"
    s3 = folder.s3
    s3.create_bucket(Bucket="kept")
    folder.root = folder.root.rename(tmp_path / "there")
    with pytest.raises(ClientError, match=f"{before} was moved or deleted while its embedded AWS runs"):
        s3.put_object(Bucket="kept", Key="lost", Body=b"1")
    with pytest.raises(BadInput, match=f"was started when its folder was {before}, and can no longer save anything"):
        folder.local.start()
    assert folder.local.stop()
    assert folder.local.start()
    assert s3.head_bucket(Bucket="kept")


@pytest.fixture
def of_another_version(tmp_path: Path) -> Iterator[Folder]:
    """One that lake 0.0.9 has started, and that runs."""
    folder = Folder(tmp_path / "shop")
    data = folder.local.folder / "aws"
    data.mkdir(parents=True)
    command = program("local_aws", "--port", str(folder.port), "--folder", str(data), "--version", "0.0.9")
    process = subprocess.Popen(command, env=surroundings(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(folder.local.answers)
        yield folder
    finally:
        process.terminate()
        process.wait()
        folder.local.stop()


def test_every_command_reports_an_embedded_aws_of_another_version_until_a_restart(
    of_another_version: Folder,
) -> None:
    folder = of_another_version
    shown = f"(process {folder.local.pid()}) was started by lake 0.0.9, but this is lake {__version__}. "
    way_out = "Stop it with `lake local stop`, then start it again. It keeps its data"
    for command in (["status"], ["local", "start"], ["local", "status"]):
        done = folder.lake(*command)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert shown + way_out in done.stderr
    seen = folder.local.folder / "aws/process.json"
    before_versions_were_told = {key: value for key, value in json.loads(seen.read_text()).items() if key != "version"}
    seen.write_text(json.dumps(before_versions_were_told))
    assert "was started by an older lake, but this is lake" in folder.lake("status").stderr
    seen.write_text(json.dumps(before_versions_were_told | {"version": "9.0", "mood": "good"}))
    assert "was started by lake 9.0, but this is lake" in folder.lake("status").stderr

    assert folder.lake("local", "stop").returncode == 0
    assert folder.lake("local", "start").returncode == 0
    assert folder.lake("status").returncode == 0


def test_two_concurrent_starts_start_one_process(running: Folder) -> None:
    running.local.stop()
    with ThreadPoolExecutor(2) as pool:
        starts = [pool.submit(running.local.start) for _ in range(2)]
    assert sorted(start.result() for start in starts) == [False, True]
    assert running.s3.head_bucket(Bucket="kept")


def test_a_killed_process_can_be_restarted_at_once(running: Folder) -> None:
    pid = running.local.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: running.local.pid() is None)
    assert running.local.start()
    assert running.s3.head_bucket(Bucket="kept")


@pytest.fixture
def enforcing(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path / "shop")
    yield folder
    folder.local.stop()


def test_enforcement_is_kept_over_stops_until_it_is_turned_off(enforcing: Folder) -> None:
    def started(*options: str) -> str:
        done = enforcing.lake("local", "start", *options)
        enforcing.lake("local", "stop")
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "IAM" not in started()
    assert re.search(r"process \d+\. IAM is enforced\n$", started("--enforce-iam"))
    assert "IAM is enforced, as at the last start: --no-enforce-iam turns it off\n" in started()
    assert enforcing.lake("local", "start", "--open").stderr.endswith(
        "--open: nobody knows who calls then, but IAM is enforced. Add --no-enforce-iam\n"
    )
    assert "IAM" not in started("--no-enforce-iam")
    assert "IAM" not in started()


@pytest.mark.parametrize(("runs", "asked", "how"), [(True, False, "with"), (False, True, "without")])
def test_an_embedded_aws_that_runs_is_not_taken_for_one_with_other_options(
    enforcing: Folder, runs: bool, asked: bool, how: str
) -> None:
    enforcing.local.start(enforces_iam=runs)
    with pytest.raises(BadInput, match=f"runs {how} --enforce-iam: `lake local stop` ends it"):
        enforcing.local.start(enforces_iam=asked)
    assert not enforcing.local.start()
    assert enforcing.local.enforces_iam() is runs

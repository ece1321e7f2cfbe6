"""The server as a whole: where it listens, what it keeps, and that the AWS CLI works with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.protocol import Call, Handlers, stacked
from tests.embedded import client, keys_of, store_of
from tests.local_aws.conftest import free_port, started, stopped

LISTENING = "0A"
AWS = shutil.which("aws", path=str(Path(sys.executable).parent)) or shutil.which("aws")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path, subprocess.Popen[bytes]]]:
    """A server for this module: its port, folder and process."""
    port, folder = free_port(), tmp_path_factory.mktemp("server") / "aws"
    process = started(port, folder)
    yield port, folder, process
    stopped(process)


def _listeners(pid: int) -> set[str]:
    """Return where a process listens, by TCP or UDP: `0100007F:1A0A` is port 6666 of 127.0.0.1."""
    ends = (fd.readlink().name for fd in Path(f"/proc/{pid}/fd").iterdir())
    inodes = {end.removeprefix("socket:[").rstrip("]") for end in ends if end.startswith("socket:")}
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and (fields[3] == LISTENING or table.startswith("udp")):
                found.add(fields[1])
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_listens_on_one_loopback_port_and_nowhere_else(
    own: tuple[int, Path, subprocess.Popen[bytes]],
) -> None:
    port, _, process = own
    for service, call in (("s3", "list_buckets"), ("glue", "get_jobs"), ("kinesis", "list_streams")):
        getattr(client(service, f"http://127.0.0.1:{port}"), call)()
    assert _listeners(process.pid) == {f"0100007F:{port:04X}"}


def test_an_occupied_port_is_reported_and_the_folder_is_unchanged(
    own: tuple[int, Path, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "local_aws", "--port", str(own[0]), "--folder", str(tmp_path / "aws")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == f"port {own[0]} of 127.0.0.1 is not available: address already in use"
    assert (tmp_path / "aws/process.json").read_text() == ""


@pytest.mark.parametrize(
    ("keys", "options", "reason"),
    [
        ("[nobody]\n", (), "credentials"),
        ("", ("--jobs-as", "nobody-of-this-name"), "nobody-of-this-name"),
    ],
)
def test_a_refused_start_leaves_the_folder_unchanged(
    tmp_path: Path, keys: str, options: tuple[str, ...], reason: str
) -> None:
    if keys:
        (tmp_path / "credentials").write_text(keys)
    command = [sys.executable, "-m", "local_aws", "--port", str(free_port()), "--folder", str(tmp_path), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert reason in done.stderr
    assert (tmp_path / "process.json").read_text() == ""


def test_it_stops_cleanly_after_repeated_signals(tmp_path: Path) -> None:
    process = started(free_port(), tmp_path / "aws")
    while process.poll() is None:
        process.terminate()
        time.sleep(0.02)
    assert (tmp_path / "aws/process.json").read_text() == ""


def _with_a_bit_of_everything(endpoint: str) -> None:
    client("s3", endpoint).create_bucket(Bucket="kept")
    client("s3", endpoint).put_object(Bucket="kept", Key="a/b.txt", Body=b"text")
    client("glue", endpoint).create_database(DatabaseInput={"Name": "kept_db"})
    client("glue", endpoint).create_data_quality_ruleset(Name="kept_rules", Ruleset="Rules = [RowCount > 1]")


def test_resources_and_objects_survive_a_stop_and_a_start(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "aws"
    endpoint = f"http://127.0.0.1:{port}"
    process = started(port, folder)
    _with_a_bit_of_everything(endpoint)
    stopped(process)
    process = started(port, folder)
    body = client("s3", endpoint).get_object(Bucket="kept", Key="a/b.txt")["Body"].read()
    databases = client("glue", endpoint).get_databases()["DatabaseList"]
    ruleset = client("glue", endpoint).get_data_quality_ruleset(Name="kept_rules")
    stopped(process)
    assert (body, [database["Name"] for database in databases]) == (b"text", ["kept_db"])
    assert ruleset["Ruleset"] == "Rules = [RowCount > 1]"


def test_the_store_lists_resources_until_they_are_deleted(tmp_path: Path) -> None:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    process = started(port, tmp_path / "aws")
    before = store_of(endpoint)
    _with_a_bit_of_everything(endpoint)
    full = store_of(endpoint)
    client("s3", endpoint).delete_object(Bucket="kept", Key="a/b.txt")
    client("s3", endpoint).delete_bucket(Bucket="kept")
    client("glue", endpoint).delete_database(Name="kept_db")
    client("glue", endpoint).delete_data_quality_ruleset(Name="kept_rules")
    after = store_of(endpoint)
    stopped(process)
    listed = json.dumps(full)
    assert all(name in listed for name in ("kept", "a/b.txt", "kept_db", "kept_rules"))
    # The emulator creates Athena's two defaults when its state is first accessed.
    assert "kept" not in json.dumps(after)
    assert {place for place in after if not place.startswith("athena/")} <= set(before)


def _call(payload: dict[str, Any]) -> Call:
    return Call("glue", "GetJob", payload, "us-east-1", lambda sent: {"emulator": sent})


def test_a_later_engine_wraps_earlier_ones() -> None:
    inner: Handlers = {("glue", "GetJob"): lambda call: {"inner": call.forward({**call.payload, "by": "inner"})}}
    outer: Handlers = {("glue", "GetJob"): lambda call: {"outer": call.forward_unchanged()}}
    answer = stacked(inner, outer)["glue", "GetJob"](_call({"a": 1}))
    assert answer == {"outer": {"inner": {"emulator": {"a": 1, "by": "inner"}}}}


def test_an_engine_answers_with_the_refusal_of_its_own_call(
    own: tuple[int, Path, subprocess.Popen[bytes]],
) -> None:
    glue = client("glue", f"http://127.0.0.1:{own[0]}")
    with pytest.raises(ClientError) as refused:
        glue.start_job_run(JobName="none")
    assert refused.value.response["Error"]["Code"] == "EntityNotFoundException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.fixture
def cli(own: tuple[int, Path, subprocess.Popen[bytes]], tmp_path: Path) -> Callable[..., Any]:
    """The AWS CLI against this server; returns its output, parsed if it is JSON."""
    if AWS is None:
        pytest.skip("the AWS command line is not installed")
    own_keys = keys_of(f"http://127.0.0.1:{own[0]}")
    keys = {"AWS_ACCESS_KEY_ID": own_keys.id, "AWS_SECRET_ACCESS_KEY": own_keys.secret}
    keys |= {"AWS_DEFAULT_REGION": "us-east-1"}
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_PAGER": "", **keys}

    def run(*words: str) -> Any:
        command = [AWS, "--endpoint-url", f"http://127.0.0.1:{own[0]}", *words]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout

    return run


def test_the_aws_command_line_copies_to_s3_and_lists_it(cli: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text("a,b\n1,2\n")
    cli("s3", "mb", "s3://by-cli")
    cli("s3", "cp", str(tmp_path / "some.csv"), "s3://by-cli/in/some.csv")
    assert "in/some.csv" in cli("s3", "ls", "--recursive", "s3://by-cli")


def test_the_aws_command_line_makes_and_shows_a_glue_job(cli: Callable[..., Any]) -> None:
    command = "Name=pythonshell,ScriptLocation=s3://b/k.py"
    cli(
        "glue",
        "create-job",
        "--name",
        "by-cli",
        "--role",
        "r",
        "--command",
        command,
        "--execution-class",
        "FLEX",
    )
    assert cli("glue", "get-job", "--job-name", "by-cli")["Job"]["ExecutionClass"] == "FLEX"


def test_the_aws_command_line_makes_and_shows_a_workgroup(cli: Callable[..., Any]) -> None:
    cli("athena", "create-work-group", "--name", "by-cli")
    shown = cli("athena", "get-work-group", "--work-group", "by-cli")["WorkGroup"]
    assert shown["Configuration"]["EnforceWorkGroupConfiguration"] is True


def test_the_aws_command_line_puts_a_record_and_reads_it_back(cli: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "record").write_text("hello")
    cli("kinesis", "create-stream", "--stream-name", "by-cli", "--shard-count", "1")
    record = ("--partition-key", "k", "--data", f"fileb://{tmp_path}/record")
    shard = cli("kinesis", "put-record", "--stream-name", "by-cli", *record)["ShardId"]
    start = ("--shard-id", shard, "--shard-iterator-type", "TRIM_HORIZON")
    iterator = cli("kinesis", "get-shard-iterator", "--stream-name", "by-cli", *start)["ShardIterator"]
    (read,) = cli("kinesis", "get-records", "--shard-iterator", iterator)["Records"]
    assert read["Data"] == "aGVsbG8="


def test_a_deleted_bucket_leaves_no_copy_on_the_disk(own: tuple[int, Path, subprocess.Popen[bytes]]) -> None:
    port, folder, _ = own
    s3, glue = (client(service, f"http://127.0.0.1:{port}") for service in ("s3", "glue"))
    s3.create_bucket(Bucket="copied")
    s3.put_object(Bucket="copied", Key="t/a.json", Body=b'{"a": 1}\n')
    glue.create_database(DatabaseInput={"Name": "copies"})
    glue.create_crawler(
        Name="copies", Role="r", DatabaseName="copies", Targets={"S3Targets": [{"Path": "s3://copied/t"}]}
    )
    glue.start_crawler(Name="copies")
    while glue.get_crawler(Name="copies")["Crawler"]["State"] != "READY":
        time.sleep(0.1)
    assert (folder / "mirror" / "copied" / "t" / "a.json").exists()

    s3.delete_object(Bucket="copied", Key="t/a.json")
    s3.delete_bucket(Bucket="copied")

    assert not (folder / "mirror" / "copied").exists()

"""Every command says what is wrong in one sentence, and ends with 1 or 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import pytest
from botocore import exceptions as aws

from lake import cli
from lake.commands.base import Settings
from lake.failures import sentence

ROOT = Path(__file__).parents[2]
LAB = 'project: lab\nenvironments: {local: {endpoint: "http://127.0.0.1:4599", region: us-east-1}}\n'


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    """Runs `lake` in a folder with a lake: (exit code, stdout, stderr)."""
    (tmp_path / "lake.yaml").write_text(LAB)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAKE_ENV", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lake", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return run


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["chek"], "No such command 'chek'. Did you mean 'check'? See `lake --help`"),
        (["put"], "Missing argument 'dataset'. See `lake put --help`"),
        (["crawl", "--sampl", "3"], "No such option: --sampl. Did you mean --sample? See `lake crawl --help`"),
        (["send", "a", "b", "--rate", "x"], "Invalid value for '--rate': should be a valid number. See `lake send"),
        (["send", "a", "b", "--rate", "0"], "Invalid value for '--rate': should be greater than or equal to 0.1. See"),
        (["check", "more"], "Got unexpected extra argument(s) (more). See `lake check --help`"),
        (["--env", "locl", "check"], "LAKE_ENV: there is no environment 'locl'. Allowed: local. Did you mean 'local'?"),
        (["--file", ".", "check"], "is a folder. Name the file in it"),
        (["run"], "name a job, or a workflow with --workflow"),
    ],
)
def test_an_invalid_command_line_is_reported_in_one_sentence(ran: object, arguments: list[str], expected: str) -> None:
    code, out, err = ran(*arguments)  # type: ignore[operator]
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert expected in err


def test_check_uses_singular_and_plural(ran: object) -> None:
    code, out, _ = ran("check")  # type: ignore[operator]
    assert code == 0
    assert "1 environment, 0 connections" in out


def test_check_lists_problems_as_json(ran: object, tmp_path: Path) -> None:
    (tmp_path / "lake.yaml").write_text(LAB + "datasets:\n  a: {format: cvs}\n  b: 3\n")
    code, out, err = ran("check", "--json")  # type: ignore[operator]
    problems = json.loads(out)["problems"]
    assert (code, err) == (2, "")
    assert [(each["file"], each["line"], each["field"]) for each in problems] == [
        ("lake.yaml", 4, "datasets.a.format"),
        ("lake.yaml", 5, "datasets.b"),
    ]
    assert problems[0]["message"].endswith("Did you mean 'csv'?")


def test_an_unexpected_error_is_one_sentence_with_the_traceback_in_a_file(
    ran: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Settings) -> None:
        raise ZeroDivisionError("by chance")

    (tmp_path / ".local").mkdir()
    monkeypatch.setattr(Settings, "lake", broken)
    code, _, err = ran("check")  # type: ignore[operator]
    log = tmp_path / ".local" / "errors.log"
    assert (code, err.count("\n")) == (1, 1)
    assert str(log) in err
    assert "by chance" not in err
    assert "ZeroDivisionError: by chance" in log.read_text()

    monkeypatch.setenv("LAKE_DEBUG", "1")
    assert "ZeroDivisionError: by chance" in ran("check")[2]  # type: ignore[operator]


def test_a_closed_pipe_is_not_an_error() -> None:
    command = f"{sys.executable} -m lake --help | head -n 1"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            aws.ClientError({"Error": {"Code": "AccessDenied", "Message": "not you."}}, "PutObject"),
            "AWS says: AccessDenied: not you (PutObject). Ask for that permission",
        ),
        (
            aws.ClientError(
                {"Error": {"Code": "KMS.KMSInvalidStateException", "Message": "1 is pending deletion"}}, "Put"
            ),
            "1 is pending deletion (Put). `aws kms cancel-key-deletion` and `aws kms enable-key` bring",
        ),
        (
            aws.ClientError({"Error": {"Code": "400", "Message": "Bad Request"}}, "HeadBucket"),
            "400: Bad Request (HeadBucket). S3 gives no more of a reason to such a call: most often, the login",
        ),
        (
            aws.ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket"),
            "403: Forbidden (HeadBucket). Ask for that permission",
        ),
        (aws.ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject"), "AWS says: NoSuchKey: no reason given"),
        (aws.NoCredentialsError(), "there are no AWS credentials. Log in"),
        (aws.UnauthorizedSSOTokenError(), "the SSO login has expired. Log in"),
        (aws.ProfileNotFound(profile="x"), "the profile that AWS_PROFILE names is not"),
        (
            aws.EndpointConnectionError(endpoint_url="http://127.0.0.1:9"),
            "http://127.0.0.1:9 no longer answers, during this command. See `lake local status`",
        ),
        (aws.ReadTimeoutError(endpoint_url="http://127.0.0.1:9"), "http://127.0.0.1:9 did not answer"),
        (
            aws.ParamValidationError(report="Invalid length for parameter QueryString, value: 0"),
            "value for QueryString.",
        ),
        (aws.WaiterError("a", "it went", {"Error": {"Code": "Gone", "Message": "it went"}}), "AWS says: Gone: it went"),
        (PermissionError(13, "Permission denied", "/data"), "/data: permission denied. Check its owner"),
        (OSError(28, "No space left on device", "/data"), "/data: no space left on device. Make room"),
        (
            ConnectionRefusedError(111, "Connection refused"),
            "the embedded AWS does not answer. See `lake local status`",
        ),
        (URLError(ConnectionRefusedError(111, "refused")), "the embedded AWS does not answer. See `lake local status`"),
        (IsADirectoryError(21, "Is a directory", "/data"), "/data: is a directory"),
    ],
)
def test_errors_of_aws_and_the_disk_are_one_sentence(error: Exception, expected: str) -> None:
    shown = sentence(error)
    assert expected in shown
    assert "\n" not in shown
    assert type(error).__name__ not in shown

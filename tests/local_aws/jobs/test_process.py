"""The process of a run: its timeout, and the line that says why it failed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local_aws.jobs import process


def test_a_process_is_killed_at_its_timeout(tmp_path: Path) -> None:
    ticks: list[int] = []
    child = process.spawn([sys.executable, "-c", "import time; time.sleep(60)"], {}, tmp_path)
    assert not process.wait(child, 1.5, lambda: ticks.append(1))
    assert child.returncode == -9
    assert ticks


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        ("Traceback:\n  File x\nKeyError: 'a'\n", "KeyError: 'a' (exit code 1)"),
        (
            "a.b.AnalysisException: [X] no table;\n'Plan\n+- 'Y\n\n",
            "a.b.AnalysisException: [X] no table; (exit code 1)",
        ),
        (
            "py4j.Py4JJavaError: An error occurred\n: o.SparkException: aborted\n\tat a.b\n"
            "Caused by: x.IOException: full\n\t... 1 more\n",
            "x.IOException: full (exit code 1)",
        ),
        (
            "2026-11-23T08:40:23 ERROR Utils: Aborting task\nx.FSError: x.IOException: full\n\tat a.b\n"
            "Caused by: x.IOException: full\n\t... 1 more\nwhile writing s3://b/t/: full\n"
            "2026-11-23T08:40:24 WARN Utils: late\n",
            "while writing s3://b/t/: full (exit code 1)",
        ),
        ("usage: script\nscript: error: --a is missing\n", "script: error: --a is missing (exit code 1)"),
        ("", "the script ended with an error (exit code 1)"),
    ],
)
def test_the_last_line_with_the_cause_is_the_message(stderr: str, message: str) -> None:
    assert process.failure(1, stderr) == message


def test_without_java_a_spark_job_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(process.JobError, match="JDK 17"):
        process.require_java()

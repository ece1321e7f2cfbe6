"""Job runs of any kind: their states, limits, logs and environment."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded import client
from tests.local_aws.conftest import free_port, started, stopped, until
from tests.local_aws.jobs.conftest import Lab, ended

FOREVER = "import os, time\nprint(os.getpid())\ntime.sleep(600)\n"


def _is_alive(pid: int) -> bool:
    """Whether a process is alive. A zombie is dead: in a container nothing may reap it."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def _pid(lab: Any, job: str, run_id: str) -> int:
    """Return the process of a run that prints its pid first."""
    return int(until(lambda: lab.printed(job, run_id))[0])


NAMED = {
    "HOME",
    "JAVA_HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "LOG4J_CONFIGURATION_FILE",
    "PATH",
    "TMPDIR",
    "TZ",
}


def test_a_job_has_none_of_the_users_variables_and_its_own_home(lab: Any) -> None:
    """LC_CTYPE is set by Python itself if no language is set."""
    run = lab.run(
        """
        import os, pathlib
        print(" ".join(os.environ))
        print([*pathlib.Path.home().iterdir()], pathlib.Path.home())
        """
    )
    names, home = lab.lines(run, "output")
    own = {name for name in names.split() if not name.startswith(("AWS_", "PYTHON", "PYSPARK_", "SPARK_"))}
    assert own <= NAMED
    assert home.startswith("[] ")
    assert run["Id"] in home


def test_a_shell_job_uses_this_aws_and_nothing_of_the_callers_environment(lab: Any) -> None:
    run = lab.run(
        f"""
        import boto3, os
        boto3.client("s3").put_object(Bucket="{lab.bucket}", Key="made", Body=os.environ["AWS_ACCESS_KEY_ID"])
        print(sorted(name for name in os.environ if name.startswith("AWS_")))
        """
    )
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert lab.aws("s3").get_object(Bucket=lab.bucket, Key="made")["Body"].read().startswith(b"LOCAL")
    assert "AWS_PROFILE" not in lab.lines(run, "output")[0]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise SystemExit(3)", "the script ended with an error (exit code 3)"),
        ("raise ValueError('no such column')", "ValueError: no such column (exit code 1)"),
        ("import os; os.kill(os.getpid(), 9)", "the process was killed by signal 9 (SIGKILL)"),
    ],
)
def test_a_failing_script_is_a_failed_run_with_its_message(lab: Any, script: str, message: str) -> None:
    run = lab.run(script)
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", message)


def test_a_missing_script_fails_the_run_and_is_named(lab: Any) -> None:
    missing = {"Name": "glueetl", "ScriptLocation": f"s3://{lab.bucket}/code/none.py"}
    run = lab.run("", Command=missing)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].startswith(f"FileNotFound: s3://{lab.bucket}/code/none.py")


def test_a_stopped_run_is_stopped_with_its_process(lab: Any) -> None:
    job = lab.job(FOREVER)
    run_id = lab.start(job)
    pid = _pid(lab, job, run_id)
    answer = lab.glue.batch_stop_job_run(JobName=job, JobRunIds=[run_id, "jr_none"])
    assert [entry["JobRunId"] for entry in answer["SuccessfulSubmissions"]] == [run_id]
    assert [entry["ErrorDetail"]["ErrorCode"] for entry in answer["Errors"]] == ["EntityNotFoundException"]
    assert ended(lab.glue, job, run_id)["JobRunState"] == "STOPPED"
    assert not _is_alive(pid)


def test_no_more_runs_at_once_than_the_job_allows(lab: Any) -> None:
    job = lab.job(FOREVER, ExecutionProperty={"MaxConcurrentRuns": 1})
    run_id = lab.start(job)
    with pytest.raises(lab.glue.exceptions.ConcurrentRunsExceededException, match="MaxConcurrentRuns is 1"):
        lab.start(job)
    lab.glue.batch_stop_job_run(JobName=job, JobRunIds=[run_id])
    ended(lab.glue, job, run_id)
    lab.glue.batch_stop_job_run(JobName=job, JobRunIds=[lab.start(job)])


def test_a_failed_run_is_retried_as_often_as_the_job_says(lab: Any) -> None:
    job = lab.job("raise SystemExit(1)", MaxRetries=1)
    first = lab.start(job)
    again = ended(lab.glue, job, until(lambda: _ids(lab, job) - {first}).pop())
    assert (again["Attempt"], again["PreviousRunId"], again["JobRunState"]) == (1, first, "FAILED")
    assert _ids(lab, job) == {first, f"{first}_attempt_1"}


def _ids(lab: Any, job: str) -> set[str]:
    return {run["Id"] for run in lab.glue.get_job_runs(JobName=job)["JobRuns"]}


def test_run_arguments_override_the_jobs_but_not_the_fixed_ones(lab: Any) -> None:
    job = lab.job(
        "import sys; print(sys.argv[-6:])",
        DefaultArguments={"--a": "job", "--b": "job"},
        NonOverridableArguments={"--c": "fixed"},
    )
    run = ended(lab.glue, job, lab.start(job, Arguments={"--b": "run", "--c": "run"}))
    assert lab.lines(run, "output") == [str(["--a", "job", "--b", "run", "--c", "fixed"])]


def test_output_and_errors_go_to_the_log_groups_the_job_names(lab: Any) -> None:
    arguments = {"--custom-logGroup-prefix": f"/{lab.bucket}"}
    run = lab.run("import sys\nprint('out')\nprint('bad', file=sys.stderr)", DefaultArguments=arguments)
    assert run["LogGroupName"] == f"/{lab.bucket}"
    assert (lab.lines(run, "output"), lab.lines(run, "error")) == (["out"], ["bad"])


def test_a_run_whose_log_group_is_deleted_goes_on_and_makes_it_again(lab: Any) -> None:
    script = f"""
    import boto3, time
    print("before", flush=True)
    while not boto3.client("s3").list_objects_v2(Bucket="{lab.bucket}", Prefix="go")["KeyCount"]:
        time.sleep(0.1)
    print("after")
    """
    job = lab.job(script, DefaultArguments={"--custom-logGroup-prefix": f"/{lab.bucket}"}, MaxRetries=1)
    run_id = lab.start(job)
    until(lambda: lab.printed(job, run_id) == ["before"])
    lab.aws("logs").delete_log_group(logGroupName=f"/{lab.bucket}/output")
    lab.put("go", b"")
    run = ended(lab.glue, job, run_id)

    assert run["JobRunState"] == "SUCCEEDED", run
    assert lab.lines(run, "output") == ["after"]
    assert _ids(lab, job) == {run_id}


def test_a_run_that_is_stopped_before_its_script_is_missed_is_stopped(lab: Any) -> None:
    large = lab.put("large.zip", b"x" * 100_000_000)
    job = lab.job("", DefaultArguments={"--extra-py-files": large}, MaxRetries=1)
    lab.aws("s3").delete_object(Bucket=lab.bucket, Key=f"code/{job}.py")
    run_id = lab.start(job)
    [stopped_run] = lab.glue.batch_stop_job_run(JobName=job, JobRunIds=[run_id])["SuccessfulSubmissions"]

    assert stopped_run["JobRunId"] == run_id
    assert ended(lab.glue, job, run_id)["JobRunState"] == "STOPPED"
    assert _ids(lab, job) == {run_id}


def test_a_security_configuration_moves_the_logs_as_it_does_on_glue(lab: Any) -> None:
    run = lab.run("print('out')", SecurityConfiguration="safe", Role="arn:aws:iam::000000000000:role/etl")
    assert run["LogGroupName"] == "/aws-glue/python-jobs/safe-role/etl"
    assert lab.lines(run, "output") == ["out"]


def test_a_run_reports_its_duration_and_capacity(lab: Any) -> None:
    run = lab.run("import time; time.sleep(1.2)", WorkerType="G.2X", NumberOfWorkers=4, Timeout=5)
    assert (run["WorkerType"], run["NumberOfWorkers"], run["Timeout"]) == ("G.2X", 4, 5)
    assert 1 <= run["ExecutionTime"] <= 10
    assert run["CompletedOn"] > run["StartedOn"]


def test_runs_are_listed_newest_first_in_pages(lab: Any) -> None:
    job = lab.job("print()", ExecutionProperty={"MaxConcurrentRuns": 3})
    older, newer = lab.start(job), lab.start(job)
    page = lab.glue.get_job_runs(JobName=job, MaxResults=1)
    assert [run["Id"] for run in page["JobRuns"]] == [newer]
    lab.start(job)
    page = lab.glue.get_job_runs(JobName=job, MaxResults=1, NextToken=page["NextToken"])
    assert [run["Id"] for run in page["JobRuns"]] == [older]
    assert "NextToken" not in page


def test_deleting_a_job_deletes_its_runs(lab: Any) -> None:
    job = lab.job(FOREVER)
    run_id = lab.start(job)
    pid = _pid(lab, job, run_id)
    lab.glue.delete_job(JobName=job)
    until(lambda: not _is_alive(pid))
    assert _ids(lab, job) == set()


def test_unknown_jobs_and_runs_are_not_found(lab: Any) -> None:
    with pytest.raises(ClientError, match=r"EntityNotFoundException.*none"):
        lab.start("none")
    with pytest.raises(lab.glue.exceptions.EntityNotFoundException, match="jr_none"):
        lab.glue.get_job_run(JobName=lab.job(""), RunId="jr_none")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_dies_with_the_embedded_aws_and_is_failed_afterwards(tmp_path: Path, end: signal.Signals) -> None:
    port, folder = free_port(), tmp_path / "aws"
    server = started(port, folder)
    lab = Lab(lambda service: client(service, f"http://127.0.0.1:{port}"), "lab")
    lab.aws("s3").create_bucket(Bucket="lab")
    job = lab.job(FOREVER)
    run_id = lab.start(job)
    pid = _pid(lab, job, run_id)
    os.kill(server.pid, end)
    server.wait(30)
    until(lambda: not _is_alive(pid))
    server = started(port, folder)
    run = lab.glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]
    stopped(server)
    assert (run["JobRunState"], run["ErrorMessage"]) == (
        "FAILED",
        "the embedded AWS ended while this run was going on; start it again",
    )


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        ("boto3, no-such-package==1.2", "no-such-package==1.2: it is not installed here"),
        ("boto3>=1,boto3==0.1", "boto3==0.1: its version here is 1."),
        ("s3://bucket/own-1.0-py3-none-any.whl", "s3://bucket/own-1.0-py3-none-any.whl: it is not installed here"),
    ],
)
def test_a_missing_python_module_fails_the_run(lab: Any, modules: str, told: str) -> None:
    run = lab.run("", DefaultArguments={"--additional-python-modules": modules})

    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"].startswith(f"--additional-python-modules: {told}")
    assert "the embedded AWS installs no packages. Install it beside the project: pip install" in run["ErrorMessage"]


def test_installed_python_modules_can_be_used(lab: Any) -> None:
    modules = {"--additional-python-modules": "boto3>=1.20,duckdb"}
    assert lab.run("import boto3, duckdb", DefaultArguments=modules)["JobRunState"] == "SUCCEEDED"


def test_shell_jobs_share_log_groups_of_their_own(lab: Any) -> None:
    run = lab.run("print('tidy')")

    assert run["LogGroupName"] == "/aws-glue/python-jobs"
    assert lab.lines(run, "output") == ["tidy"]

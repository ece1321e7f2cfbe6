"""The embedded AWS is killed (SIGKILL) while jobs, workflows and queries run, and started again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.embedded import client
from tests.local_aws.conftest import free_port, started, stopped, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

WITH_A_CHILD = """
    import subprocess, sys, time
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    print("ready", flush=True)
    time.sleep(600)
"""
HALF_WRITTEN = """
    import time
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.getOrCreate()
    path = spark._jvm.org.apache.hadoop.fs.Path("s3://lake/numbers/a.csv")
    file = path.getFileSystem(spark._jsc.hadoopConfiguration()).create(path, True)
    file.writeBytes("999")
    file.flush()
    spark.range(10).write.parquet("s3://lake/half/")
    print("ready", flush=True)
    time.sleep(600)
"""
ENDLESS = (
    "SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y) "
    "CROSS JOIN UNNEST(sequence(1, 10000)) c(z) CROSS JOIN UNNEST(sequence(1, 10000)) d(w) WHERE x * y % 7 = z * w % 5"
)
DAYS = "SELECT x AS n, CAST(x AS varchar) AS day FROM UNNEST(sequence(1, 90)) a(x)"


class Life:
    """An embedded AWS that is killed and started again."""

    runs: list[str]
    workflow_run: str
    query: str
    processes: set[int]

    def __init__(self, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        self.process: subprocess.Popen[bytes] = started(self.port, folder)

    def aws(self, service: str) -> Any:
        return client(service, f"http://127.0.0.1:{self.port}")

    def killed_and_started(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = started(self.port, self.folder)

    def keys(self, prefix: str) -> list[str]:
        found = self.aws("s3").list_objects_v2(Bucket="lake", Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in found]

    def job(self, name: str, script: str, kind: str = "pythonshell", **fields: Any) -> None:
        self.aws("s3").put_object(Bucket="lake", Key=f"code/{name}.py", Body=dedent(script))
        command = {"Name": kind, "ScriptLocation": f"s3://lake/code/{name}.py"}
        self.aws("glue").create_job(Name=name, Role="r", Command=command, **fields)

    def run_quick(self) -> list[str]:
        """Run the job `quick`, which must succeed, and return what it printed."""
        self.aws("glue").start_job_run(JobName="quick")
        run = until(lambda: self.job_runs("quick")[0]["JobRunState"] == "SUCCEEDED" and self.job_runs("quick")[0])
        return self.lines(run, "output")

    def job_runs(self, job: str) -> list[dict[str, Any]]:
        return list(self.aws("glue").get_job_runs(JobName=job)["JobRuns"])

    def lines(self, run: dict[str, Any], kind: str) -> list[str]:
        logs = self.aws("logs")
        try:
            found = logs.get_log_events(logGroupName=f"{run['LogGroupName']}/{kind}", logStreamName=run["Id"])
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in found["events"]]

    def ask(self, sql: str) -> str:
        place = {"ResultConfiguration": {"OutputLocation": "s3://results/"}}
        context = {"Database": "lake"}
        athena = self.aws("athena")
        return str(
            athena.start_query_execution(QueryString=sql, QueryExecutionContext=context, **place)["QueryExecutionId"]
        )

    def status(self, execution: str) -> dict[str, Any]:
        found = self.aws("athena").get_query_execution(QueryExecutionId=execution)
        return dict(found["QueryExecution"]["Status"])

    def answer(self, sql: str) -> list[str]:
        """Return the first column of a query that must succeed."""
        execution = self.ask(sql)
        status = until(lambda: self.status(execution)["State"] not in ("QUEUED", "RUNNING") and self.status(execution))
        assert status["State"] == "SUCCEEDED", status
        rows = self.aws("athena").get_query_results(QueryExecutionId=execution)["ResultSet"]["Rows"]
        return [row["Data"][0].get("VarCharValue") for row in rows[1:]]


def processes_of(*runs: str) -> set[int]:
    """Return the living processes with the id of one of these runs in their environment."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and any(run.encode() in (folder / "environ").read_bytes() for run in runs):
                found.add(int(folder.name))
        except OSError:
            continue
    return found


def _prepared(life: Life) -> None:
    s3, glue = life.aws("s3"), life.aws("glue")
    s3.create_bucket(Bucket="lake")
    s3.create_bucket(Bucket="results")
    s3.put_object(Bucket="lake", Key="numbers/a.csv", Body="1\n2\n")
    life.job("child", WITH_A_CHILD, MaxRetries=1)
    life.job("half", HALF_WRITTEN, "glueetl")
    life.job("quick", "print('done')")
    glue.create_database(DatabaseInput={"Name": "lake"})
    glue.create_workflow(Name="nightly")
    glue.create_trigger(Name="t", WorkflowName="nightly", Type="ON_DEMAND", Actions=[{"JobName": "child"}])
    life.run_quick()
    life.answer("CREATE EXTERNAL TABLE numbers (n int) ROW FORMAT DELIMITED LOCATION 's3://lake/numbers/'")
    parts = "PARTITIONED BY (day string) STORED AS PARQUET LOCATION 's3://lake/days/'"
    life.answer(f"CREATE EXTERNAL TABLE days (n int) {parts}")
    life.answer("INSERT INTO days SELECT 0, 'first'")


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """Two job runs, one of them in a workflow run, and a query were running when it was killed."""
    life = Life(tmp_path_factory.mktemp("killed") / "aws")
    try:
        _prepared(life)
        _begin(life)
        life.killed_and_started()
        yield life
    finally:
        stopped(life.process)


def _begin(life: Life) -> None:
    life.aws("glue").start_job_run(JobName="half")
    life.workflow_run = life.aws("glue").start_workflow_run(Name="nightly")["RunId"]
    life.query = life.ask(ENDLESS)
    for job in ("half", "child"):
        until(lambda job=job: life.lines(life.job_runs(job)[0], "output"), seconds=180)
    until(lambda: life.status(life.query)["State"] == "RUNNING")
    life.runs = [life.job_runs(job)[0]["Id"] for job in ("half", "child")]
    life.processes = processes_of(*life.runs)


def test_interrupted_job_runs_have_failed_and_are_not_retried(life: Life) -> None:
    for job in ("half", "child"):
        (run,) = life.job_runs(job)
        assert (run["JobRunState"], run["Attempt"]) == ("FAILED", 0)
        assert run["ErrorMessage"] == "the embedded AWS ended while this run was going on; start it again"
        until(lambda run=run: run["ErrorMessage"] in life.lines(run, "error"))


def test_all_processes_of_interrupted_runs_are_gone(life: Life) -> None:
    assert len(life.processes) >= 4, "two scripts, the Java of one, the child of the other"
    assert processes_of(*life.runs) == set()


def test_unpublished_output_of_a_run_is_gone_and_overwritten_files_are_restored(life: Life) -> None:
    assert life.keys("half/") == []
    assert not list(life.folder.glob("jobs/*"))
    assert life.answer("SELECT n FROM numbers ORDER BY n") == ["1", "2"]


def test_an_interrupted_workflow_run_is_in_error_and_shows_its_jobs_end(life: Life) -> None:
    found = life.aws("glue").get_workflow_run(Name="nightly", RunId=life.workflow_run)["Run"]
    assert (found["Status"], found["ErrorMessage"]) == ("ERROR", "The embedded AWS ended while this run was going on.")
    assert {name: n for name, n in found["Statistics"].items() if n} == {"TotalActions": 1, "FailedActions": 1}


def test_an_interrupted_query_has_failed(life: Life) -> None:
    status = life.status(life.query)
    told = "The embedded AWS ended while this query ran; start it again."
    assert (status["State"], status["StateChangeReason"]) == ("FAILED", told)


def test_a_new_run_works_immediately(life: Life) -> None:
    assert life.run_quick() == ["done"]


def test_a_partial_insert_is_removed_and_a_partial_table_can_be_created_again(life: Life) -> None:
    made = f"CREATE TABLE made WITH (external_location = 's3://lake/made/', partitioned_by = ARRAY['day']) AS {DAYS}"
    insert, create = life.ask(f"INSERT INTO days {DAYS}"), life.ask(made)
    until(lambda: len(life.keys("days/")) > 1 and life.keys("made/"))
    life.killed_and_started()
    assert [life.status(execution)["State"] for execution in (insert, create)] == ["FAILED", "FAILED"]
    assert life.answer("SELECT n FROM days") == ["0"]
    assert len(life.keys("days/")) == 1
    life.answer(made)
    assert life.answer("SELECT count(*) FROM made") == ["90"]

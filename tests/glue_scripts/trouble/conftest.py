"""Jobs run as by Glue, on an embedded AWS with a trap for them."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from stacks.package import zipped
from tests.embedded import at, client
from tests.glue_scripts.trouble.watched import kill
from tests.local_aws.conftest import free_port
from tests.local_aws.jobs.conftest import ended

ROOT = Path(__file__).parents[3]
BUCKETS = ("raw", "curated", "quarantine", "scripts")


@dataclass
class Jobs:
    """The Glue jobs of a lake, one per table, each reading the dataset of the same name: id, part, version."""

    endpoint: str
    folder: Path

    def aws(self, service: str) -> Any:
        return client(service, self.endpoint)

    def put(self, bucket: str, key: str, body: str | bytes) -> str:
        self.aws("s3").put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    def create(self, name: str, keys: list[str], steps: list[dict[str, Any]] | None = None, **spec: Any) -> None:
        columns = [{"Name": name, "Type": type_} for name, type_ in COLUMNS.items()]
        library, delimiter = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", {"field.delim": ","}
        serde = {"SerializationLibrary": library, "Parameters": delimiter}
        storage = {"Location": f"s3://raw/{name}/", "Columns": columns, "SerdeInfo": serde}
        table = {"Name": name, "StorageDescriptor": storage, "Parameters": {"classification": "csv"}}
        self.aws("glue").create_table(DatabaseName="raw", TableInput=table)
        spec |= {"job": name, "source": name, "tables": {name: name}, "steps": steps or []}
        # Zstd would have to extract its library, which a limit on file sizes prevents too.
        spec["sink"] = {"table": name, "partition_by": keys, "compression": "gzip"}
        arguments = {
            "--extra-py-files": "s3://scripts/lake_etl.zip",
            "--spec": self.put("scripts", f"{name}.json", json.dumps(spec)),
            "--raw_database": "raw",
            "--curated_database": "curated",
            "--curated_bucket": "curated",
            "--quarantine_bucket": "quarantine",
        }
        command = {"Name": "glueetl", "ScriptLocation": "s3://scripts/run_job.py"}
        self.aws("glue").create_job(Name=name, Role="r", Command=command, DefaultArguments=arguments)

    def fill(self, name: str, file: str, rows: list[tuple[int, int, str]]) -> None:
        self.put("raw", f"{name}/{file}.csv", "".join(f"{id_},{part},{version}\n" for id_, part, version in rows))

    def start(self, name: str, **arguments: str) -> str:
        given = {f"--{key}": value for key, value in arguments.items()}
        return str(self.aws("glue").start_job_run(JobName=name, Arguments=given)["JobRunId"])

    def run(self, name: str, **arguments: str) -> dict[str, Any]:
        return ended(self.aws("glue"), name, self.start(name, **arguments))

    def good(self, name: str, **arguments: str) -> dict[str, Any]:
        done = self.run(name, **arguments)
        assert done["JobRunState"] == "SUCCEEDED", done["ErrorMessage"]
        return done

    def trap(self, call: str, number: int = 1, when: str = "before", do: str = "kill") -> None:
        trap = {"call": call, "number": number, "when": when, "do": do}
        (self.folder / "trap.json").write_text(json.dumps(trap))

    def killed(self, name: str, call: str, number: int = 1, when: str = "before", **arguments: str) -> None:
        """Run a job that is killed before a call that it makes, or after the call was answered."""
        if call == "write":
            self._killed_while_it_writes(name)
            return
        self.trap(call, number, when)
        done = self.run(name, **arguments)
        assert done["ErrorMessage"] == "the process was killed by signal 9 (SIGKILL)"

    def _killed_while_it_writes(self, name: str) -> None:
        run_id = self.start(name)
        table = self.folder / "jobs" / run_id / "buckets" / "curated" / name
        deadline = time.monotonic() + 180
        while not any(table.glob("run-*/**/_temporary")):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        kill(run_id)
        assert "SIGKILL" in ended(self.aws("glue"), name, run_id)["ErrorMessage"]

    def rows(self, name: str, columns: str = "id, part, version") -> list[tuple[str, ...]]:
        """Return what a reader sees: the table through Athena."""
        athena = self.aws("athena")
        query = athena.start_query_execution(
            QueryString=f"SELECT {columns} FROM {name}",
            QueryExecutionContext={"Database": "curated"},
            ResultConfiguration={"OutputLocation": "s3://scripts/results/"},
        )["QueryExecutionId"]
        while (state := athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"])["State"] in (
            "QUEUED",
            "RUNNING",
        ):
            time.sleep(0.02)
        assert state["State"] == "SUCCEEDED", state
        pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query)
        found = [row["Data"] for page in pages for row in page["ResultSet"]["Rows"]]
        return sorted(tuple(cell["VarCharValue"] for cell in row) for row in found[1:])

    def run_folders(self, name: str) -> set[str]:
        listed = self.aws("s3").list_objects_v2(Bucket="curated", Prefix=f"{name}/run-", Delimiter="/")
        return {entry["Prefix"].split("/")[1] for entry in listed.get("CommonPrefixes", [])}


COLUMNS = {"id": "bigint", "part": "int", "version": "string"}


@pytest.fixture(scope="session")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    port, folder = free_port(), tmp_path_factory.mktemp("watched") / "aws"
    command = [sys.executable, "-m", "tests.glue_scripts.trouble.watched", str(port), str(folder)]
    with (folder.parent / "aws.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        _wait(process, f"http://127.0.0.1:{port}/_ministack/health", folder.parent / "aws.log")
        yield _filled(Jobs(at(port, folder), folder))
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            urlopen(url, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer: {log.read_text()}")


def _filled(jobs: Jobs) -> Jobs:
    for bucket in BUCKETS:
        jobs.aws("s3").create_bucket(Bucket=bucket)
    for database in ("raw", "curated"):
        jobs.aws("glue").create_database(DatabaseInput={"Name": database})
    scripts = ROOT / "glue_scripts"
    jobs.put("scripts", "lake_etl.zip", zipped(scripts / "lake_etl", inside="lake_etl").read_bytes())
    jobs.put("scripts", "run_job.py", (scripts / "run_job.py").read_bytes())
    return jobs

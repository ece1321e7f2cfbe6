"""`lake run --workflow` on an embedded AWS, with a workflow that fails in the middle."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.embedded import client
from tests.lake.test_workflows import LAKE
from tests.local_aws.conftest import free_port, started, stopped

ROOT = Path(__file__).parents[2]


class Shop:
    """The lake of LAKE, as its stacks would deploy the catalog and the etl part of it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.file = folder / "lake.yaml"
        self.file.write_text(LAKE.replace(":4566", f":{port}").replace("after: any", "after: all"))
        self.glue, self.s3 = (client(service, f"http://127.0.0.1:{port}") for service in ("glue", "s3"))
        self.s3.create_bucket(Bucket="shop")
        self.glue.create_database(DatabaseInput={"Name": "shop"})
        for name in ("orders", "customers"):
            self.s3.put_object(Bucket="shop", Key=f"{name}/a.csv", Body=b"id,total\n1,2\n")
            targets = {"S3Targets": [{"Path": f"s3://shop/{name}/"}]}
            self.glue.create_crawler(Name=f"shop-local-{name}", Role="r", DatabaseName="shop", Targets=targets)
        command = {"Name": "pythonshell", "ScriptLocation": "s3://shop/code/totals.py"}
        self.glue.create_job(Name="shop-local-totals", Role="r", Command=command)

    def deploy(self) -> None:
        self.glue.create_workflow(Name="shop-local-nightly", MaxConcurrentRuns=1)
        crawlers = [{"CrawlerName": f"shop-local-{name}"} for name in ("orders", "customers")]
        given = {"WorkflowName": "shop-local-nightly", "StartOnCreation": True}
        schedule = "cron(0 3 * * ? *)"
        self.glue.create_trigger(Name="first", Type="SCHEDULED", Schedule=schedule, Actions=crawlers, **given)
        succeeded = {"LogicalOperator": "EQUALS", "CrawlState": "SUCCEEDED"}
        predicate = {"Logical": "AND", "Conditions": [crawler | succeeded for crawler in crawlers]}
        jobs = [{"JobName": "shop-local-totals"}]
        self.glue.create_trigger(Name="second", Type="CONDITIONAL", Predicate=predicate, Actions=jobs, **given)

    def script(self, text: str) -> None:
        self.s3.put_object(Bucket="shop", Key="code/totals.py", Body=text.encode())

    def lake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lake", "--file", str(self.file), *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder, port = tmp_path_factory.mktemp("shop"), free_port()
    process = started(port, folder / ".local/local/aws")
    yield Shop(folder, port)
    stopped(process)


def actions(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_a_missing_workflow_or_job_is_reported_with_a_fix(shop: Shop) -> None:
    for arguments, code, line in (
        (("run",), 2, "name a job, or a workflow with --workflow"),
        (("run", "totals", "--workflow", "nightly"), 2, "name a job, or a workflow with --workflow"),
        (("run", "--workflow", "weekly"), 2, "there is no workflow 'weekly' in lake.yaml. Allowed: nightly"),
        (("run", "--workflow", "nightly"), 1, "the workflow nightly does not exist. Deploy it first: `lake up etl`"),
    ):
        done = shop.lake(*arguments)
        assert (done.returncode, done.stderr.strip()) == (code, line)
    shop.deploy()


def test_the_progress_of_crawlers_and_jobs_and_the_result_are_shown(shop: Shop) -> None:
    shop.script("import time; time.sleep(2)")
    done = shop.lake("run", "--workflow", "nightly", "--json")

    assert done.returncode == 0, done.stderr
    assert [(action["step"], action["part"], action["state"]) for action in actions(done)] == [
        (1, "crawler orders", "SUCCEEDED"),
        (1, "crawler customers", "SUCCEEDED"),
        (2, "job totals", "SUCCEEDED"),
    ]
    assert done.stderr.splitlines()[-2:] == ["job totals: running", "job totals: succeeded"]


def test_a_failed_workflow_exits_with_1_and_the_reason(shop: Shop) -> None:
    shop.script("raise SystemExit('no such column')")
    done = shop.lake("run", "--workflow", "nightly")

    assert done.returncode == 1
    reason = "workflow nightly: job totals is FAILED: no such column (exit code 1)"
    assert done.stderr.splitlines()[-1] == reason


def test_a_deleted_crawler_is_an_error_and_stops_the_workflow(shop: Shop) -> None:
    shop.glue.delete_crawler(Name="shop-local-customers")
    done = shop.lake("run", "--workflow", "nightly")

    assert done.returncode == 1
    assert "crawler customers is ERROR: EntityNotFoundException: " in done.stderr
    assert done.stderr.splitlines()[-1].endswith("not started because of that: job totals")


def test_a_running_workflow_is_not_started_again(shop: Shop) -> None:
    shop.glue.update_trigger(Name="first", TriggerUpdate={"Actions": [{"JobName": "shop-local-totals"}]})
    shop.script("import time; time.sleep(600)")
    run_id = shop.glue.start_workflow_run(Name="shop-local-nightly")["RunId"]
    done = shop.lake("run", "--workflow", "nightly")
    shop.glue.stop_workflow_run(Name="shop-local-nightly", RunId=run_id)

    way = f"`lake attach {run_id}` follows the run, `lake stop {run_id}` stops it"
    assert (done.returncode, done.stderr.strip()) == (1, f"the workflow nightly is already running: {run_id}. {way}")

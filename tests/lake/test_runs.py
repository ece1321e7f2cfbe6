"""Runs that nobody waits for: `lake run --detach`, `runs`, `attach`, `stop`, `logs`, on an embedded AWS."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.embedded import client
from tests.local_aws.conftest import free_port, started, stopped

ROOT = Path(__file__).parents[2]
SCRIPTS = {
    "quick": "print('LAKE_PROGRESS stage 1: 1 of 2 tasks, 7 rows read')\nprint('done')\n",
    "broken": "import sys\nprint('to be seen')\nprint('no seats left', file=sys.stderr)\nsys.exit(3)\n",
    "slow": "import time\nprint('LAKE_PROGRESS stage 1: 1 of 2 tasks, 7 rows read', flush=True)\ntime.sleep(600)\n",
    "never": "print('nobody starts me')\n",
}
LAKE = """\
project: shop
environments: {{local: {{endpoint: "http://127.0.0.1:{port}", region: us-east-1}}}}
datasets: {{orders: {{format: csv}}, quick: {{format: csv}}, rates: {{format: csv}}}}
jobs: {{{jobs}}}
streams: {{clicks: {{columns: {{id: int}}}}}}
workflows: {{nightly: {{steps: [{{run: [slow]}}]}}}}
"""


class Shop:
    """A lake of shell jobs, a crawler and a stream's logs, as its stacks would deploy them."""

    def __init__(self, folder: Path, port: int) -> None:
        self.file, self.aws = folder / "lake.yaml", lambda service: client(service, f"http://127.0.0.1:{port}")
        jobs = ", ".join(f"{name}: {{script: {name}.py, type: shell}}" for name in SCRIPTS)
        self.file.write_text(LAKE.format(port=port, jobs=jobs))
        self.aws("s3").create_bucket(Bucket="code")
        glue = self.aws("glue")
        for name, text in SCRIPTS.items():
            (folder / f"{name}.py").write_text(text)
            self.aws("s3").put_object(Bucket="code", Key=f"{name}.py", Body=text.encode())
            command = {"Name": "pythonshell", "ScriptLocation": f"s3://code/{name}.py"}
            glue.create_job(Name=f"shop-local-{name}", Role="r", Command=command)
        self.aws("s3").put_object(Bucket="code", Key="orders/a.csv", Body=b"id,total\n1,2\n")
        glue.create_database(DatabaseInput={"Name": "shop_local_raw"})
        for name in ("orders", "rates"):
            targets = {"S3Targets": [{"Path": f"s3://code/{name}/"}]}
            glue.create_crawler(Name=f"shop-local-{name}", Role="r", DatabaseName="shop_local_raw", Targets=targets)
        glue.create_workflow(Name="shop-local-nightly")
        actions = [{"JobName": "shop-local-slow"}]
        glue.create_trigger(Name="first", Type="ON_DEMAND", WorkflowName="shop-local-nightly", Actions=actions)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "lake", "--file", str(self.file), *arguments]

    def lake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False)

    def detached(self, *arguments: str) -> str:
        done = self.lake("run", *arguments, "--detach")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def json(self, *arguments: str) -> Any:
        done = self.lake(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder, port = tmp_path_factory.mktemp("runs"), free_port()
    process = started(port, folder / ".local/local/aws")
    try:
        yield Shop(folder, port)
    finally:
        stopped(process)


def test_commands_report_that_there_are_no_runs_yet(shop: Shop) -> None:
    assert shop.json("runs") == []
    for arguments, code, line in (
        (("runs",), 0, "no job has run yet"),
        (("runs", "never"), 0, "never has never run yet"),
        (("logs", "never"), 1, "the job never has never run. Start it: `lake run never`"),
        (("logs", "orders"), 1, "the crawler of orders has never run. Start it: `lake crawl orders`"),
        (("runs", "weekly"), 2, "there is no job 'weekly' in lake.yaml. Allowed: quick, broken, slow, never"),
        (
            ("attach", "jr_1"),
            2,
            "there is no run 'jr_1' of the jobs and workflows of lake.yaml. `lake runs` lists them",
        ),
        (("logs", "quick"), 2, "quick is a job and a crawler. Choose one with --of job or --of crawler"),
    ):
        done = shop.lake(*arguments)
        assert (done.returncode, done.stderr.strip()) == (code, line)
    assert "has logged nothing. Firehose logs only errors" in shop.lake("logs", "clicks").stderr


def test_attach_accepts_the_beginning_of_a_run_id(shop: Shop) -> None:
    run_id = shop.detached("quick")
    shown = shop.json("attach", run_id[:9])

    assert (shown["run_id"], shown["state"]) == (run_id, "SUCCEEDED")
    assert shop.json("attach", run_id[3:9])["run_id"] == run_id


def test_attach_to_a_failed_run_fails_with_its_reason(shop: Shop) -> None:
    run_id = shop.json("run", "broken", "--detach")["run_id"]
    done = shop.lake("attach", run_id)

    assert done.returncode == 1
    assert f"the run {run_id} of broken is FAILED: no seats left (exit code 3)" in done.stderr


def test_runs_of_all_jobs_are_listed_newest_first(shop: Shop) -> None:
    found = shop.json("runs")

    assert [(line["job"], line["state"], line["error"]) for line in found] == [
        ("broken", "FAILED", "no seats left (exit code 3)"),
        ("quick", "SUCCEEDED", ""),
    ]
    assert shop.json("runs", "quick", "--limit", "1") == found[1:]
    assert found[0]["run_id"][:15] in shop.lake("runs").stdout


def test_the_log_of_a_run_has_its_output_and_errors(shop: Shop) -> None:
    log = shop.lake("logs", "broken").stdout.splitlines()

    assert {tuple(line.split(maxsplit=2)[1:]) for line in log} == {("output", "to be seen"), ("error", "no seats left")}
    assert shop.lake("logs", "quick", "--of", "job", "-n", "1").stdout.strip().endswith("output  done")


def test_the_log_of_a_crawler_is_from_its_last_crawl(shop: Shop) -> None:
    for _ in range(2):
        assert shop.lake("crawl", "orders").returncode == 0
    done = shop.lake("logs", "orders", "--follow")

    assert [line for line in done.stdout.splitlines() if "Running Start Crawl" in line] == [done.stdout.splitlines()[0]]
    assert "is in state READY" in done.stdout.splitlines()[-1]


def test_a_run_continues_after_ctrl_c_until_stop(shop: Shop) -> None:
    command = shop.command("run", "slow")
    with subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        lines = iter(child.stderr.readline, "")
        assert "slow: running, stage 1: 1 of 2 tasks, 7 rows read\n" in lines
        child.send_signal(signal.SIGINT)
        shown = child.stderr.read()
    run_id = shop.json("runs", "slow")[0]["run_id"]

    assert child.returncode == 130
    assert f"the run {run_id} of slow continues. Stop it with `lake stop {run_id}`" in shown
    assert shop.json("runs", "slow")[0]["state"] == "RUNNING"
    assert (
        f"the job slow is already running: {run_id}. `lake attach {run_id}` follows" in shop.lake("run", "slow").stderr
    )
    assert shop.lake("stop", run_id).stdout.strip() == f"the run {run_id} of slow is STOPPED"
    again = shop.lake("stop", run_id)
    assert (again.returncode, again.stderr.strip()) == (2, f"the run {run_id} of slow cannot be stopped: it is STOPPED")


def test_a_workflow_can_be_detached_and_stopped_too(shop: Shop) -> None:
    run_id = shop.detached("--workflow", "nightly")
    done = shop.lake("stop", run_id[:9])

    assert (done.returncode, done.stdout.strip()) == (0, f"the run {run_id} of nightly is STOPPED"), done.stderr
    assert "job slow is STOPPED" in shop.lake("attach", run_id).stderr


def test_an_ambiguous_run_id_is_refused(shop: Shop) -> None:
    done = shop.lake("attach", "jr_")

    assert done.returncode == 2
    assert "runs begin with 'jr_': jr_" in done.stderr
    assert "Give more characters" in done.stderr


def test_without_a_terminal_a_crawl_prints_a_line_per_state(shop: Shop) -> None:
    done = shop.lake("crawl", "orders")

    assert [line for line in done.stderr.splitlines() if line.startswith("orders: ")][-1] == "orders: succeeded"
    assert "orders: running" in done.stderr

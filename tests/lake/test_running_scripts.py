"""`lake run` of a person's own script, on an embedded AWS."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lake.aws import Aws
from lake.configuration.reading import load
from lake.deploying.lifecycle import SHELL_LOGS, _delete_shell_logs
from tests.embedded import client
from tests.local_aws.conftest import free_port, started, stopped

ROOT = Path(__file__).parents[2]
SCRIPTS = {
    "tidy": "import sys\nprint(sys.argv[sys.argv.index('--threshold') + 1])\n",
    "broken": "import sys\nprint('no seats left', file=sys.stderr)\nsys.exit(3)\n",
}


class Shop:
    """A lake of two shell jobs, as its etl stack would deploy them."""

    def __init__(self, folder: Path, port: int) -> None:
        self.file, self.aws = folder / "lake.yaml", lambda service: client(service, f"http://127.0.0.1:{port}")
        jobs = ", ".join(f"{name}: {{script: {name}.py, type: shell}}" for name in SCRIPTS)
        environment = f'{{endpoint: "http://127.0.0.1:{port}", region: us-east-1}}'
        self.file.write_text(f"project: shop\nenvironments: {{local: {environment}}}\njobs: {{{jobs}}}\n")
        self.aws("s3").create_bucket(Bucket="code")
        for name, text in SCRIPTS.items():
            (folder / f"{name}.py").write_text(text)
            self.aws("s3").put_object(Bucket="code", Key=f"{name}.py", Body=text.encode())
            command = {"Name": "pythonshell", "ScriptLocation": f"s3://code/{name}.py"}
            arguments = {"--threshold": "3"}
            self.aws("glue").create_job(
                Name=f"shop-local-{name}", Role="r", Command=command, DefaultArguments=arguments
            )

    def lake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lake", "--file", str(self.file), *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    def logged(self, kind: str) -> list[str]:
        """The last lines of each run."""
        logs, group = self.aws("logs"), f"{SHELL_LOGS}/{kind}"
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        place: dict[str, Any] = {"logGroupName": group, "startFromHead": True}
        found = [logs.get_log_events(**place, logStreamName=stream["logStreamName"])["events"] for stream in streams]
        return [event["message"] for events in found for event in events]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder, port = tmp_path_factory.mktemp("scripts"), free_port()
    process = started(port, folder / ".local/local/aws")
    yield Shop(folder, port)
    stopped(process)


def test_a_run_of_a_script_shows_its_state_duration_and_log(shop: Shop) -> None:
    done = shop.lake("run", "tidy", "--json")
    shown = json.loads(done.stdout)

    assert (done.returncode, shown["job"], shown["state"]) == (0, "tidy", "SUCCEEDED")
    assert shown["log"] == f"{SHELL_LOGS}/output and {SHELL_LOGS}/error, stream {shown['run_id']}"
    assert shown["seconds"] >= 0
    assert shop.logged("output") == ["3"]


def test_a_failed_script_exits_with_1_and_shows_its_last_line_and_log(shop: Shop) -> None:
    done = shop.lake("run", "broken")
    *states, first, second = done.stderr.splitlines()

    assert done.returncode == 1
    assert states[-1] == "broken: failed"
    assert first.endswith("of broken is FAILED: no seats left (exit code 3)")
    assert second.startswith(f"Its log: {SHELL_LOGS}/output and {SHELL_LOGS}/error, stream jr_")


def test_down_deletes_the_logs_of_shell_jobs_in_shared_groups(shop: Shop) -> None:
    assert shop.logged("error")
    _delete_shell_logs(Aws(load(shop.file)))

    assert shop.logged("output") == shop.logged("error") == []

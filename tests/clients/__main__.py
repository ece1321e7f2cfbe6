"""Run each client's tests in its own environment, against a separate embedded AWS: `make clients`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

from tests.embedded import keys_of
from tests.local_aws.conftest import free_port, started, stopped

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ENVIRONMENTS = {
    "catalog": ("awswrangler", "pyathena", "ibis", "pyiceberg", "dlt"),
    "dbt": ("dbt",),
    "sqlmesh": ("sqlmesh",),
}
"""The clients of each environment in .tools/clients; the AWS CLI is in the project's own."""


def main() -> None:
    """Prints a table of the clients: how many of their tests passed. Exit code 1 if one did not."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        process = started(port, Path(folder) / "aws")
        try:
            found = {name: _results(name, f"http://127.0.0.1:{port}", Path(folder)) for name in ("own", *ENVIRONMENTS)}
        finally:
            stopped(process)
    table, missed = Table("client", "tests passed", "not"), 0
    for counts in found.values():
        for client, (passed, all_) in counts.items():
            table.add_row(client, str(passed), str(all_ - passed))
            missed += all_ - passed or not all_
    Console().print(table)
    sys.exit(int(missed > 0))


def _results(name: str, endpoint: str, folder: Path) -> dict[str, tuple[int, int]]:
    """Of each client of an environment: how many tests passed, and how many there are."""
    python = ROOT / ".tools/clients" / name / "bin/python" if name in ENVIRONMENTS else Path(sys.executable)
    clients = ENVIRONMENTS.get(name, ("aws_cli",))
    files = [str(HERE / f"test_{client}.py") for client in clients]
    keys = keys_of(endpoint)
    own = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": keys.id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV", "AWS_PROFILE")}
    report = folder / f"{name}.xml"
    # The project's settings of pytest name plugins that only its own environment has.
    options = ["-c", os.devnull, "--rootdir", str(ROOT), "--confcutdir", str(HERE), "-p", "no:cacheprovider", "-q"]
    options += [f"--junitxml={report}", "--import-mode=importlib", "--disable-warnings"]
    print(f"== {name}: {', '.join(clients)}", flush=True)
    subprocess.run([python, "-m", "pytest", *options, *files], env={**env, **own}, check=False)
    return _counted(report, clients)


def _counted(report: Path, clients: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    passed: Counter[str] = Counter()
    ran: Counter[str] = Counter()
    for case in ElementTree.parse(report).iter("testcase") if report.exists() else ():
        client = case.get("classname", "").rpartition("test_")[2]
        ran[client] += 1
        passed[client] += not list(case)  # It has a child where it failed or was skipped.
    return {client: (passed[client], ran[client]) for client in clients}


if __name__ == "__main__":
    main()

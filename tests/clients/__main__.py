"""Run each client's tests in its own environment, against a separate embedded AWS: `make clients`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

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
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        process = started(port, Path(folder) / "aws")
        try:
            failed = [name for name in ("own", *ENVIRONMENTS) if not _passes(name, f"http://127.0.0.1:{port}")]
        finally:
            stopped(process)
    if failed:
        sys.exit(f"the clients of {', '.join(failed)} fail")


def _passes(name: str, endpoint: str) -> bool:
    python = ROOT / ".tools/clients" / name / "bin/python" if name in ENVIRONMENTS else Path(sys.executable)
    files = [str(HERE / f"test_{client}.py") for client in ENVIRONMENTS.get(name, ("aws_cli",))]
    keys = keys_of(endpoint)
    own = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": keys.id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV", "AWS_PROFILE")}
    # The project's pytest settings name plugins that only its own environment has.
    options = ["-c", os.devnull, "--rootdir", str(ROOT), "--confcutdir", str(HERE), "-p", "no:cacheprovider", "-q"]
    print(f"== {name}: {', '.join(Path(file).stem for file in files)}", flush=True)
    command = [python, "-m", "pytest", *options, "--import-mode=importlib", *files]
    return subprocess.run(command, env={**env, **own}, check=False).returncode == 0


if __name__ == "__main__":
    main()

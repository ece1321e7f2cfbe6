"""A working copy of the project with an embedded AWS of its own, and the commands a person would type in it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from lake.aws import Aws
from lake.configuration.reading import load
from tests.local_aws.conftest import free_port

ROOT = Path(__file__).parents[2]
TOOLS = (".venv", "node_modules", ".tools")


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout: `run` is a person at its prompt, where `settings` are exported."""

    root: Path
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str, code: int | None = 0, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command; its exit code must be `code`, or anything where that is None."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environment(self.root, **{**self.settings, **settings}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert code is None or done.returncode == code, f"{command}:\n{done.stdout}\n{done.stderr}"
        return done

    def lake(self, *arguments: str, code: int | None = 0, **settings: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "lake", *arguments, code=code, **settings)

    def lake_json(self, *arguments: str, code: int | None = 0) -> Any:
        return json.loads(self.lake(*arguments, "--json", code=code).stdout)

    def interrupted(self, *arguments: str, when: str) -> subprocess.CompletedProcess[str]:
        """Start a lake command and press Ctrl-C once `when` is in its output."""
        process = subprocess.Popen(
            [sys.executable, "-m", "lake", *arguments],
            cwd=self.root,
            env=environment(self.root, **self.settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if when in line:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stdout.read()
        return subprocess.CompletedProcess(arguments, process.wait(), seen + rest, "")

    def state(self, stack: str) -> list[str]:
        """What Terraform's state of a stack holds, as a person would look."""
        return self.run("terraform", f"-chdir=cdktf.out/stacks/{stack}", "state", "list").stdout.split()

    def planned(self, stack: str) -> str:
        """What Terraform would do to a stack as it was last synthesised: `cdktf plan` without a synth."""
        return self.run("terraform", f"-chdir=cdktf.out/stacks/{stack}", "plan", "-input=false", "-no-color").stdout

    def forget_state(self, *stacks: str) -> None:
        for stack in stacks:
            (self.root / f".state/local/{stack}.tfstate").unlink()

    def put_object(self, bucket: str, key: str, body: bytes) -> None:
        self.s3().put_object(Bucket=bucket, Key=key, Body=body)

    def s3(self) -> Any:
        return self.aws().s3

    def aws(self) -> Aws:
        return Aws(load(self.root / "lake.yaml", "local"))


def environment(root: Path, **settings: str) -> dict[str, str]:
    """The surroundings of a command: the project's tools, and no AWS login of the person who runs the tests."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LAKE_"))}
    tools = [str(root / folder) for folder in (".tools/bin", "node_modules/.bin", ".venv/bin")]
    kept |= {
        "PATH": os.pathsep.join([*tools, kept["PATH"]]),
        "AWS_EC2_METADATA_DISABLED": "true",
        "COLUMNS": "200",
    }
    return kept | {"AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_CONFIG_FILE": os.devnull} | settings


def copied(folder: Path) -> Path:
    """What git would check out, with the tools linked and a free port for the embedded AWS."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for tool in TOOLS:
        (folder / tool).symlink_to(ROOT / tool)
    config = folder / "lake.yaml"
    config.write_text(config.read_text().replace(":4566", f":{free_port()}"))
    return folder


def checkout_in(folder: Path) -> Iterator[Checkout]:
    """A checkout in a new folder; its embedded AWS is stopped at the end."""
    for tool in ("terraform", "cdktf"):
        assert shutil.which(tool, path=environment(ROOT)["PATH"]), f"{tool} is missing: run `make setup`"
    checkout = Checkout(copied(folder))
    try:
        yield checkout
    finally:
        checkout.lake("local", "stop", code=None)


@contextmanager
def own_lake(folder: Path, config: str, files: Mapping[str, str] = MappingProxyType({})) -> Iterator[Checkout]:
    """A lake in a folder of its own beside the checkout that has the tool. Its embedded AWS evaluates IAM.

    Args:
        config: its lake.yaml, in which PORT stands for a free port.
        files: what it has beside that: name -> text.
    """
    tool = Checkout(copied(folder / "tool"))
    own = Checkout(folder / "own", {"PYTHONPATH": str(tool.root)})
    tool.lake("init", str(own.root))
    for name in TOOLS:
        (own.root / name).symlink_to(tool.root / name)
    for name, text in {"lake.yaml": config.replace("PORT", str(free_port())), **files}.items():
        (own.root / name).write_text(text)
    own.lake("local", "start", "--enforce-iam")
    try:
        yield own
    finally:
        own.lake("local", "stop", code=None)


@dataclass(frozen=True)
class Demo:
    """A checkout whose lake is up: a `lake up` was interrupted there, then `make demo` went through."""

    checkout: Checkout
    interrupted: subprocess.CompletedProcess[str]
    shown: str


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    for checkout in checkout_in(tmp_path_factory.mktemp("demo")):
        checkout.lake("local", "start", "--enforce-iam")
        interrupted = checkout.interrupted("up", when="Deploying storage")
        yield Demo(checkout, interrupted, checkout.run(sys.executable, "-m", "examples.demo").stdout)


@pytest.fixture(scope="package")
def lake_up(demo: Demo) -> Checkout:
    return demo.checkout


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Checkout]:
    """A checkout whose embedded AWS is empty and running."""
    for checkout in checkout_in(tmp_path / "lake"):
        checkout.lake("local", "start", "--enforce-iam")
        yield checkout

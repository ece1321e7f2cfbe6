"""The same stacks under CDK Terrain, CDKTF's successor: docs/how-to/cdk-terrain.md says how a lake moves over."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lake.configuration.names import STACKS
from tests.stacks.conftest import ROOT

SUCCESSOR = ROOT / ".tools/successor/bin/python"
CODE = ("main.py", "lake.yaml", "lake", "stacks", "glue_scripts", "flink_app", "queries")
MOVED = {r"\bcdktf_cdktf_provider_aws\b": "cdktn_provider_aws", r"\b(from|import) cdktf\b": r"\1 cdktn"}
"""All that the move over changes in the code."""

pytestmark = pytest.mark.skipif(not SUCCESSOR.exists(), reason="`make successor` installs CDK Terrain, and runs this")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("successor")
    for name in CODE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def _synthesised(checkout: Path, python: Path, env: str) -> dict[str, Any]:
    settings = {**os.environ, "LAKE_ENV": env, "PYTHONPATH": str(checkout)}
    done = subprocess.run([python, "main.py"], cwd=checkout, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files = {stack: checkout / "cdktf.out/stacks" / stack / "cdk.tf.json" for stack in STACKS}
    return {stack: json.loads(file.read_text()) for stack, file in files.items()}


def _move_over(checkout: Path) -> None:
    for file in [checkout / "main.py", *(checkout / "stacks").rglob("*.py"), *(checkout / "lake").rglob("*.py")]:
        text = file.read_text()
        for old, new in MOVED.items():
            text = re.sub(old, new, text)
        file.write_text(text)


def test_all_stacks_differ_only_in_version_and_provider_source(checkout: Path) -> None:
    environments = ("local", "prod")
    before = {env: _synthesised(checkout, Path(sys.executable), env) for env in environments}
    _move_over(checkout)
    after = {env: _synthesised(checkout, SUCCESSOR, env) for env in environments}

    for env in environments:
        for stack in STACKS:
            old, new = before[env][stack], after[env][stack]
            provider = new["terraform"]["required_providers"]["aws"]
            assert (old["//"]["metadata"].pop("version"), new["//"]["metadata"].pop("version")) == ("0.21.0", "0.24.0")
            assert provider["source"] == "hashicorp/aws"
            provider["source"] = old["terraform"]["required_providers"]["aws"]["source"]
            assert new == old, (env, stack)

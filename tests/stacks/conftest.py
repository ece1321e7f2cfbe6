"""One `app.synth()` per environment and session; tests read the stacks' JSON as dicts."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lake.configuration.names import STACKS
from lake.configuration.reading import load

ROOT = Path(__file__).parents[2]
Stacks = dict[str, dict[str, Any]]


def synthesised(file: Path, env: str, outdir: Path) -> Stacks:
    from stacks.app import build_app

    build_app(load(file, env), str(outdir)).synth()
    return {stack: json.loads((outdir / "stacks" / stack / "cdk.tf.json").read_text()) for stack in STACKS}


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    return synthesised(ROOT / "lake.yaml", "local", tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="session")
def flink_jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make flink-jar` builds, as far as a synth looks at it."""
    jar = tmp_path_factory.mktemp("jar") / "dependencies.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        for name in ("org/apache/flink/connector/kinesis/Source.class", "lake/events/EventFormatFactory.class"):
            archive.writestr(name, "")
    return jar


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory, flink_jar: Path) -> Stacks:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKE_FLINK_JAR", str(flink_jar))
        return synthesised(ROOT / "lake.yaml", "prod", tmp_path_factory.mktemp("prod"))


def resources(stack: dict[str, Any], type_: str) -> dict[str, dict[str, Any]]:
    """The resources of a type in a stack, by logical id."""
    found: dict[str, dict[str, Any]] = stack["resource"].get(type_, {})
    return found

"""A format and a connector are described once. What cannot read the description says the same."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, get_args

import pytest

from lake.configuration.formats import TABLES
from lake.configuration.model.datasets import Dataset
from lake.configuration.model.environments import Connection
from lake.configuration.model.steps import Compression, Format
from lake.shipped import GLUE_SCRIPTS, description
from local_aws import hive_classes
from local_aws.athena.definitions import storage
from local_aws.crawlers.descriptors import serde
from local_aws.crawlers.formats import Format as Crawled
from stacks.package import zipped
from toolchain import install

FORMATS: dict[str, dict[str, Any]] = description("formats")


def test_lake_yaml_accepts_the_described_formats_and_compressions() -> None:
    assert set(get_args(Format)) == set(FORMATS)
    assert set(get_args(Compression)) == {name for facts in FORMATS.values() for name in facts["compressions"]}


def test_lake_yaml_accepts_the_described_connectors() -> None:
    assert set(get_args(Connection.model_fields["type"].annotation)) == {*description("connectors"), "network"}


def test_a_dataset_accepts_each_format_that_can_be_declared() -> None:
    assert set(TABLES) < set(get_args(Dataset.model_fields["format"].annotation))


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("parquet", hive_classes.PARQUET),
        ("orc", hive_classes.ORC),
        ("json", hive_classes.JSON),
        ("csv", hive_classes.TEXT),
    ],
)
def test_the_embedded_aws_has_the_same_classes(name: str, classes: hive_classes.Classes) -> None:
    assert classes == tuple(FORMATS[name][part] for part in ("input", "output", "serde"))
    assert serde(Crawled(name), [])["SerializationLibrary"] == classes.serde


@pytest.mark.parametrize(("name", "kind"), [("parquet", "PARQUET"), ("json", "JSON"), ("csv", "TEXTFILE")])
def test_tables_that_athena_creates_have_the_same_classes(name: str, kind: str) -> None:
    made = storage(kind, "s3://lake/t/", [], {})
    assert (made["InputFormat"], made["OutputFormat"]) == (FORMATS[name]["input"], FORMATS[name]["output"])
    assert made["SerdeInfo"]["SerializationLibrary"] == FORMATS[name]["serde"]


def test_set_up_installs_the_driver_that_jobs_need() -> None:
    assert description("connectors")["postgresql"]["package"] == install.DRIVER_PACKAGE


def test_jobs_find_the_descriptions_in_the_deployed_package() -> None:
    package = zipped(GLUE_SCRIPTS / "lake_etl", inside="lake_etl")
    code = "from lake_etl.connectors import POSTGRESQL; from lake_etl.formats import FORMATS; print(*FORMATS)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(package)}, capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == ([*FORMATS], "")
    assert {Path(name).suffix for name in zipfile.ZipFile(package).namelist()} == {".py", ".json"}

"""The AWS CLI: queries from start to rows, and the catalog."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from .conftest import Place

pytestmark = pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not installed")


def aws(*words: str) -> Any:
    command = ["aws", "--output", "json", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout or "null")


def test_a_query_is_started_waited_for_and_read(place: Place) -> None:
    context = f"Database={place.database},Catalog=AwsDataCatalog"
    output = f"OutputLocation={place.results}"
    started = aws(
        "athena", "start-query-execution", "--query-string", "SELECT 1 AS one", "--query-execution-context", context,
        "--result-configuration", output,
    )  # fmt: skip
    identity = ("--query-execution-id", started["QueryExecutionId"])
    while aws("athena", "get-query-execution", *identity)["QueryExecution"]["Status"]["State"] in ("QUEUED", "RUNNING"):
        pass
    rows = aws("athena", "get-query-results", *identity)["ResultSet"]["Rows"]
    assert [row["Data"][0]["VarCharValue"] for row in rows] == ["one", "1"]


def test_work_groups_and_engine_versions_are_returned(place: Place) -> None:
    group = aws("athena", "get-work-group", "--work-group", "primary")["WorkGroup"]
    assert group["Configuration"]["EnforceWorkGroupConfiguration"] is False
    assert group["Configuration"]["EngineVersion"]["EffectiveEngineVersion"] == "Athena engine version 3"
    assert len(aws("athena", "list-engine-versions")["EngineVersions"]) == 2


def test_an_unknown_action_is_named_in_the_error(place: Place) -> None:
    command = ["aws", "redshift", "describe-clusters"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "InvalidAction" in done.stderr
    assert "DescribeClusters" in done.stderr

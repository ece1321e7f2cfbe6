"""A lake of other data than the sample's by configuration alone: `lake init --example cars`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from vega_datasets import local_data

from lake.configuration.names import STACKS
from tests.e2e.conftest import TOOLS, Checkout, copied
from tests.local_aws.conftest import free_port

pytestmark = pytest.mark.e2e
FILES = {
    "cars": local_data.cars.filepath,
    "seattle": local_data.seattle_temps.filepath,
    "san_francisco": local_data.sf_temps.filepath,
}


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Checkout]:
    """The lake of the example, in a folder of its own beside the checkout that has the tool."""
    tool = Checkout(copied(tmp_path / "lake"))
    other = Checkout(tmp_path / "vega", {"PYTHONPATH": str(tool.root)})
    tool.lake("init", str(other.root), "--example", "cars")
    for name in TOOLS:
        (other.root / name).symlink_to(tool.root / name)
    file = other.root / "lake.yaml"
    file.write_text(file.read_text().replace(":4566", f":{free_port()}"))
    other.lake("local", "start")
    try:
        yield other
    finally:
        other.lake("local", "stop", code=None)


def test_another_dataset_needs_only_configuration(other: Checkout) -> None:
    other.lake("up", "storage", "catalog", "etl", "athena")
    for dataset, file in FILES.items():
        other.lake("put", dataset, str(file))
    assert {crawl["status"] for crawl in other.lake_json("crawl")} == {"SUCCEEDED"}
    reports = {job: other.lake_json("run", job) for job in ("economy", "temperatures")}
    economy = other.lake_json("query", "--name", "economy")["rows"]
    warmer = other.lake_json("query", "--name", "warmer_in_seattle")["rows"]

    assert (reports["economy"]["rows_in"], reports["economy"]["filtered"]) == (406, 8)
    assert economy == expected_economy()
    assert warmer == expected_hours()
    for stack in ("catalog", "etl", "athena"):
        assert "No changes." in other.planned(stack)
    other.lake("down", "--delete-data")
    assert other.lake_json("leftovers")["leftovers"] == []
    assert [other.state(stack) for stack in STACKS if stack != "streaming"] == [[]] * 4


def expected_economy() -> list[dict[str, Any]]:
    cars = pd.read_json(FILES["cars"]).dropna(subset="Miles_per_Gallon").drop_duplicates()
    by_origin = cars.groupby("Origin").Miles_per_Gallon.agg(["size", "mean"])
    return [
        {"origin": origin, "cars": int(row["size"]), "miles_per_gallon": round(row["mean"], 2)}
        for origin, row in by_origin.iterrows()
    ]


def expected_hours() -> list[dict[str, Any]]:
    seattle, san_francisco = (pd.read_csv(FILES[city]) for city in ("seattle", "san_francisco"))
    both = seattle.assign(date=seattle.date + ":00").merge(san_francisco, on="date", suffixes=("", "_sf"))
    months = both.groupby(both.date.str[5:7])
    return [
        {"month": month, "warmer_hours": int((rows.temp > rows.temp_sf).sum()), "hours": len(rows)}
        for month, rows in months
    ]

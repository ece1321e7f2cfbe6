"""Which run folders are removed and which are kept."""

from typing import Any

import boto3
import pytest
from pyspark.sql import SparkSession

from lake_etl.job import run
from lake_etl.versions import remove_unused
from tests.glue_scripts.small_lake import Lake


@pytest.fixture
def planes(lake: Lake) -> Lake:
    lake.put("raw", f"{lake.database}/planes/p.csv", "N1,5\nN2,6\n")
    lake.table("planes", "csv", {"tailnum": "string", "seats": "int"})
    return lake


def run_job(lake: Lake, condition: str = "true", **sink: Any) -> dict[str, Any]:
    spec = {"job": lake.database, "source": "planes", "tables": {"planes": "planes"}, "steps": [{"filter": condition}]}
    report = run(lake.arguments(lake.spec(**spec, sink={"table": lake.database} | sink)))
    lake.sync("curated", f"{lake.database}/run-{report['run_id']}")
    return report


def folders(lake: Lake) -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket="curated", Prefix=f"{lake.database}/")["Contents"]
    return sorted({entry["Key"].split("/")[1] for entry in listed})


def test_the_version_just_replaced_stays_until_the_next_run(planes: Lake, spark: SparkSession) -> None:
    ids, locations = [], []
    for _ in range(3):
        ids.append(f"run-{run_job(planes)['run_id']}")
        locations.append(planes.locations()[()])
    assert locations == [f"s3://curated/{planes.database}/{id_}/" for id_ in ids]
    assert folders(planes) == ids[1:]


def test_a_run_leaves_other_partitions_in_place(planes: Lake, spark: SparkSession) -> None:
    for condition in ("true", "seats > 5", "seats > 5", "false"):
        run_job(planes, condition, partition_by=["seats"])
    first, _, third, _ = (f"jr_{planes.database}{number}" for number in ("", "_2", "_3", "_4"))
    root = f"s3://curated/{planes.database}"
    assert planes.locations() == {("5",): f"{root}/run-{first}/seats=5/", ("6",): f"{root}/run-{third}/seats=6/"}
    assert sorted(planes.written(spark).collect()) == [("N1", 5), ("N2", 6)]


def test_the_next_successful_run_removes_the_folder_of_a_dead_run(planes: Lake, spark: SparkSession) -> None:
    planes.put("curated", f"{planes.database}/run-jr_dead/_temporary/0/part-0", "half")
    planes.put("curated", f"{planes.database}_2/run-jr_of_another_table/part-0", "whole")
    run_job(planes)
    assert folders(planes) == [f"run-jr_{planes.database}"]
    assert boto3.client("s3").list_objects_v2(Bucket="curated", Prefix=f"{planes.database}_2/")["KeyCount"] == 1


def test_the_folder_of_a_running_run_is_kept(aws: str) -> None:
    """Another run of the job, if several may run at once, has not published its output yet."""
    s3, glue = boto3.client("s3"), boto3.client("glue")
    glue.create_job(Name="several", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://scripts/x"})
    for run_id in ("jr_dead", "jr_current"):
        s3.put_object(Bucket="curated", Key=f"several/run-{run_id}/part-0", Body=b"rows")

    class Running:
        exceptions = glue.exceptions

        def get_job_run(self, JobName: str, RunId: str) -> Any:  # noqa: N803
            state = {"jr_dead": "FAILED", "jr_current": "RUNNING"}[RunId]
            return {"JobRun": {"JobRunState": state}}

    root = "s3://curated/several/"
    assert remove_unused(Running(), s3, "several", root, lambda: []) == [f"{root}run-jr_dead/"]  # type: ignore[arg-type]

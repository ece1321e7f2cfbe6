"""dlt keeps its own tables in Iceberg, which the embedded AWS does not support: the error says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .conftest import Place

dlt = pytest.importorskip("dlt")


def test_its_own_tables_are_refused_as_they_need_iceberg(place: Place, tmp_path: Path) -> None:
    credentials = {
        "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "region_name": "us-east-1",
        "endpoint_url": os.environ["AWS_ENDPOINT_URL"],
    }
    athena = dlt.destinations.athena(query_result_bucket=place.results, credentials=credentials)
    files = dlt.destinations.filesystem(bucket_url=place.folder("staging"), credentials=credentials)
    pipeline = dlt.pipeline(
        "loads", destination=athena, staging=files, dataset_name=place.database, pipelines_dir=str(tmp_path)
    )
    with pytest.raises(Exception, match="NOT_SUPPORTED: the embedded AWS has no Iceberg tables"):
        pipeline.run([{"id": 1, "name": "a"}], table_name="people", table_format="hive")

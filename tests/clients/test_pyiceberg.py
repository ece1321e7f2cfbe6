"""pyiceberg's Glue catalog: namespaces, and Iceberg tables, whose metadata it writes itself."""

from __future__ import annotations

import os
from typing import Any

import pytest

from .conftest import Place

catalogs = pytest.importorskip("pyiceberg.catalog")
pa = pytest.importorskip("pyarrow")


@pytest.fixture
def catalog(place: Place) -> Any:
    settings = {
        "type": "glue",
        "s3.endpoint": os.environ["AWS_ENDPOINT_URL"],
        "s3.access-key-id": os.environ["AWS_ACCESS_KEY_ID"],
        "s3.secret-access-key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "s3.region": "us-east-1",
    }
    return catalogs.load_catalog("lake", **settings)


def test_a_table_is_created_appended_to_and_read(catalog: Any, place: Place) -> None:
    rows = pa.table({"n": [1, 2], "s": ["a", "b"]})
    made = catalog.create_table((place.database, "ice"), schema=rows.schema, location=place.folder("ice"))
    made.append(rows)
    assert catalog.list_tables(place.database) == [(place.database, "ice")]
    assert catalog.load_table((place.database, "ice")).scan().to_arrow().to_pydict() == rows.to_pydict()
    assert place.table("ice")["Parameters"]["table_type"] == "ICEBERG"


def test_namespaces_are_created_and_dropped(catalog: Any, place: Place) -> None:
    name = f"{place.database}_other"
    catalog.create_namespace(name)
    assert (name,) in catalog.list_namespaces()
    catalog.drop_namespace(name)
    assert (name,) not in catalog.list_namespaces()

"""Contracts of the fix of Glue's machine learning transforms."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.mends.conftest import Aws


def test_an_ml_transform_is_created_updated_listed_and_deleted(side: Aws, name: str) -> None:
    glue = side("glue")
    glue.create_database(DatabaseInput={"Name": name})
    columns: Any = [{"Name": "id", "Type": "string"}]
    glue.create_table(DatabaseName=name, TableInput={"Name": "people", "StorageDescriptor": {"Columns": columns}})
    table = {"DatabaseName": name, "TableName": "people"}
    matching = {"PrimaryKeyColumnName": "id", "PrecisionRecallTradeoff": 0.5}
    given: Any = {"Parameters": {"TransformType": "FIND_MATCHES", "FindMatchesParameters": matching}}
    given |= {"Role": "arn:aws:iam::000000000000:role/r", "MaxCapacity": 10.0, "GlueVersion": "2.0"}
    with pytest.raises(ClientError, match="InvalidInputException"):
        glue.create_ml_transform(Name=name, InputRecordTables=[{**table, "TableName": "none"}], **given)

    made = glue.create_ml_transform(Name=name, InputRecordTables=[table], Tags={"a": "b"}, **given)["TransformId"]
    glue.update_ml_transform(TransformId=made, Description="changed")
    found = glue.get_ml_transform(TransformId=made)
    assert (found["Description"], found["InputRecordTables"], found["MaxCapacity"]) == ("changed", [table], 10.0)
    assert found["Schema"] == [{"Name": "id", "DataType": "string"}]
    assert glue.get_tags(ResourceArn=f"arn:aws:glue:us-east-1:000000000000:mlTransform/{made}")["Tags"] == {"a": "b"}
    assert name in {listed["Name"] for listed in glue.get_ml_transforms()["Transforms"]}
    glue.delete_ml_transform(TransformId=made)
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.get_ml_transform(TransformId=made)

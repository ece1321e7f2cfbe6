"""Contracts of the fixes of all services."""

from __future__ import annotations

import json

from tests.embedded import client, store_of
from tests.local_aws.mends.conftest import CREATED_WITH_TAGS, Aws


def test_the_emulator_alone_answers(emulator: str) -> None:
    """Without this, an emulator that does not start would seem to need every fix."""
    assert client("glue", emulator).get_jobs()["Jobs"] == []


def test_a_deleted_resource_leaves_nothing_in_the_store(endpoint: str, name: str) -> None:
    aws: Aws = lambda service: client(service, endpoint)  # noqa: E731
    glue, kinesis = aws("glue"), aws("kinesis")
    for create, payload, delete in CREATED_WITH_TAGS.values():
        getattr(glue, create)(**payload(name), Tags={"a": "b"})
        delete(glue, name)
    glue.create_database(DatabaseInput={"Name": name})
    keys = [{"Name": "day", "Type": "string"}]
    glue.create_table(DatabaseName=name, TableInput={"Name": "t", "PartitionKeys": keys})
    index = {"IndexName": "by_day", "Keys": ["day"]}
    glue.create_partition_index(DatabaseName=name, TableName="t", PartitionIndex=index)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.enable_enhanced_monitoring(StreamName=name, ShardLevelMetrics=["IncomingBytes"])
    assert name in json.dumps(store_of(endpoint))
    glue.delete_database(Name=name)
    kinesis.delete_stream(StreamName=name)
    assert name not in json.dumps(store_of(endpoint))

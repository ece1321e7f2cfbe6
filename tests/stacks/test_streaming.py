"""What `delivery` of a stream becomes: AWS's settings of Firehose, the table that Athena reads, and no more rights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.conftest import Stacks, resources, synthesised
from tests.stacks.test_stacks import lake_of

EVERYTHING = """\
streams:
  clicks:
    columns: {at: timestamp, page: string}
    event_time: {column: at}
    delivery:
      format: orc
      compression: zlib
      since: 2013-01-01
      partition_by:
        site: {query: .site, projection: {type: enum, values: [a, b]}}
        visitor: .visitor
      split: true
      transform: {folder: enrich, timeout: 30, megabytes: 2}
      backup: true
      file_extension: .o
  logs:
    columns: {at: timestamp, text: string}
    delivery: {source: direct, format: json, buffer: {megabytes: 5, seconds: 0}, time_zone: Europe/Oslo}
"""


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("lake")
    (folder / "enrich").mkdir()
    (folder / "enrich" / "main.py").write_text("def handler(event, context): ...\n")
    return synthesised(lake_of(folder, EVERYTHING), "local", folder / "out")["streaming"]


def delivery(streaming: dict[str, Any], name: str) -> dict[str, Any]:
    streams = resources(streaming, "aws_kinesis_firehose_delivery_stream").values()
    (found,) = (stream for stream in streams if stream["name"] == f"small-local-{name}")
    return found


def processors(streaming: dict[str, Any], name: str) -> dict[str, dict[str, str]]:
    configuration = delivery(streaming, name)["extended_s3_configuration"]["processing_configuration"]
    return {
        each["type"]: {one["parameter_name"]: one["parameter_value"] for one in each.get("parameters", [])}
        for each in configuration["processors"]
    }


def test_a_stream_is_partitioned_by_the_contents_of_events(streaming: dict[str, Any]) -> None:
    settings = delivery(streaming, "clicks")["extended_s3_configuration"]

    assert settings["prefix"] == (
        "clicks/date=!{partitionKeyFromQuery:date}/site=!{partitionKeyFromQuery:site}/"
        "visitor=!{partitionKeyFromQuery:visitor}/"
    )
    assert settings["dynamic_partitioning_configuration"] == {"enabled": True, "retry_duration": 300}
    found = processors(streaming, "clicks")
    assert list(found) == ["RecordDeAggregation", "Lambda", "MetadataExtraction"]
    assert found["MetadataExtraction"]["JsonParsingEngine"] == "JQ-1.6"
    # A parameter at its default would be changed by every plan.
    assert set(found["Lambda"]) == {"LambdaArn", "BufferSizeInMBs"}


def test_a_converted_stream_leaves_compression_to_the_serializer(streaming: dict[str, Any]) -> None:
    settings = delivery(streaming, "clicks")["extended_s3_configuration"]

    assert settings["compression_format"] == "UNCOMPRESSED"
    conversion = settings["data_format_conversion_configuration"]["output_format_configuration"]
    assert conversion == {"serializer": {"orc_ser_de": {"compression": "ZLIB"}}}
    assert settings["s3_backup_configuration"]["prefix"] == "_source/clicks/date=!{timestamp:yyyy-MM-dd}/"


def test_a_direct_stream_has_no_kinesis_stream_and_is_encrypted_itself(streaming: dict[str, Any]) -> None:
    found = delivery(streaming, "logs")

    assert [stream["name"] for stream in resources(streaming, "aws_kinesis_stream").values()] == ["small-local-clicks"]
    assert "kinesis_source_configuration" not in found
    assert found["server_side_encryption"] == {"enabled": True, "key_type": "AWS_OWNED_CMK"}
    settings = found["extended_s3_configuration"]
    assert (settings["compression_format"], settings["custom_time_zone"]) == ("GZIP", "Europe/Oslo")
    assert processors(streaming, "logs") == {"AppendDelimiterToRecord": {}}


def test_a_stream_that_reads_an_encrypted_kinesis_stream_is_not_encrypted_itself(local: Stacks) -> None:
    deliveries = resources(local["streaming"], "aws_kinesis_firehose_delivery_stream").values()
    assert deliveries and not [one for one in deliveries if "server_side_encryption" in one]


def test_the_table_has_the_format_and_the_partitions_that_firehose_writes(streaming: dict[str, Any]) -> None:
    tables = {table["name"]: table for table in resources(streaming, "aws_glue_catalog_table").values()}
    parameters = tables["clicks"]["parameters"]

    assert [key["name"] for key in tables["clicks"]["partition_keys"]] == ["date", "site", "visitor"]
    assert parameters["projection.date.range"] == "2013-01-01,NOW+1DAYS"
    assert (parameters["projection.site.type"], parameters["projection.site.values"]) == ("enum", "a,b")
    assert parameters["projection.visitor.type"] == "injected"
    assert parameters["storage.location.template"].endswith("/clicks/date=$${date}/site=$${site}/visitor=$${visitor}/")
    serdes = {name: table["storage_descriptor"]["ser_de_info"] for name, table in tables.items()}
    assert serdes["clicks"]["serialization_library"].endswith("OrcSerde")
    assert serdes["logs"]["serialization_library"].endswith("JsonSerDe")


def test_the_function_can_only_write_its_own_log(streaming: dict[str, Any]) -> None:
    policies = {id_: json.loads(each["policy"]) for id_, each in resources(streaming, "aws_iam_role_policy").items()}
    (policy,) = (policy for id_, policy in policies.items() if "transform" in id_)
    (statement,) = policy["Statement"]

    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert [resource.rpartition("log-group:")[2] for resource in statement["Resource"]] == [
        "/small-local/lambda/clicks:*"
    ]
    (function,) = resources(streaming, "aws_lambda_function").values()
    assert (function["timeout"], function["handler"]) == (30, "main.handler")
    assert function["logging_config"]["log_format"] == "Text"


def test_only_its_stream_can_call_the_function(streaming: dict[str, Any]) -> None:
    policies = {id_: each["policy"] for id_, each in resources(streaming, "aws_iam_role_policy").items()}
    callers = [id_ for id_, policy in policies.items() if "lambda:InvokeFunction" in policy]

    assert len(callers) == 1
    assert callers[0].startswith("clicks_delivery")


def test_the_same_code_makes_the_same_function(streaming: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "enrich").mkdir()
    (tmp_path / "enrich" / "main.py").write_text("def handler(event, context): ...\n")
    again = synthesised(lake_of(tmp_path, EVERYTHING), "local", tmp_path / "out")["streaming"]
    (first,), (second,) = (resources(each, "aws_lambda_function").values() for each in (streaming, again))

    assert first["source_code_hash"] == second["source_code_hash"]

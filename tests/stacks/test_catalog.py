"""The catalog stack of a lake that uses every way to a table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stacks.conftest import ROOT, resources, synthesised

LAKE = """
project: lab
environments: {local: {endpoint: "http://127.0.0.1:4566", region: us-east-1, destroyable: true}}
datasets:
  clicks: {format: json, partitions: [day], crawl: {recrawl: events, on_delete: delete}}
  orders: {format: csv, csv: {delimiter: ";", serde: LazySimpleSerDe}, crawl: {recrawl: events}}
  batches: {format: json, json: {path: "$.records[*]"}, partition_index: false}
  access: {format: grok, grok: {pattern: "%{COMMONAPACHELOG}", custom_patterns: "SITE [a-z]+"}}
  books: {format: xml, xml: {row_tag: book}}
  readings:
    format: json
    catalog: projected
    columns: {id: int, value: double}
    partitions: {year: int, day: string}
    projection:
      year: {type: integer, range: [2010, 2030], digits: 4}
      day: {type: date, range: [2024-01-01, NOW], format: yyyy-MM-dd, interval: 1, interval_unit: DAYS}
  rates:
    format: csv
    catalog: declared
    columns: {code: string, rate: double}
    partitions: [month]
  shops: {format: parquet, catalog: declared, columns: {shop: string}}
"""
RAW = "lab-local-raw-${data.aws_caller_identity.account.account_id}"
ARN = "arn:aws:sqs:us-east-1:${data.aws_caller_identity.account.account_id}:lab-local-"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("catalog")
    (folder / "lake.yaml").write_text(LAKE)
    for name in ("queries", "glue_scripts", "flink_app"):
        (folder / name).symlink_to(ROOT / name)
    return synthesised(folder / "lake.yaml", "local", folder / "out")["catalog"]


def crawlers(catalog: dict[str, Any]) -> dict[str, Any]:
    return {c["name"].removeprefix("lab-local-"): c for c in resources(catalog, "aws_glue_crawler").values()}


def tables(catalog: dict[str, Any]) -> dict[str, Any]:
    return {table["name"]: table for table in resources(catalog, "aws_glue_catalog_table").values()}


def test_only_crawled_datasets_have_a_crawler_and_only_the_others_a_table(catalog: dict[str, Any]) -> None:
    assert set(crawlers(catalog)) == {"clicks", "orders", "batches", "access", "books"}
    assert set(tables(catalog)) == {"readings", "rates", "shops"}


def test_event_driven_crawls_have_queues_that_only_s3_can_send_to(catalog: dict[str, Any]) -> None:
    [target] = crawlers(catalog)["clicks"]["s3_target"]
    queues = {queue["name"]: queue for queue in resources(catalog, "aws_sqs_queue").values()}
    policies = resources(catalog, "aws_sqs_queue_policy")

    assert target["event_queue_arn"] == f"{ARN}clicks-events"
    assert target["dlq_event_queue_arn"] == f"{ARN}clicks-dead-letters"
    assert crawlers(catalog)["clicks"]["recrawl_policy"] == {"recrawl_behavior": "CRAWL_EVENT_MODE"}
    assert set(queues) == {f"lab-local-{d}-{q}" for d in ("clicks", "orders") for q in ("events", "dead-letters")}
    assert all(queue["sqs_managed_sse_enabled"] for queue in queues.values())
    assert "dead_letters" in json.loads(queues["lab-local-clicks-events"]["redrive_policy"])["deadLetterTargetArn"]
    [statement] = json.loads(policies["clicks_events_policy"]["policy"])["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert (statement["Action"], statement["Resource"]) == (["sqs:SendMessage"], [f"{ARN}clicks-events"])
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{RAW}"},
        "StringEquals": {"aws:SourceAccount": "${data.aws_caller_identity.account.account_id}"},
    }


def test_one_resource_holds_the_notifications_of_all_datasets_by_prefix(catalog: dict[str, Any]) -> None:
    [notification] = resources(catalog, "aws_s3_bucket_notification").values()

    assert notification["bucket"] == RAW
    assert {queue["filter_prefix"] for queue in notification["queue"]} == {"clicks/", "orders/"}
    assert all(queue["events"] == ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"] for queue in notification["queue"])
    assert set(notification["depends_on"]) == {
        "aws_sqs_queue_policy.clicks_events_policy",
        "aws_sqs_queue_policy.orders_events_policy",
    }


def test_crawlers_can_read_the_queues_and_delete_tables_if_a_dataset_needs_it(catalog: dict[str, Any]) -> None:
    [policy] = resources(catalog, "aws_iam_role_policy").values()
    statements = json.loads(policy["policy"])["Statement"]
    [queues] = [s for s in statements if "sqs:ReceiveMessage" in s["Action"]]

    assert queues["Resource"] == [f"{ARN}{d}-{q}" for d in ("clicks", "orders") for q in ("events", "dead-letters")]
    assert "glue:DeleteTable" in policy["policy"]


def test_a_lake_without_event_driven_crawls_has_no_queue(local: Any) -> None:
    assert not resources(local["catalog"], "aws_sqs_queue")
    assert not resources(local["catalog"], "aws_s3_bucket_notification")
    assert "sqs:" not in json.dumps(local["catalog"])


def test_each_format_has_its_classifier(catalog: dict[str, Any]) -> None:
    found = {c["name"].removeprefix("lab-local-"): c for c in resources(catalog, "aws_glue_classifier").values()}

    assert set(found) == {"orders", "batches", "access", "books"}
    assert found["orders"]["csv_classifier"]["serde"] == "LazySimpleSerDe"
    assert found["batches"]["json_classifier"] == {"json_path": "$.records[*]"}
    assert found["access"]["grok_classifier"] == {
        "classification": "access",
        "custom_patterns": "SITE [a-z]+",
        "grok_pattern": "%%{COMMONAPACHELOG}",
    }
    assert found["books"]["xml_classifier"] == {"classification": "xml", "row_tag": "book"}
    assert "classifiers" not in crawlers(catalog)["clicks"]


def test_a_crawler_makes_a_partition_index_unless_the_dataset_says_no(catalog: dict[str, Any]) -> None:
    made = {name: json.loads(c["configuration"])["CreatePartitionIndex"] for name, c in crawlers(catalog).items()}

    assert made == {"clicks": True, "orders": True, "batches": False, "access": True, "books": True}


def test_athena_computes_the_partitions_of_a_projected_table(catalog: dict[str, Any]) -> None:
    table = tables(catalog)["readings"]

    assert table["partition_keys"] == [{"name": "year", "type": "int"}, {"name": "day", "type": "string"}]
    assert {k: v for k, v in table["parameters"].items() if k.startswith("projection")} == {
        "projection.enabled": "true",
        "projection.year.type": "integer",
        "projection.year.range": "2010,2030",
        "projection.year.digits": "4",
        "projection.day.type": "date",
        "projection.day.range": "2024-01-01,NOW",
        "projection.day.format": "yyyy-MM-dd",
        "projection.day.interval": "1",
        "projection.day.interval.unit": "DAYS",
    }
    assert table["storage_descriptor"]["location"] == f"s3://{RAW}/readings/"
    assert table["storage_descriptor"]["ser_de_info"]["parameters"] == {"paths": "id,value"}


def test_a_declared_table_has_its_serde_and_its_index(catalog: dict[str, Any]) -> None:
    rates, shops = tables(catalog)["rates"], tables(catalog)["shops"]
    [index] = resources(catalog, "aws_glue_partition_index").values()

    assert rates["storage_descriptor"]["ser_de_info"]["serialization_library"].endswith(".OpenCSVSerde")
    assert rates["parameters"]["skip.header.line.count"] == "1"
    assert shops["storage_descriptor"]["input_format"].endswith("MapredParquetInputFormat")
    assert index["table_name"] == "${aws_glue_catalog_table.rates_table.name}"
    assert index["partition_index"] == {"index_name": "partition_index", "keys": ["month"]}

"""A window's alert becomes a stream, a table, and a function that may publish to one topic and do no more."""

from __future__ import annotations

import base64
import importlib.util
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.stacks.conftest import ROOT, Stacks, resources, synthesised
from tests.stacks.test_stacks import lake_of

STREAM = """\
streams:
  orders:
    columns: {at: timestamp, shop: string, price: double}
    event_time: {column: at}
    windows: {sums: {by: shop, seconds: 60, compute: {total: sum(price)}, alert: total > 100}}
"""


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("lake")
    return synthesised(lake_of(folder, STREAM), "local", folder / "out")["streaming"]


def test_alerts_have_a_table_of_the_results_columns(streaming: dict[str, Any]) -> None:
    tables = {table["name"]: table for table in resources(streaming, "aws_glue_catalog_table").values()}
    columns = {
        name: [column["name"] for column in tables[name]["storage_descriptor"]["columns"]]
        for name in ("orders_sums", "orders_sums_alerts")
    }
    assert columns["orders_sums_alerts"] == columns["orders_sums"] == ["window_start", "window_end", "shop", "total"]


def test_firehose_brings_alerts_to_the_function_at_once(streaming: dict[str, Any]) -> None:
    deliveries = resources(streaming, "aws_kinesis_firehose_delivery_stream").values()
    (found,) = (each for each in deliveries if each["name"] == "small-local-orders_sums_alerts")
    settings = found["extended_s3_configuration"]
    (processor,) = (each for each in settings["processing_configuration"]["processors"] if each["type"] == "Lambda")
    parameters = {one["parameter_name"]: one["parameter_value"] for one in processor["parameters"]}
    assert (settings["buffering_interval"], parameters["BufferIntervalInSeconds"]) == (0, "0")


def test_the_function_may_publish_to_the_topic_use_the_key_and_write_its_log(streaming: dict[str, Any]) -> None:
    (topic,) = (each for each in resources(streaming, "aws_sns_topic").values() if each["name"].endswith("-alerts"))
    assert topic["kms_master_key_id"]
    policy = resources(streaming, "aws_iam_role_policy")["orders_sums_alerts_transform_policy"]["policy"]
    statements = {tuple(each["Action"]): each["Resource"] for each in json.loads(policy)["Statement"]}
    assert statements[("sns:Publish",)] == ["${aws_sns_topic.alerts_topic.arn}"]
    assert set(statements) == {
        ("sns:Publish",), ("kms:Decrypt", "kms:GenerateDataKey"), ("logs:CreateLogStream", "logs:PutLogEvents"),
    }  # fmt: skip


def test_without_alerts_there_is_no_topic_of_them(local: Stacks) -> None:
    assert not resources(local["streaming"], "aws_sns_topic")


def test_the_function_publishes_each_alert_and_lets_it_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[dict[str, Any]] = []
    notify = _notify()
    topic = SimpleNamespace(publish=lambda **message: published.append(message))
    monkeypatch.setattr(notify.boto3, "client", lambda service: topic)
    for name, value in {"STREAM": "orders", "WINDOW": "sums", "CONDITION": "total > 1", "TOPIC": "arn:t"}.items():
        monkeypatch.setenv(name, value)
    records = [
        {"recordId": str(n), "data": base64.b64encode(json.dumps({"total": n}).encode()).decode()} for n in (2, 3)
    ]

    answer = notify.handler({"records": records}, None)

    assert answer == {"records": [{**record, "result": "Ok"} for record in records]}
    assert [json.loads(each["Message"]) for each in published] == [
        {"stream": "orders", "window": "sums", "condition": "total > 1", "result": {"total": n}} for n in (2, 3)
    ]
    assert {(each["TopicArn"], each["Subject"]) for each in published} == {("arn:t", "orders: sums")}


def _notify() -> ModuleType:
    file: Path = ROOT / "stacks/streaming/notify/main.py"
    spec = importlib.util.spec_from_file_location("notify", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

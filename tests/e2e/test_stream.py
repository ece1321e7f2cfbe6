"""A stream from `lake send` to windows, alerts and an exact check: real Terraform, real Flink."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lake.configuration.flink import is_installed
from tests.e2e.conftest import ROOT, TOOLS, Checkout, copied
from tests.local_aws.conftest import free_port, until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(not is_installed(), reason="Flink is not installed: make flink")]
CONFIG = """\
project: shop
environments:
  local: {{endpoint: "http://127.0.0.1:{port}", region: us-east-1, destroyable: true}}
streams:
  orders:
    columns: {{at: timestamp, shop: string, price: double}}
    event_time: {{column: at, lateness: 60}}
    windows:
      sums: {{by: shop, seconds: 60, compute: {{orders: count, total: sum(price)}}, alert: total > 100}}
"""


def event(second: int, shop: str, price: float) -> dict[str, Any]:
    return {"at": f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z", "shop": shop, "price": price}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Checkout]:
    tool = Checkout(copied(tmp_path / "tool"))
    shop = Checkout(tmp_path / "shop", {"PYTHONPATH": str(tool.root)})
    shop.root.mkdir()
    (shop.root / "lake.yaml").write_text(CONFIG.format(port=free_port()))
    for file in ("main.py", "cdktf.json"):
        shutil.copy(ROOT / file, shop.root / file)
    for name in TOOLS:
        (shop.root / name).symlink_to(tool.root / name)
    shop.lake("local", "start")
    try:
        yield shop
    finally:
        shop.lake("local", "stop", code=None)


def test_events_become_windows_and_alerts_and_a_check_tells_that_none_is_missing(
    shop: Checkout, tmp_path: Path
) -> None:
    shop.lake("up", "storage", "athena", "streaming")
    assert "No changes." in shop.planned("streaming")
    heard = _subscribed(shop)
    file = tmp_path / "orders.jsonl"
    events = [event(second, "ab"[second % 2], float(second)) for second in range(120)]
    lines = [json.dumps(each) for each in (*events, event(500, "end", 0.0), event(1, "a", 1.0))]
    file.write_text("\n".join(lines) + "\n")
    shop.lake("send", "orders", str(file))
    shop.aws().kinesis.put_record(StreamName="shop-local-orders", Data=b"no JSON", PartitionKey="another's")

    found = until(
        lambda: answer if (answer := _checked(shop))["exact"] and answer["flink"]["in_windows"] else None, 180
    )
    assert (found["sent"], found["in_stream"], found["foreign"], found["missing"]) == (122, 122, 1, [])
    assert found["flink"] == {"in_windows": 120, "open": 1, "rejected": 2}
    assert (found["in_files"], found["with_errors"]) == (122, 1)
    query = "SELECT shop, sum(total) AS total FROM orders_sums GROUP BY 1"
    assert {row["shop"]: row["total"] for row in _rows(shop, query, 2)} == {
        name: sum(each["price"] for each in events if each["shop"] == name) for name in "ab"
    }
    alerts = until(lambda: found if len(found := heard()) >= 4 else None, 60)
    assert {(each["stream"], each["window"], each["condition"]) for each in alerts} == {
        ("orders", "sums", "total > 100")
    }
    assert {(each["result"]["shop"], each["result"]["total"]) for each in alerts} == {
        (name, sum(each["price"] for each in part if each["shop"] == name))
        for part in (events[:60], events[60:])
        for name in "ab"
    }
    assert len(_rows(shop, "SELECT * FROM orders_sums_alerts", 4)) == 4
    shop.lake("down", "--delete-data")
    assert shop.lake_json("leftovers")["leftovers"] == []


def test_a_changed_window_updates_its_application_which_starts_only_without_its_state(shop: Checkout) -> None:
    shop.lake("up", "storage", "athena", "streaming")
    shop.lake("stream", "savepoints", "orders", "--take")
    before = _application(shop)

    file = shop.root / "lake.yaml"
    file.write_text(file.read_text().replace("windows:\n", "windows:\n      counts: {seconds: 60}\n"))
    failed = shop.lake("up", "streaming", code=1)
    assert "shop-local-orders was updated, and did not start again" in " ".join(failed.stderr.split())
    after = _application(shop)
    assert after["CreateTimestamp"] == before["CreateTimestamp"]
    assert (before["ApplicationStatus"], after["ApplicationStatus"]) == ("RUNNING", "READY")
    shop.lake("up", "streaming")
    assert "No changes." in shop.planned("streaming")
    refused = shop.lake("stream", "start", "orders", code=1)
    assert "window.counts is new" in " ".join(refused.stderr.split())
    shop.lake("stream", "start", "orders", "--fresh")
    assert _application(shop)["ApplicationStatus"] == "RUNNING"


def _application(shop: Checkout) -> Any:
    return shop.aws().flink.describe_application(ApplicationName="shop-local-orders")["ApplicationDetail"]


def _rows(shop: Checkout, query: str, least: int) -> list[dict[str, Any]]:
    """The answer, once Firehose has written so many rows."""
    asked = ("query", "--database", "streams", query)
    return list(until(lambda: rows if len(rows := shop.lake_json(*asked)["rows"]) >= least else None, 60))


def _checked(shop: Checkout) -> Any:
    return json.loads(shop.lake("stream", "check", "orders", "--json", code=None).stdout)


def _subscribed(shop: Checkout) -> Any:
    """A queue that is subscribed to the alerts. Returns what gives all messages so far."""
    aws = shop.aws()
    sqs, sns = aws.sqs, aws.sns
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = next(each["TopicArn"] for each in sns.list_topics()["Topics"] if each["TopicArn"].endswith("-alerts"))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    heard: list[dict[str, Any]] = []

    def all_so_far() -> list[dict[str, Any]]:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            heard.append(json.loads(json.loads(message["Body"])["Message"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return heard

    return all_so_far

"""Every way to a table: deployed, filled, queried, planned again without a change, and taken down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Checkout, checkout_in
from tests.local_aws.conftest import free_port

pytestmark = pytest.mark.e2e
LAKE = """
project: lab
environments: {local: {endpoint: "http://127.0.0.1:PORT", region: us-east-1, destroyable: true}}
datasets:
  clicks: {format: json, partitions: [day], crawl: {recrawl: events, on_delete: delete}}
  batches: {format: json, json: {path: "$.records[*]"}}
  access: {format: grok, grok: {pattern: "%{COMMONAPACHELOG}"}}
  books: {format: xml, xml: {row_tag: book}}
  readings:
    format: json
    catalog: projected
    columns: {id: int, value: double}
    partitions: {year: int, month: string}
    projection: {year: {type: integer, range: [2020, 2030]}, month: {type: integer, range: [1, 12], digits: 2}}
  rates: {format: csv, catalog: declared, columns: {code: string, rate: double}, partitions: [month]}
"""
STACKS = ("storage", "catalog", "athena")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    for checkout in checkout_in(tmp_path_factory.mktemp("lab")):
        (checkout.root / "lake.yaml").write_text(LAKE.replace("PORT", str(free_port())))
        checkout.lake("local", "start")
        checkout.lake("up", *STACKS)
        yield checkout


def files(folder: Path, contents: dict[str, str]) -> str:
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return str(folder)


def rows(lab: Checkout, sql: str) -> Any:
    return lab.lake_json("query", sql, "--database", "raw")["rows"]


def test_put_registers_the_partitions_of_a_declared_table(lab: Checkout, tmp_path: Path) -> None:
    months = {f"month={m}/a.csv": f"code,rate\nEUR,1.{m}\nJPY,2.5\n" for m in (1, 2)}

    assert lab.lake_json("put", "rates", files(tmp_path, months))["new_partitions"] == 2
    assert lab.lake_json("put", "rates", str(tmp_path))["new_partitions"] == 0
    assert rows(lab, "SELECT code, rate FROM rates WHERE month = '2' ORDER BY code") == [
        {"code": "EUR", "rate": 1.2},
        {"code": "JPY", "rate": 2.5},
    ]


def test_a_projected_table_needs_no_registered_partitions(lab: Checkout, tmp_path: Path) -> None:
    lab.lake("put", "readings", files(tmp_path, {"year=2024/month=03/a.json": '{"id": 1, "value": 2.5}\n'}))

    assert rows(lab, "SELECT id, value, year + 1 AS next, month FROM readings") == [
        {"id": 1, "value": 2.5, "next": 2025, "month": "03"}
    ]


@pytest.mark.parametrize("dataset", ["readings", "rates"])
def test_a_crawl_of_a_table_without_a_crawler_is_refused_in_one_line(lab: Checkout, dataset: str) -> None:
    shown = lab.lake("crawl", dataset, code=2).stderr

    assert shown.count("\n") == 1
    assert f"{dataset} has no crawler: its table is" in shown


def test_an_event_driven_crawl_reads_the_folders_in_s3_events(lab: Checkout, tmp_path: Path) -> None:
    lab.lake("put", "clicks", files(tmp_path, {"day=1/a.json": '{"n": 1}\n', "day=2/a.json": '{"n": 2}\n'}))
    [first] = lab.lake_json("crawl", "clicks")
    lab.lake_json("crawl", "clicks")
    lab.lake("put", "clicks", files(tmp_path, {"day=3/a.json": '{"n": 3, "late": true}\n'}))
    lab.s3().delete_object(Bucket="lab-local-raw-000000000000", Key="clicks/day=1/a.json")
    [last] = lab.lake_json("crawl", "clicks")

    assert (first["status"], first["partitions"], last["status"], last["partitions"]) == (
        "SUCCEEDED",
        2,
        "SUCCEEDED",
        2,
    )
    assert rows(lab, "SELECT n, late, day FROM clicks ORDER BY n") == [
        {"n": 2, "late": None, "day": "2"},
        {"n": 3, "late": True, "day": "3"},
    ]


def test_a_crawl_with_an_unsupported_classifier_fails_with_a_message(lab: Checkout) -> None:
    outcomes = {line["dataset"]: line for line in lab.lake_json("crawl", "access", "books", code=1)}

    assert {line["status"] for line in outcomes.values()} == {"FAILED"}
    assert "GrokClassifier, which the embedded crawler cannot run" in outcomes["access"]["message"]
    assert "XMLClassifier, which the embedded crawler cannot run" in outcomes["books"]["message"]


def test_resources_in_no_state_are_found_by_name_and_adopted(lab: Checkout) -> None:
    """As after a kill between the call that makes a resource and the state that names it, here for all of a stack."""
    before = lab.state("catalog")
    lab.forget_state("catalog")

    shown = lab.lake("up", "catalog").stderr

    assert shown.count("catalog: adopted: ") == sum(type_ not in SET_ON_ANOTHER for type_ in types(before)), shown
    assert sorted(lab.state("catalog")) == sorted(before)


SET_ON_ANOTHER = {"aws_iam_role_policy", "aws_s3_bucket_notification", "aws_sqs_queue_policy"}
"""To set these again is no harm."""


def types(addresses: list[str]) -> list[str]:
    return [address.partition(".")[0] for address in addresses if not address.startswith("data.")]


def test_a_plan_after_partitions_and_crawls_shows_no_change(lab: Checkout) -> None:
    shown = lab.planned("catalog")

    assert "No changes." in shown, shown


def test_down_leaves_nothing_even_after_a_lost_state(lab: Checkout) -> None:
    before = {place: line for place, line in _parts(lab).items() if place.startswith("table ")}
    lab.forget_state("storage")
    _lose_what_athena_kept(lab)
    lab.lake("down", *STACKS, "--delete-data")

    assert "1 partitions" not in before["table readings"]["detail"]
    assert before["table rates"]["detail"] == "declared; table with 2 columns, 2 partitions"
    assert lab.lake_json("leftovers")["leftovers"] == []
    assert not [entry for entry in lab.lake_json("local", "store") if "lab" in entry["key"]]


def _lose_what_athena_kept(lab: Checkout) -> None:
    athena = lab.aws().athena
    for query in athena.list_named_queries(WorkGroup="lab-local")["NamedQueryIds"]:
        athena.delete_named_query(NamedQueryId=query)
    athena.delete_work_group(WorkGroup="lab-local", RecursiveDeleteOption=True)


def _parts(lab: Checkout) -> dict[str, dict[str, str]]:
    return {line["part"]: line for line in lab.lake_json("status")}

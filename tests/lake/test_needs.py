"""What a deploy waits for, and what it does not wait for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake.configuration.names import Names
from lake.configuration.reading import load
from lake.deploying.keys import alias_counts_from
from lake.deploying.needs import Needs
from lake.deploying.status import ABSENT, status
from tests.lake.test_workflows import LAKE

NOT_ABSENT = ["ExpiredToken", "ExpiredTokenException", "AccessDenied", "AccessDeniedException", "ThrottlingException"]


def answers(code: str, status_code: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status_code}}
    return ClientError(response, "AnyCall")


def account(
    folder: Path, *, crawlers: dict[str, str] | None = None, error: ClientError | None = None, endpoint: bool = False
) -> Any:
    """An account (or an embedded AWS) with these crawlers and their states, which answers the rest with an error."""
    text = LAKE if endpoint else LAKE.replace('endpoint: "http://127.0.0.1:4566", ', "")
    (folder / "lake.yaml").write_text(text)
    there = crawlers or {}

    def batch_get_crawlers(**request: list[str]) -> dict[str, Any]:
        found = [{"Name": name, "State": there[name]} for name in request["CrawlerNames"] if name in there]
        return {"Crawlers": found, "CrawlersNotFound": [name for name in request["CrawlerNames"] if name not in there]}

    def call(**request: Any) -> dict[str, Any]:
        if error:
            raise error
        return {}

    return SimpleNamespace(
        lake=load(folder / "lake.yaml"),
        names=Names("shop", "local", "eu", "1"),
        glue=SimpleNamespace(batch_get_crawlers=batch_get_crawlers),
        kms=SimpleNamespace(describe_key=call),
        s3=SimpleNamespace(head_bucket=call),
    )


@pytest.mark.parametrize(
    ("there", "waits_for"),
    [
        ([], "the crawlers of catalog"),
        (["shop-local-orders"], "the crawlers of catalog"),
        (["shop-local-orders", "shop-local-customers"], ""),
    ],
)
def test_in_an_account_the_etl_stack_waits_for_the_crawlers_of_its_triggers(
    tmp_path: Path, there: list[str], waits_for: str
) -> None:
    aws = account(tmp_path, crawlers=dict.fromkeys(there, "READY"))
    assert Needs(aws, ["catalog", "etl"]).missing("etl") == waits_for


def test_on_the_embedded_aws_the_etl_stack_does_not_wait_for_crawlers(tmp_path: Path) -> None:
    assert Needs(account(tmp_path, endpoint=True), ["catalog", "etl"]).missing("etl") == ""


@pytest.mark.parametrize("state", ["RUNNING", "STOPPING"])
def test_the_catalog_stack_waits_until_a_crawl_ends(tmp_path: Path, state: str) -> None:
    aws = account(tmp_path, crawlers={"shop-local-orders": state, "shop-local-customers": "READY"})
    assert Needs(aws, ["catalog"]).missing("catalog") == "the end of the crawler shop-local-orders"


@pytest.mark.parametrize(("code", "status_code"), [("NotFoundException", 400), ("404", 404)])
def test_other_stacks_wait_for_a_missing_key_or_bucket(tmp_path: Path, code: str, status_code: int) -> None:
    needs = Needs(account(tmp_path, error=answers(code, status_code)), ["storage", "athena"])
    assert needs.missing("athena") == "the key and the buckets of storage"
    assert needs.missing("storage") == ""


def keys_of(made: datetime) -> Any:
    """KMS of an account: AWS's own aliases have no dates, and the lake's was made then."""
    aliases = [{"AliasName": "alias/aws/s3"}, {"AliasName": "alias/shop-local", "LastUpdatedDate": made}]
    pages = SimpleNamespace(paginate=lambda **request: [{"Aliases": aliases}])
    described = {"KeyMetadata": {"KeyId": "key 1"}}
    return SimpleNamespace(describe_key=lambda **request: described, get_paginator=lambda operation: pages)


def test_an_alias_counts_five_minutes_after_it_was_made_beside_aliases_of_aws(tmp_path: Path) -> None:
    made = datetime(2026, 1, 31, tzinfo=UTC)
    aws = account(tmp_path)
    aws.kms = keys_of(made)
    assert alias_counts_from(aws) == made + timedelta(minutes=5)
    absent = account(tmp_path, error=answers("NotFoundException"))
    assert alias_counts_from(absent) is None


@pytest.mark.parametrize(
    ("minutes", "windows", "endpoint", "waits"),
    [
        (4, "{hourly: {seconds: 3600}}", "", True),
        (6, "{hourly: {seconds: 3600}}", "", False),
        (4, "{}", "", False),
        (4, "{hourly: {seconds: 3600}}", "endpoint: 'http://127.0.0.1:4566', ", False),
    ],
)
def test_an_application_waits_until_permissions_know_the_alias_of_the_key(
    tmp_path: Path, minutes: int, windows: str, endpoint: str, waits: bool
) -> None:
    aws = account(tmp_path)
    stream = f"{{columns: {{at: timestamp}}, event_time: {{column: at}}, windows: {windows}}}"
    environment = f"environments: {{local: {{{endpoint}region: eu-west-1}}}}"
    (tmp_path / "lake.yaml").write_text(f"project: shop\n{environment}\nstreams: {{clicks: {stream}}}\n")
    aws.lake, aws.kms = load(tmp_path / "lake.yaml"), keys_of(datetime.now(UTC) - timedelta(minutes=minutes))
    for stacks in (["storage", "streaming"], ["streaming"]):
        missing = Needs(aws, stacks).missing("streaming")
        assert missing == ("the alias of the key, which counts in permissions 5 minutes after it was made" * waits)
    assert Needs(aws, ["storage", "catalog"]).missing("athena") == ""


GOVERNED = """
project: shop
environments:
  local: {region: eu-west-1, lake_formation: true}
datasets:
  orders: {format: csv}
jobs:
  sales: {source: orders, sink: {table: sales, feature_group: sold}}
feature_groups:
  sold: {identifier: id, time: at, features: {id: string}}
"""


@pytest.mark.parametrize(
    ("role", "stacks", "waits_for"),
    [
        (False, ["etl", "ml"], "the role of etl's jobs, which a grant names"),
        (True, ["etl", "ml"], ""),
        (False, ["ml"], ""),
    ],
)
def test_ml_waits_for_the_role_that_its_grants_name(
    tmp_path: Path, role: bool, stacks: list[str], waits_for: str
) -> None:
    def get_role(RoleName: str) -> Any:  # noqa: N803
        assert RoleName == "shop-local-job"
        if not role:
            raise answers("NoSuchEntity", 404)

    aws = account(tmp_path)
    (tmp_path / "lake.yaml").write_text(GOVERNED)
    aws.lake, aws.iam = load(tmp_path / "lake.yaml"), SimpleNamespace(get_role=get_role)
    assert Needs(aws, stacks).missing("ml") == waits_for


@pytest.mark.parametrize("code", NOT_ABSENT)
def test_an_expired_login_or_missing_permission_is_reported_at_once(tmp_path: Path, code: str) -> None:
    with pytest.raises(ClientError, match=code):
        Needs(account(tmp_path, error=answers(code)), ["storage", "athena"]).missing("athena")


@pytest.mark.parametrize("code", NOT_ABSENT)
def test_a_missing_permission_is_not_reported_as_not_deployed(tmp_path: Path, code: str) -> None:
    with pytest.raises(ClientError, match=code):
        status(account(tmp_path, error=answers(code), crawlers={}))


def test_a_missing_resource_is_reported_as_not_deployed(tmp_path: Path) -> None:
    class Absent:
        def __getattr__(self, name: str) -> Any:
            def call(**request: Any) -> Any:
                raise answers("InvalidRequestException" if name == "get_work_group" else "EntityNotFoundException")

            return call

    absent = answers("InvalidRequestException")
    absent.response["Error"]["Message"] = "WorkGroup shop-local is not found."

    def get_work_group(**request: Any) -> Any:
        raise absent

    aws = account(tmp_path)
    nothing = Absent()
    for service in ("glue", "s3", "kinesis", "firehose", "flink", "secrets"):
        setattr(aws, service, nothing)
    aws.athena = SimpleNamespace(get_work_group=get_work_group)
    assert {line.state for line in status(aws)} == {ABSENT}


STREAMS_AND_MODELS = """
project: shop
environments: {local: {region: eu-west-1}}
datasets: {orders: {format: csv}}
streams:
  clicks:
    columns: {at: timestamp}
    event_time: {column: at}
    windows: {hourly: {seconds: 3600, alert: events > 9}}
training_sets:
  late: {from: orders, entity: id, time: at, label: late, split: {by: hash}}
models: {late: {training_set: late, script: train.py, at_least: 0.6}}
feature_groups: {seen: {identifier: id, time: at, features: {id: string}, online: true}}
"""


def test_the_status_has_a_line_for_results_alerts_and_the_ml_stack(tmp_path: Path) -> None:
    aws = account(tmp_path)
    (tmp_path / "train.py").touch()
    (tmp_path / "lake.yaml").write_text(STREAMS_AND_MODELS)
    aws.lake = load(tmp_path / "lake.yaml")
    run = {"JobRunState": "SUCCEEDED", "ExecutionTime": 7, "StartedOn": 1}
    summary = {"StreamDescriptionSummary": {"StreamStatus": "ACTIVE", "OpenShardCount": 1}}
    delivery = {"DeliveryStreamDescription": {"DeliveryStreamStatus": "ACTIVE"}}
    aws.kinesis = SimpleNamespace(describe_stream_summary=lambda **request: summary)
    aws.firehose = SimpleNamespace(describe_delivery_stream=lambda **request: delivery)
    aws.athena = SimpleNamespace(get_work_group=lambda **request: {"WorkGroup": {}})
    running = {"ApplicationDetail": {"ApplicationStatus": "RUNNING"}}
    aws.flink = SimpleNamespace(describe_application=lambda **request: running)
    aws.glue.get_job, aws.glue.get_job_runs = (lambda **request: {}), (lambda **request: {"JobRuns": [run]})
    aws.glue.get_crawler = lambda **request: {"Crawler": {"State": "READY"}}
    aws.glue.get_table = lambda **request: {"Table": {"StorageDescriptor": {"Columns": []}}}
    aws.glue.get_paginator = lambda operation: SimpleNamespace(paginate=lambda **request: [])
    aws.sagemaker = SimpleNamespace(
        describe_pipeline=lambda **request: {"PipelineStatus": "Active"},
        list_pipeline_executions=lambda **request: {"PipelineExecutionSummaries": []},
        describe_feature_group=lambda **request: {"FeatureGroupStatus": "Created"},
    )

    found = {(line.stack, line.part): (line.state, line.detail) for line in status(aws)}

    streams = ("clicks", "clicks_hourly", "clicks_hourly_alerts", "clicks_rejected")
    assert [found["streaming", f"stream {name}"] for name in streams] == [("ACTIVE", "1 shards")] * 4
    zones = {name: found["streaming", f"delivery {name}"][1].split("-")[2] for name in streams}
    assert zones == dict(zip(streams, ("raw", "curated", "curated", "raw"), strict=True))
    assert {part: line for (stack, part), line in found.items() if stack == "ml"} == {
        "training set late": ("deployed", "last run: SUCCEEDED in 7 s"),
        "model late": ("Active", "never trained"),
        "feature group seen": ("Created", "table, and online"),
    }

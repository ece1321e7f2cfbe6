"""The life cycle of crawls: states, logs, stops, restarts, schedules, tags."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.context import Context
from local_aws.crawlers import Crawlers
from local_aws.crawlers.runs import Runs
from local_aws.crawlers.schedule import is_due
from tests.embedded import client, keys_of
from tests.local_aws.conftest import free_port, started, stopped, until
from tests.local_aws.crawlers.conftest import Lake

CSV = "id,name\n1,ann\n2,bob\n"
MANY = {f"t/d={n}/a.json": '{"a": 1}\n' for n in range(150)}


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_crawl_is_running_until_it_is_ready_and_has_succeeded(lake: Any) -> None:
    lake.put(MANY)
    lake.define("t/")
    lake.start()
    assert lake.glue.get_crawler(Name=lake.name)["Crawler"]["State"] in ("RUNNING", "STOPPING")
    last = lake.wait()
    assert (last["Status"], last["LogGroup"], last["LogStream"]) == (
        "SUCCEEDED",
        "/aws-glue/crawlers",
        lake.name,
    )
    assert len(lake.partitions("t")) == 150
    assert lake.metrics()["LastRuntimeSeconds"] > 0
    (crawl,) = lake.glue.list_crawls(CrawlerName=lake.name)["Crawls"]
    assert (crawl["State"], crawl["MessagePrefix"]) == ("COMPLETED", last["MessagePrefix"])


def test_the_log_describes_the_crawl(lake: Any) -> None:
    lake.put({"t/d=1/a.csv": CSV})
    lake.crawl("t/")
    prefix = lake.glue.get_crawler(Name=lake.name)["Crawler"]["LastCrawl"]["MessagePrefix"]
    lines = lake.log()
    assert f"[{prefix}] INFO : Created table t in database {lake.name}" in lines
    assert f"[{prefix}] INFO : Created 1 partitions of table t in database {lake.name}" in lines
    assert lines[0] == f"[{prefix}] BENCHMARK : Running Start Crawl for Crawler {lake.name}"
    assert "is in state READY" in lines[-1]


def test_a_running_crawler_cannot_be_started_changed_or_deleted(lake: Any) -> None:
    lake.put(MANY)
    lake.define("t/")
    lake.start()
    for call in (lake.glue.start_crawler, lake.glue.update_crawler, lake.glue.delete_crawler):
        with pytest.raises(ClientError) as error:
            call(Name=lake.name)
        assert code(error) == "CrawlerRunningException"
    assert lake.wait()["Status"] == "SUCCEEDED"


def test_a_stopped_crawl_is_cancelled(lake: Any) -> None:
    lake.put(MANY)
    lake.define("t/")
    lake.start()
    lake.glue.stop_crawler(Name=lake.name)
    assert lake.wait()["Status"] == "CANCELLED"
    assert not lake.tables()
    with pytest.raises(ClientError) as error:
        lake.glue.stop_crawler(Name=lake.name)
    assert code(error) == "CrawlerNotRunningException"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DatabaseName": "nowhere"}, "nowhere"),
        ({"Targets": {"S3Targets": [{"Path": "s3://no-such-bucket/t/"}]}}, "bucket"),
        ({"Targets": {"JdbcTargets": [{"ConnectionName": "c", "Path": "p"}]}}, "connection c: "),
        ({"Targets": {"DynamoDBTargets": [{"Path": "p"}]}}, "DynamoDBTargets"),
        ({"Targets": {}}, "at least one of them"),
    ],
)
def test_an_impossible_crawl_fails_and_says_why(lake: Any, settings: dict[str, Any], message: str) -> None:
    lake.put({"t/a.csv": CSV})
    lake.define("t/")
    lake.glue.update_crawler(Name=lake.name, **settings)
    lake.start()
    last = lake.wait()
    assert last["Status"] == "FAILED"
    assert message in last["ErrorMessage"]
    assert any(f" ERROR : {last['ErrorMessage']}" in line for line in lake.log())


def test_a_target_without_data_makes_no_table_and_succeeds(lake: Any) -> None:
    lake.crawl("empty/")
    assert not lake.tables()
    assert any("No data" in line for line in lake.warnings())


def test_an_unknown_crawler_is_not_found(lake: Any) -> None:
    for call in (lake.glue.start_crawler, lake.glue.stop_crawler, lake.glue.get_crawler):
        with pytest.raises(ClientError) as error:
            call(Name="nobody")
        assert code(error) == "EntityNotFoundException"


def test_unset_fields_have_awss_defaults(lake: Any) -> None:
    lake.define("t/", Tags={"team": "data"}, LakeFormationConfiguration={"UseLakeFormationCredentials": True})
    crawler = lake.glue.get_crawler(Name=lake.name)["Crawler"]
    assert crawler["SchemaChangePolicy"] == {
        "UpdateBehavior": "UPDATE_IN_DATABASE",
        "DeleteBehavior": "DEPRECATE_IN_DATABASE",
    }
    assert crawler["RecrawlPolicy"] == {"RecrawlBehavior": "CRAWL_EVERYTHING"}
    assert crawler["LineageConfiguration"] == {"CrawlerLineageSettings": "DISABLE"}
    assert crawler["LakeFormationConfiguration"] == {"UseLakeFormationCredentials": True}
    found = lake.glue.batch_get_crawlers(CrawlerNames=[lake.name, "nobody"])
    assert (found["Crawlers"], found["CrawlersNotFound"]) == ([crawler], ["nobody"])
    assert lake.name in lake.glue.list_crawlers()["CrawlerNames"]


def test_a_deleted_crawler_leaves_nothing_behind(lake: Any) -> None:
    arn = f"arn:aws:glue:us-east-1:000000000000:crawler/{lake.name}"
    lake.put({"t/a.csv": CSV})
    lake.crawl("t/", Tags={"team": "data"})
    assert lake.glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "data"}
    lake.glue.delete_crawler(Name=lake.name)
    lake.define("t/")
    assert lake.glue.get_tags(ResourceArn=arn)["Tags"] == {}
    assert lake.glue.list_crawls(CrawlerName=lake.name)["Crawls"] == []
    assert "LastCrawl" not in lake.glue.get_crawler(Name=lake.name)["Crawler"]


def test_a_schedule_can_be_stopped_and_started(lake: Any) -> None:
    lake.define("t/", Schedule="cron(15 * * * ? *)")

    def schedule() -> dict[str, str]:
        return dict(lake.glue.get_crawler(Name=lake.name)["Crawler"]["Schedule"])

    assert schedule() == {"ScheduleExpression": "cron(15 * * * ? *)", "State": "SCHEDULED"}
    lake.glue.stop_crawler_schedule(CrawlerName=lake.name)
    assert schedule()["State"] == "NOT_SCHEDULED"
    with pytest.raises(ClientError) as error:
        lake.glue.stop_crawler_schedule(CrawlerName=lake.name)
    assert code(error) == "SchedulerNotRunningException"
    lake.glue.start_crawler_schedule(CrawlerName=lake.name)
    assert schedule()["State"] == "SCHEDULED"


def test_a_schedule_that_is_not_awss_cron_is_refused(lake: Any) -> None:
    with pytest.raises(ClientError, match=r"cron\(15 12 \* \* \? \*\)"):
        lake.define("t/", Schedule="15 12 * * *")


@pytest.mark.parametrize(
    ("schedule", "moment", "due"),
    [
        ("cron(15 * * * ? *)", "2026-11-23T10:15:00", True),
        ("cron(15 * * * ? *)", "2026-11-23T10:16:00", False),
        ("cron(0 6 ? * MON-FRI *)", "2026-11-23T06:00:00", True),
        ("cron(0 6 ? * 1 *)", "2026-11-22T06:00:00", True),
        ("cron(0 6 ? * 1 *)", "2026-11-23T06:00:00", False),
        ("cron(0 0 L * ? *)", "2026-11-30T00:00:00", True),
        ("cron(0 0 1 1 ? 2020)", "2026-01-01T00:00:00", False),
    ],
)
def test_a_cron_is_due_in_the_minute_it_names(schedule: str, moment: str, due: bool) -> None:
    until = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert is_due(schedule, until - timedelta(minutes=1), until) is due


def test_only_crawlers_that_are_due_and_scheduled_are_started(lake: Any, endpoint: str, tmp_path: Path) -> None:
    lake.put({"t/a.csv": CSV})
    lake.define("t/", Schedule="cron(15 * * * ? *)")
    runs = Runs(Context.at(endpoint, tmp_path, keys_of(endpoint)))
    crawlers, key = Crawlers(Context.at(endpoint, tmp_path, keys_of(endpoint)), runs), f"us-east-1/{lake.name}"
    runs.remember(key)
    minute = datetime(2026, 11, 23, 10, 14, tzinfo=UTC)
    crawlers.start_due(minute - timedelta(minutes=1), minute)
    assert "CrawlId" not in runs.state(key)
    crawlers.start_due(minute, minute + timedelta(minutes=1))
    assert "CrawlId" in runs.state(key)
    while runs.state(key)["State"] != "READY":
        time.sleep(0.05)
    assert runs.state(key)["LastCrawl"]["Status"] == "SUCCEEDED", runs.state(key)
    assert list(lake.tables()) == ["t"]


def test_a_crawl_interrupted_by_the_end_of_the_process_has_failed(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "aws"
    process = started(port, folder)
    lake = Lake(lambda service: client(service, f"http://127.0.0.1:{port}"))
    lake.put(MANY)
    lake.define("t/")
    stopped(process)
    process = started(port, folder)
    lake.start()
    process.kill()
    process.wait()
    process = started(port, folder)
    crawler = lake.glue.get_crawler(Name=lake.name)["Crawler"]
    (crawl,) = lake.glue.list_crawls(CrawlerName=lake.name)["Crawls"]
    lake.run()
    until(lambda: any("ended while this crawl was running" in line for line in lake.log()))
    stopped(process)
    assert (crawler["State"], crawler["LastCrawl"]["Status"], crawl["State"]) == ("READY", "FAILED", "FAILED")
    assert "ended while this crawl was running" in crawler["LastCrawl"]["ErrorMessage"]

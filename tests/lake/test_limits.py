"""What AWS refuses only when it is deployed, `lake check` refuses at once: names, types, schedules, ranges."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.configuration.names import Names
from lake.configuration.reading import ConfigError, load
from lake.configuration.rules import warnings
from lake.configuration.rules.types import problem
from tests.lake.test_workflows import LAKE


def problems(folder: Path, text: str) -> str:
    (folder / "lake.yaml").write_text(text)
    with pytest.raises(ConfigError) as error:
        load(folder / "lake.yaml")
    return str(error.value)


@pytest.mark.parametrize(
    "type_",
    [
        *("int", "string", "timestamp", "decimal(1,0)", "decimal(38,38)", "array<int>", "map<string,array<double>>"),
        *("struct<a:int,b:array<struct<c:string,d:decimal(10,2)>>>", "array<map<string, decimal(5,1)>>"),
    ],
)
def test_athenas_types_are_accepted(type_: str) -> None:
    assert problem(type_) == ""


@pytest.mark.parametrize(
    ("type_", "named"),
    [
        ("decimal(50,2)", "decimal(50,2)"),
        ("decimal(5,6)", "decimal(5,6)"),
        ("decimal(0,0)", "decimal(0,0)"),
        ("array<decimal(39,1)>", "decimal(39,1)"),
        ("array<text>", "array<text>"),
        ("array<int,int>", "array<int,int>"),
        ("map<string>", "map<string>"),
        ("struct<int>", "struct<int>"),
        ("struct<a:int,b>", "struct<a:int,b>"),
        ("map<string,array<varchar>>", "array<varchar>"),
        ("array<int", "array<int"),
        ("array<>", "array<>"),
    ],
)
def test_other_types_are_refused_with_the_wrong_part(type_: str, named: str) -> None:
    assert problem(type_).startswith(f"{named} is not an Athena type. Allowed: ")


def test_a_wrong_column_type_is_reported_with_its_line(tmp_path: Path) -> None:
    text = LAKE.replace(
        "orders: {format: csv}", "orders: {format: json, catalog: declared, columns: {a: 'array<text>'}}"
    )
    assert "lake.yaml, line 3: datasets.orders.columns.a: array<text> is not an Athena type" in problems(tmp_path, text)


@pytest.mark.parametrize(
    "schedule",
    ["cron(0 25 * * ? *)", "cron(60 1 * * ? *)", "cron(0 3 * * * *)", "cron(0 3 ? * ? *)", "cron(0 3 1 13 ? *)"],
)
def test_an_invalid_schedule_is_reported_with_the_allowed_fields(tmp_path: Path, schedule: str) -> None:
    text = LAKE.replace("cron(0 3 * * ? *)", schedule)
    message = problems(tmp_path, text)
    assert (
        f"workflows.nightly.schedule: '{schedule}' is not a valid AWS schedule. Allowed: minutes 0-59, hours 0-23"
        in message
    )


@pytest.mark.parametrize(
    ("schedule", "minutes"),
    [("cron(* * * * ? *)", 1), ("cron(0/4 8 ? * MON *)", 4), ("cron(0,58 * * * ? *)", 2), ("cron(1-3 3 1 6 ? *)", 1)],
)
def test_a_schedule_that_comes_round_too_often_for_glue_is_refused(tmp_path: Path, schedule: str, minutes: int) -> None:
    message = problems(tmp_path, LAKE.replace("cron(0 3 * * ? *)", schedule))
    assert f"workflows.nightly.schedule: '{schedule}' comes round after {minutes} min. Allowed: every 5 min" in message


@pytest.mark.parametrize("schedule", ["cron(0/5 * * * ? *)", "cron(0 0 29 2 ? *)", "cron(0 3 1 1 ? 2030)"])
def test_a_schedule_may_come_round_every_five_minutes_or_never_again(tmp_path: Path, schedule: str) -> None:
    (tmp_path / "lake.yaml").write_text(LAKE.replace("cron(0 3 * * ? *)", schedule))
    assert load(tmp_path / "lake.yaml").config.workflows["nightly"].schedule == schedule


def test_the_schedule_of_a_crawler_is_also_checked(tmp_path: Path) -> None:
    text = LAKE.replace("customers: {format: csv}", 'x: {format: csv, crawl: {schedule: "cron(0 24 * * ? *)"}}')
    assert "datasets.x.crawl.schedule" in problems(tmp_path, text.replace(", customers]", "]"))


@pytest.mark.parametrize(
    ("settings", "kind", "limit"),
    [
        ("streams: {%s: {columns: {a: int}}}\n", "role", 64),
        ("datasets: {%s: {format: csv, crawl: {recrawl: events}}}\n", "queue", 80),
    ],
)
def test_a_name_that_is_too_long_is_reported_with_the_excess(
    tmp_path: Path, settings: str, kind: str, limit: int
) -> None:
    head = LAKE.partition("datasets:")[0]
    message = problems(tmp_path, head + settings % ("a" * 75))
    assert f"makes the {kind} name 'shop-local-{'a' * 75}" in message
    assert f"allows {limit}. Shorten '{'a' * 75}', project or the environment's name 'local' by " in message


@pytest.mark.parametrize(
    ("projection", "given"),
    [
        ("{type: integer, range: [9, 1]}", "[9, 1]"),
        ("{type: date, format: yyyy-MM-dd, range: ['2025-01-01', '2024-01-01']}", "['2025-01-01', '2024-01-01']"),
    ],
)
def test_a_range_that_ends_before_it_begins_is_refused(tmp_path: Path, projection: str, given: str) -> None:
    kind = "date" if "date" in projection else "int"
    dataset = f"{{format: json, catalog: projected, columns: {{a: int}}, partitions: {{p: {kind}}}"
    text = LAKE.replace("orders: {format: csv}", f"orders: {dataset}, projection: {{p: {projection}}}}}")
    message = problems(tmp_path, text.replace("[orders, customers]", "[customers]"))
    assert f"datasets.orders.projection.p.range: ends before it begins. Given: {given}" in message


@pytest.mark.parametrize(
    ("region", "beginning"),
    [("eu-west-1", "arn:aws:"), ("cn-north-1", "arn:aws-cn:"), ("us-gov-west-1", "arn:aws-us-gov:")],
)
def test_arns_are_those_of_the_regions_partition(region: str, beginning: str) -> None:
    names = Names("flights", "dev", region, "123456789012")
    arns = [names.bucket_arn("raw"), names.role_arn("job"), names.key_alias_arn, names.root_arn]
    assert all(arn.startswith(beginning) for arn in arns)


@pytest.mark.parametrize(
    ("environment", "warned"),
    [
        ("{region: eu-west-1, destroyable: true}", True),
        ("{region: eu-west-1, destroyable: true, account: '123456789012'}", False),
        ("{region: eu-west-1}", False),
    ],
)
def test_a_destroyable_environment_without_an_account_gives_a_warning(
    tmp_path: Path, environment: str, warned: bool
) -> None:
    (tmp_path / "lake.yaml").write_text(f"project: shop\nenvironments:\n  dev: {environment}\n")
    found = [
        text for text in warnings(load(tmp_path / "lake.yaml").config, "dev") if text.startswith("environments.dev")
    ]
    assert bool(found) is warned

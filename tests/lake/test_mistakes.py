"""A lake.yaml with mistakes: all of them at once, each by line and field, with what was meant."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lake.configuration.reading import ConfigError, load

LAB = """\
project: lab
environments:
  local: {endpoint: "http://127.0.0.1:4566", region: us-east-1}
connections:
  shop: {type: postgresql, host: db.example.org, database: shop}
datasets:
  orders:
    format: csv
    csv: {delimiter: ";"}
    partitions: [year]
    crawl: {schedule: "cron(0 3 * * ? *)"}
  people: {format: parquet, catalog: declared, columns: {id: int, name: string}, partitions: {day: date}}
  customers: {format: jdbc, connection: shop, table: public.customers}
jobs:
  totals:
    source: orders
    steps:
      - filter: "amount > 0"
      - join: {with: people, on: [id], how: left}
      - map: {add: {much: "amount > 10"}, cast: {amount: double}, lookup: {who: {from: people, on: id, take: name}}}
      - dedupe: {by: id, newest: at}
    expect:
      - {complete: id}
      - {between: {amount: [0, null]}}
    sink: {table: totals, format: parquet, partition_by: [year]}
  hello: {script: hello.py, workers: 3, arguments: {--name: x}}
workflows:
  nightly:
    steps:
      - crawl: [customers]
      - run: [totals, hello]
streams:
  events: {columns: {id: int, at: timestamp}, event_time: {column: at}, windows: {all: {by: id, seconds: 60}}}
queries: {folder: queries}
"""
LINE = re.compile(r"lake\.yaml, line \d+: [\w.\[\]-]+: \S")
INNER = re.compile(r"pydantic|Input should|type=|ValidationError|sqlglot|botocore|Traceback|ruamel|<class|\^\[")


def problems(folder: Path, text: str) -> list[str]:
    """The lines of the ConfigError; none where the file can be used."""
    (folder / "lake.yaml").write_text(text)
    (folder / "hello.py").touch()
    try:
        load(folder / "lake.yaml", "local")
    except ConfigError as error:
        return str(error).splitlines()
    return []


def places(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in inner:
        yield (*place, key)
        yield from places(value, (*place, key))


def spoiled(document: Any, rng: random.Random) -> Any:
    """The document with one or two places deleted, renamed, doubled or of another type."""
    document = deepcopy(document)
    for _ in range(rng.choice([1, 1, 2])):
        *way, last = rng.choice(list(places(document)))
        holder = document
        for part in way:
            holder = holder[part]
        value = holder.pop(last)
        change = rng.choice(["delete", "rename", "retype", "retype", "retype", "move"])
        if change == "rename" and isinstance(holder, dict):
            holder[f"{last}x"] = value
        elif change == "move":
            document[str(last)] = value
        elif change == "retype":
            holder.update({last: rng.choice(VALUES)}) if isinstance(holder, dict) else holder.append(rng.choice(VALUES))
    return document


VALUES: list[Any] = [None, 3, -1, 1.5, True, "", "x", "Ä b", [], [1], ["x", None], {}, {"x": 1}, {"x": {"y": []}}]


def test_randomly_damaged_files_are_valid_or_reported_line_by_line_in_our_words(tmp_path: Path) -> None:
    reader, rng = YAML(typ="safe", pure=True), random.Random(8)
    document = reader.load(LAB)
    assert problems(tmp_path, LAB) == []
    for _ in range(200):
        text = json.dumps(spoiled(document, rng), indent=1, ensure_ascii=False)  # JSON is YAML
        for line in problems(tmp_path, text):
            assert LINE.match(line), (line, text)
            assert not INNER.search(line), (line, text)


def test_mistakes_in_types_rules_names_and_yaml_are_reported_together(tmp_path: Path) -> None:
    text = LAB
    for old, new in {
        "format: csv\n": "format: csvv\n",
        "columns: {id: int, name": "columns: {id: integer, name",
        "with: people": "with: peple",
        "workers: 3": "workers: three, typ: batch",
        "run: [totals, hello]": "run: [totals, hullo]",
        "seconds: 60": "seconds: 0",
        "queries: {": "project: lab\nqueries: {",
    }.items():
        assert old in text
        text = text.replace(old, new)

    lines = problems(tmp_path, text)

    assert [re.sub(r"lake.yaml, line (\d+): (\S+): .*", r"\1 \2", line) for line in lines] == [
        "8 datasets.orders.format",
        "12 datasets.people.columns.id",
        "19 jobs.totals.steps.1.join.with",
        "26 jobs.hello.workers",
        "26 jobs.hello.typ",
        "31 workflows.nightly.steps.1.run.1",
        "33 streams.events.windows.all.seconds",
        "34 project",
    ]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("format: csv\n", "format: 3\n", "datasets.orders.format"),
        ("format: csv\n", "formt: csv\n", "datasets.orders.formt"),
        ("datasets:", "dataset:", "dataset"),
        ("host: db.example.org", "host: 3", "connections.shop.host"),
        ("source: orders", "source: 3", "jobs.totals.source"),
        ("table: totals", "tabel: totals", "jobs.totals.sink.tabel"),
        ("script: hello.py", "script: 3", "jobs.hello.script"),
        ("workers: 3", "workers: x", "jobs.hello.workers"),
        ("region: us-east-1", "region: 3", "environments.local.region"),
        ('- filter: "amount > 0"', "- filter: 3", "jobs.totals.steps.0.filter"),
        ("- {complete: id}", "- {complete: 3}", "jobs.totals.expect.0.complete"),
        ("- crawl: [customers]", "- crawl: 3", "workflows.nightly.steps.0.crawl"),
        ("sink: {table: totals, format: parquet", "sink: {table: totals, compression: zlib, format: 3", ".sink.format"),
    ],
)
def test_one_mistake_is_reported_once_without_consequential_errors(
    tmp_path: Path, old: str, new: str, field: str
) -> None:
    [line] = problems(tmp_path, LAB.replace(old, new, 1))
    assert f"{field}: " in line


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [
        ("format: csv\n", "formt: csv\n", "Did you mean 'format'?"),
        ('csv: {delimiter: ";"}', "csv: {crawl: {}}", "Did you mean 'datasets.orders.crawl'?"),
        ('crawl: {schedule: "cron(0 3 * * ? *)"}', "schedule: x", "Did you mean 'crawl.schedule'?"),
        ("source: orders", "source: orders\n    filter: x", "Did you mean 'steps[].filter'?"),
        ("format: csv\n", "format: tsv\n", 'Write format: csv with csv: {delimiter: "\\t"}'),
        ("format: parquet, cat", "format: jsonl, cat", "Did you mean 'json'?"),
        ("format: parquet, cat", "format: ndjson, cat", "Did you mean 'json'?"),
        ("format: parquet, cat", "format: pq, cat", "Did you mean 'parquet'?"),
        ("format: parquet, cat", "format: txt, cat", "else format: grok with a pattern"),
        ("how: left", "how: left_outer", "Did you mean 'left'?"),
        ("{id: int, name", "{id: str, name", "Did you mean 'string'?"),
        ("{id: int, name", "{id: Integer, name", "Did you mean 'int'?"),
        ("{id: int, name", "{id: bool, name", "Did you mean 'boolean'?"),
        ("cast: {amount: double}", "cast: {amount: float64}", "Did you mean 'double'?"),
        ("at: timestamp", "at: datetime", "Did you mean 'timestamp'?"),
        ("cast: {amount: double}", "cast: {amount: decimal}", "Did you mean 'decimal(10,2)'?"),
        ("  people: {", "  My People: {", "Did you mean 'my_people'?"),
        ("source: orders", "source: order", "Did you mean 'orders'?"),
        ("connection: shop", "connection: shp", "Did you mean 'shop'?"),
        ("run: [totals, hello]", "run: [total, hello]", "Did you mean 'totals'?"),
        ("windows: {all: {by: id", "windows: {all: {by: idd", "Did you mean 'id'?"),
        ("{--name: x}", "{--name: 3}", "Put it in quotes"),
    ],
)
def test_a_mistake_comes_with_a_suggestion(tmp_path: Path, old: str, new: str, meant: str) -> None:
    assert old in LAB
    lines = problems(tmp_path, LAB.replace(old, new, 1))
    assert any(line.endswith(meant) for line in lines), lines


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("# nothing\n", 1, "the file is empty"),
        ("- a\n", 1, "the file must be a mapping"),
        ("project: lab\nenvironments:\n\tlocal: {}\n", 3, "the line has a tab. Indent with spaces"),
        ("project: lab\n---\nproject: lab\n", 2, "a second document begins here"),
        ("project: *lab\n", 1, "the alias *lab has no anchor &lab"),
        ("project: lab\nx: 'a\n", 2, "a quotation mark is not closed"),
        ("project: a: b\n", 1, "the line has a second `: `"),
        ("project: lab\nx: @a\n", 2, "text cannot begin with @ here. Put it in quotes"),
        ("project: lab\nx: 2024-13-45\n", 2, "'2024-13-45' is not a date or number. Put it in quotes"),
        ("project: lab\nx: \x00\n", 2, "the line has a control character"),
        ("<<: 3\n", 1, "`<<` takes a mapping"),
        ("[" * 3000, 1, "it is nested too deeply"),
        ("project: lab\nx:\n" + "- " * 3000, 3, "it is nested too deeply"),
    ],
)
def test_invalid_yaml_is_reported_in_one_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    [only] = problems(tmp_path, text)
    assert only.startswith(f"lake.yaml, line {line}: ")
    assert message in only


@pytest.mark.parametrize("ruler", ["# " + "- " * 60, "\n  # " + "[ " * 60])
def test_brackets_in_a_comment_do_not_count_as_nesting(tmp_path: Path, ruler: str) -> None:
    assert problems(tmp_path, LAB.replace("project: lab", f"project: lab  {ruler}")) == problems(tmp_path, LAB)


def test_a_file_that_is_not_utf_8_is_reported_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "lake.yaml").write_bytes(b"project: lab\nenvironments: {l\xe4b: {}}\n")
    with pytest.raises(ConfigError, match=r"lake\.yaml, line 2: is not UTF-8 text\. Save the file as UTF-8"):
        load(tmp_path / "lake.yaml")
    with pytest.raises(ConfigError, match=r"is a folder\. Name the file in it"):
        load(tmp_path)


def test_byte_order_marks_anchors_and_merges_work_and_mistakes_have_the_anchors_line(
    tmp_path: Path,
) -> None:
    moved = LAB.replace("  people:", "  more: {<<: *base}\n  people:").replace("orders:\n", "orders: &base\n", 1)
    assert problems(tmp_path, "\ufeff" + moved) == []

    lines = problems(tmp_path, moved.replace("format: csv", "format: csvv"))

    assert [line.partition(" should")[0] for line in lines] == [
        "lake.yaml, line 8: datasets.orders.format:",
        "lake.yaml, line 8: datasets.more.format:",
    ]


@pytest.mark.parametrize(
    ("old", "new", "told_"),
    [
        ('"amount > 0"', '" "', "steps.0.filter: is empty. Write SQL"),
        ('"amount > 0"', '"(amount > 0"', "steps.0.filter: is not SQL: a '(' is not closed"),
        ('"amount > 0"', '"amount > 0)"', "steps.0.filter: is not SQL: the ')' at character 11 has no opening bracket"),
        ('"amount > 0"', '"name = \'x"', "steps.0.filter: is not SQL: the ' at character 8 is not closed"),
        ('"amount > 0"', '"amount >"', "steps.0.filter: is not SQL: it ends with '>'"),
        ('much: "amount > 10"', 'much: "f(amount"', "steps.2.map.add.much: is not SQL"),
        ("dedupe: {by: id, newest: at}", "sql: SELECT 1; SELECT 2", "steps.3.sql: should be one SQL statement"),
        ('"amount > 0"', "\"name = ')' -- (\\n AND `a(` > 0\"", None),
    ],
)
def test_invalid_sql_is_reported_by_check(tmp_path: Path, old: str, new: str, told_: str | None) -> None:
    lines = problems(tmp_path, LAB.replace(old, new, 1))
    assert [told_ in line for line in lines if told_] == ([True] if told_ else []), lines
    assert bool(lines) == bool(told_)


def test_an_invalid_query_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "a.sql").write_bytes(b"SELECT '\xe4'")
    (tmp_path / "queries" / "b.sql").write_text("\n")
    assert [line.partition("queries.folder: ")[2] for line in problems(tmp_path, LAB)] == [
        "queries/a.sql is not UTF-8 text. Save it as UTF-8",
        "queries/b.sql is empty. Write its SQL, or remove it",
    ]


def test_a_mistake_in_a_nested_list_has_the_line_of_its_item(tmp_path: Path) -> None:
    text = LAB.replace("- crawl: [customers]", "- crawl:\n        - customers\n        - ordrs")
    text = text.replace(
        "- {between: {amount: [0, null]}}", "- between:\n          amount:\n          - 0\n          - x"
    )
    lines = text.splitlines()

    numbers = [int(re.findall(r"line (\d+)", line)[0]) for line in problems(tmp_path, text)]

    assert numbers == [lines.index("          - x") + 1, lines.index("        - ordrs") + 1]

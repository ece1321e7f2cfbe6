"""Settings of a dataset: what is valid, and the message for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.configuration.reading import ConfigError, load

TYPED = "columns: {id: int, value: double}"
PROJECTED = f"format: json, catalog: projected, {TYPED}, partitions: "


def written(folder: Path, dataset: str, more: str = "") -> Path:
    """A lake with one dataset, `readings`."""
    file = folder / "lake.yaml"
    file.write_text(
        "project: lab\n"
        'environments: {local: {endpoint: "http://127.0.0.1:4566", region: us-east-1}}\n'
        f"datasets:\n  readings: {{{dataset}}}\n{more}"
    )
    return file


@pytest.mark.parametrize(
    "dataset",
    [
        "format: csv, csv: {serde: None}",
        "format: csv, csv: {multiline: true}",
        "format: csv, csv: {header: false, serde: LazySimpleSerDe}, columns: [a, b]",
        'format: json, json: {path: "$.records[*]"}, crawl: {recrawl: events, on_delete: delete}',
        "format: grok, grok: {pattern: '%{COMMONAPACHELOG}', custom_patterns: 'A [a-z]+'}",
        "format: xml, xml: {row_tag: row}",
        f"format: parquet, catalog: declared, {TYPED}",
        f"format: json, catalog: declared, {TYPED}, partitions: {{day: date}}, partition_index: {{keys: [day]}}",
        "format: json, catalog: declared, columns: {tags: 'array<string>', at: 'struct<x:int,y:map<string,int>>'}",
        "format: csv, catalog: declared, csv: {serde: LazySimpleSerDe}, columns: {at: timestamp}",
        PROJECTED + "{y: int, m: string}, projection: {y: {type: integer, range: [2010, 2030]}, "
        "m: {type: integer, range: [1, 12], digits: 2, interval: 1}}",
        PROJECTED + "[day], projection: {day: {type: date, range: [2024-01-01, NOW], format: yyyy-MM-dd}}",
        PROJECTED + "[hour], projection: {hour: {type: date, range: ['2024-01-01-00', NOW], "
        "format: yyyy-MM-dd-HH, interval: 1, interval_unit: HOURS}}",
        PROJECTED + "[site, id_], projection: {site: {type: enum, values: [a, b]}, id_: {type: injected}}",
    ],
)
def test_every_kind_of_table_is_valid(tmp_path: Path, dataset: str) -> None:
    assert "readings" in load(written(tmp_path, dataset), "local").config.datasets


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("format: csv, csv: {serde: Lazy}", ["readings.csv.serde", "'LazySimpleSerDe'", "Given: 'Lazy'"]),
        (
            "format: csv, csv: {multiline: true, serde: LazySimpleSerDe}",
            ["readings.csv.multiline: only OpenCSVSerDe supports quotes. Given: csv.serde: LazySimpleSerDe"],
        ),
        ("format: csv, json: {path: '$[*]'}", ["readings.json: is only for json datasets", "The format is csv"]),
        ("format: json, csv: {header: true}", ["readings.csv: is only for csv datasets"]),
        ("format: json, json: {path: records}", ["readings.json.path", "$.records[*], $[*] or $.detail"]),
        ("format: grok", ["readings.format: grok needs its classifier: add grok: {pattern"]),
        ("format: xml", ["readings.format: xml needs its classifier: add xml: {row_tag: row}"]),
        ("format: xml, xml: {tag: row}", ["xml.tag: is not a valid field"]),
        ("format: csv, columns: {a: int}", ["readings.columns: the crawler finds the types", "catalog: projected"]),
        ("format: csv, partitions: {a: int}", ["readings.partitions: a crawler makes every partition key a string"]),
        ("format: csv, catalog: found", ["readings.catalog", "'crawled', 'projected' or 'declared'", "Given: 'found'"]),
        ("format: json, catalog: declared", ["readings.columns: a declared table needs its columns with types"]),
        ("format: json, catalog: declared, columns: [a]", ["a declared table needs its columns with types"]),
        ("format: json, catalog: declared, columns: {a: text}", ["readings.columns.a", "array<type>", "'text'"]),
        (
            f"format: json, catalog: declared, {TYPED}, crawl: {{}}",
            ["readings.crawl: a declared table has no crawler. Remove it, or choose catalog: crawled"],
        ),
        (
            f"format: json, catalog: declared, {TYPED}, json: {{path: '$[*]'}}",
            ["readings.json: only a crawler supports a JSON path"],
        ),
        (
            f"format: grok, grok: {{pattern: x}}, catalog: declared, {TYPED}",
            ["readings.catalog: a table of format grok needs a crawler"],
        ),
        (
            "format: csv, catalog: declared, columns: {at: timestamp}",
            ["readings.columns.at: OpenCSVSerDe reads a timestamp as a number", "csv.serde: LazySimpleSerDe"],
        ),
        (
            "format: csv, catalog: declared, columns: {at: 'array<int>'}",
            ["columns.at: a CSV file cannot hold array<int>"],
        ),
        (
            f"format: csv, catalog: declared, {TYPED}, csv: {{serde: None}}",
            ["readings.csv.serde: only a crawler can choose a SerDe"],
        ),
        (
            "format: csv, partitions: [a], projection: {a: {type: injected}}",
            ["readings.projection: is only for tables with"],
        ),
        (PROJECTED + "[]", ["readings.partitions: a projected table needs its partition keys"]),
        (PROJECTED + "[day]", ["readings.projection: the partition key day has no projection. Add day: {type: ...}"]),
        (
            PROJECTED + "[y], projection: {y: {type: injected}, z: {type: injected}}",
            ["readings.projection.z: is not a partition key. Allowed: y"],
        ),
        (PROJECTED + "[y], projection: {y: {type: integer}}", ["readings.projection.y: type integer needs range"]),
        (
            PROJECTED + "[y], projection: {y: {type: integer, range: [1]}}",
            ["readings.projection.y.range", "at least 2 items"],
        ),
        (
            PROJECTED + "[y], projection: {y: {type: integer, range: [a, b]}}",
            ["type integer needs a range of two integers. Given: ['a', 'b']"],
        ),
        (
            PROJECTED + "[y], projection: {y: {type: enum, values: [a], digits: 2}}",
            ["type enum does not take digits. Allowed: values"],
        ),
        (
            PROJECTED + "{y: int}, projection: {y: {type: enum, values: ['1']}}",
            ["type enum does not fit a partition key of type int. Allowed: string"],
        ),
        (
            PROJECTED + "[h], projection: {h: {type: date, range: [a, NOW], format: yyyy-MM-dd-HH}}",
            ["the format yyyy-MM-dd-HH is finer than a day and needs interval and interval_unit"],
        ),
        ("format: csv, partition_index: true", ["readings.partition_index: the dataset has no partitions"]),
        (
            PROJECTED + "[y], projection: {y: {type: injected}}, partition_index: true",
            ["readings.partition_index: Athena computes the partitions"],
        ),
        (
            f"format: json, catalog: declared, {TYPED}, partitions: [y], partition_index: {{keys: [z]}}",
            ["readings.partition_index.keys: z is not a partition key. Allowed: y"],
        ),
        (
            "format: json, partitions: [y], partition_index: {keys: [y]}",
            ["readings.partition_index: a crawler indexes all partition keys. Write true"],
        ),
        (
            "format: json, crawl: {recrawl: new_folders, on_update: log}",
            ["readings.crawl.recrawl: new_folders is only allowed with on_update: log and on_delete: log"],
        ),
    ],
)
def test_a_mistake_is_reported_with_allowed_values(tmp_path: Path, dataset: str, expected: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load(written(tmp_path, dataset), "local")

    message = str(error.value)
    assert message.startswith("lake.yaml, line 4: datasets.readings"), message
    assert len(message.splitlines()) == 1, message
    for words in expected:
        assert words in message


def test_a_job_cannot_read_formats_that_need_a_classifier(tmp_path: Path) -> None:
    job = "jobs: {clean: {source: readings, sink: {table: clean}}}\n"
    with pytest.raises(
        ConfigError, match=r"jobs\.clean\.source: 'readings' has the format xml, which jobs cannot read"
    ):
        load(written(tmp_path, "format: xml, xml: {row_tag: row}", job), "local")


def test_a_workflow_cannot_crawl_a_dataset_without_a_crawler(tmp_path: Path) -> None:
    workflow = "workflows: {nightly: {steps: [{crawl: [readings]}]}}\n"
    with pytest.raises(
        ConfigError, match=r"nightly\.steps\.0\.crawl\.0: 'readings' has no crawler: its table is declared"
    ):
        load(written(tmp_path, f"format: json, catalog: declared, {TYPED}", workflow), "local")

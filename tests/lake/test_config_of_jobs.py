"""lake.yaml: the message for each mistake in a job."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.configuration.reading import ConfigError, load
from tests.lake.sample import written

FIND_MATCHES = "find_matches: {id: tailnum, columns: {origin: code, dest: code}, %s}"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("blocking: [[origin, carrier]]", "find_matches.blocking: 'carrier' is not among its columns. Allowed: origin"),
        ("compare: {carrier: [1]}", "find_matches.compare: 'carrier' is not among its columns. Allowed: origin, dest"),
        ("known: flight", r"find_matches.known: there is no dataset 'flight'. Allowed: .*flights_enriched \(the job's"),
        ("threshold: 1.5", "find_matches.threshold: should be less than 1. Given: 1.5"),
    ],
)
def test_an_invalid_find_matches_setting_is_reported(tmp_path: Path, setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(written(tmp_path, "    steps:\n", f"    steps:\n      - {FIND_MATCHES % setting}\n"), "local")


def test_find_matches_accepts_the_jobs_own_table_as_known(tmp_path: Path) -> None:
    step = FIND_MATCHES % "known: flights_enriched"
    config = load(written(tmp_path, "    steps:\n", f"    steps:\n      - {step}\n"), "local").config
    assert [each.find_matches.threshold for each in config.jobs["flights_enriched"].steps if each.find_matches] == [0.9]


def test_find_matches_of_a_scala_job_refuses_the_jobs_own_table_as_known(tmp_path: Path) -> None:
    step = FIND_MATCHES % "known: flights_enriched"
    file = written(tmp_path, "    steps:\n", f"    language: scala\n    steps:\n      - {step}\n")
    with pytest.raises(ConfigError, match=r"find_matches\.known: is the job's own table, which a Scala job cannot"):
        load(file, "local")


def incremental(folder: Path, step: str) -> Path:
    file = written(folder, "    source: flights\n", "    source: flights\n    incremental: true\n")
    file.write_text(file.read_text().replace('{filter: "distance > 0"}', step).replace('filter: "distance > 0"', step))
    return file


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("dedupe: {}", ["steps.1.dedupe", "needs all rows"]),
        ("drop_null_fields: {also: ['']}", ["steps.1.drop_null_fields", "Name the columns in drop_fields"]),
        (
            "find_matches: {id: flight, columns: {tailnum: code}}",
            ["steps.1.find_matches", "Set known: flights_enriched, the job's own table"],
        ),
        ("join: {with: planes, on: tailnum, how: full}", ["steps.1.join.how", "full needs all rows"]),
        ("join: {with: flights, on: tailnum}", ["steps.1.join.with", "'flights' is the job's source"]),
        (
            "map: {add: {batch: '1'}}",
            ["steps.1.map.add.batch", "adds a column batch, but incremental jobs add a key of that name"],
        ),
        ("map: {rename: {day: batch, batch: x}}", ["steps.1.map.rename.day", "adds a column batch"]),
        (
            "map: {lookup: {batch: {from: planes, on: tailnum, take: year}}}",
            ["steps.1.map.lookup.batch", "Rename it in a map step"],
        ),
        ("join: {with: planes, on: tailnum, take: {year: batch}}", ["steps.1.join.take", "adds a column batch"]),
        ("join: {with: planes, on: tailnum, take: [batch]}", ["steps.1.join.take", "adds a column batch"]),
    ],
)
def test_incremental_jobs_refuse_steps_that_need_all_rows(tmp_path: Path, step: str, expected: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load(incremental(tmp_path, step), "local")
    assert all(words in str(error.value) for words in expected), str(error.value)


def test_incremental_jobs_accept_other_steps(tmp_path: Path) -> None:
    for step in (
        'filter: "distance > 0"',
        "find_matches: {id: flight, columns: {tailnum: code}, known: flights_enriched}",
        "map: {add: {batch: '1'}, rename: {batch: part}}",
        "map: {add: {batch: '1'}, delete: [batch]}",
        "join: {with: planes, on: tailnum, how: semi, take: [batch]}",
    ):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        assert load(incremental(folder, step), "local").config.jobs["flights_enriched"].incremental


@pytest.mark.parametrize(
    ("step", "refused"),
    [
        ('filter: "distance > 0"', True),
        ("map: {rename: {batch: part}}", False),
        ("drop_fields: [batch]", False),
        ("sql: SELECT carrier FROM input", False),
    ],
)
def test_incremental_jobs_refuse_a_column_with_the_name_of_their_key(tmp_path: Path, step: str, refused: bool) -> None:
    file = incremental(tmp_path, step)
    file.write_text(
        file.read_text().replace("partitions: [year, month, day]", "partitions: [year, month, day, batch]", 1)
    )
    if refused:
        with pytest.raises(ConfigError, match=r"flights_enriched\.source: adds a column batch"):
            load(file, "local")
    else:
        assert load(file, "local").config.jobs["flights_enriched"].incremental


@pytest.mark.parametrize(
    ("expectation", "expected"),
    [
        ("{complet: carrier}", ["expect.0.complet: is not a valid field", "at_least, between, complete, fresh, in,"]),
        ("{complete: carrier, unique: flight}", ["expect.0", "exactly one of: complete, unique, in, between"]),
        ("{otherwise: warn}", ["expect.0", "exactly one of"]),
        ("{complete: carrier, otherwise: stop}", ["expect.0.otherwise", "'fail', 'quarantine' or 'warn'", "'stop'"]),
        (
            "{rows: {min: 1}, otherwise: quarantine}",
            ["expect.0.otherwise", "not to single rows", "fail, warn"],
        ),
        ("{rows: {min: 3, max: 2}}", ["expect.0.rows: the minimum 3 is greater than the maximum 2"]),
        ("{rows: {}}", ["expect.0.rows: gives neither a minimum nor a maximum"]),
        ("{rows: {min: 1}, at_least: 0.9}", ["expect.0.at_least: rows and fresh do not support it"]),
        ("{rows: {min: 1}, where: month = 1}", ["expect.0.where: AWS does not support it for rows and refers"]),
        ("{complete: carrier, at_least: 1.5}", ["expect.0.at_least", "less than 1", "Given: 1.5"]),
        ("{complete: carrier, at_least: 0.9, otherwise: quarantine}", ["expect.0.at_least", "every failing row"]),
        ("{complete: carrier, where: 'origin = \"EWR\"'}", ["expect.0.where", "strings in single quotes"]),
        ("{between: {distance: [6000, 1]}}", ["expect.0.between.distance: the minimum 6000 is greater than"]),
        ("{between: {distance: [0, .inf]}}", ["expect.0.between.distance.1: should be a finite number"]),
        ("{between: {distance: [1]}}", ["expect.0.between.distance", "at least 2 items"]),
        (
            "{in: {origin: [EWR, 1]}}",
            ["expect.0.in.origin: needs at least one value, and all values must be strings or all numbers"],
        ),
        ("{in: {origin: []}}", ["expect.0.in.origin: needs at least one value"]),
        ("{fresh: {column: time_hour, hours: 0}}", ["expect.0.fresh.hours", "greater than or equal to 1"]),
        ("{refers: {to: airline, on: carrier}}", ["expect.0.refers.to: there is no dataset 'airline'", "airlines"]),
        ("{complete: [carrier, carrier]}", ['expect.0: IsComplete "carrier" appears twice. Remove one']),
    ],
)
def test_an_invalid_expectation_is_reported(tmp_path: Path, expectation: str, expected: list[str]) -> None:
    file = written(tmp_path, "source: flights", f"source: flights\n    expect: [{expectation}]")
    with pytest.raises(ConfigError) as error:
        load(file, "local")

    message = str(error.value)
    assert len(message.splitlines()) == 1
    for words in ["lake.yaml, line", "jobs.flights_enriched.", *expected]:
        assert words in message


def test_a_job_cannot_write_the_table_of_the_results(tmp_path: Path) -> None:
    file = written(tmp_path, "source: flights", "source: flights\n    expect: [{complete: carrier}]")
    file.write_text(file.read_text().replace("table: flights_enriched", "table: data_quality_results"))

    with pytest.raises(
        ConfigError, match=r"sink.table: 'data_quality_results' is reserved for the results of the rules"
    ):
        load(file, "local")


def test_an_ml_transform_with_an_unknown_dataset_is_reported(tmp_path: Path) -> None:
    file = written(tmp_path, "project: flights", "project: flights\nml_transforms: {m: {dataset: x, primary_key: id}}")

    with pytest.raises(ConfigError, match=r"ml_transforms.m.dataset: there is no dataset 'x'. Allowed: flights,"):
        load(file, "local")

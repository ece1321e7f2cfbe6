"""lake.yaml: what is valid, and the message for each mistake."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lake.configuration.reading import ConfigError, load
from tests.lake.sample import ROOT, written


def test_the_sample_lake_is_valid() -> None:
    lake = load(ROOT / "lake.yaml", "local")

    assert lake.config.project == "flights"
    assert lake.environment.destroyable
    assert lake.config.datasets["weather"].partitions == ["year", "month", "day", "hour"]


def test_a_single_join_key_becomes_a_list_and_on_is_not_a_boolean() -> None:
    """YAML 1.1 reads the key `on` as true; this file is YAML 1.2."""
    steps = load(ROOT / "lake.yaml", "local").config.jobs["flights_enriched"].steps

    assert [step.join.on for step in steps if step.join] == [
        ["carrier"],
        ["tailnum"],
        ["origin", "time_hour"],
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "project: flights",
            "projct: flights",
            ["line 17: projct: is not a valid field", "Allowed: connections, datasets,"],
        ),
        (
            "format: json",
            "format: jsn",
            ["datasets.flights.format", "'csv', 'json', 'parquet', 'grok', 'xml' or 'jdbc'", "Given: 'jsn'"],
        ),
        (
            "destroyable: true}",
            "destroyable: maybe}",
            ["environments.local.destroyable", "boolean", "'maybe'"],
        ),
        ("seconds: 3600,", 'seconds: "x",', ["streams.departures.windows.hourly.seconds", "integer", "Given: 'x'"]),
        (
            "source: flights",
            "source: fligts",
            ["jobs.flights_enriched.source", "'fligts'", "Allowed: flights, weather"],
        ),
        (
            "planes: {format: csv}",
            "planes: {format: csv}\n  flights_enriched: {zone: curated, format: json}",
            ["datasets.flights_enriched.zone", "the job flights_enriched writes and registers the table"],
        ),
        (
            "airlines: {format: csv}",
            "airlines: {zone: curated, format: csv}",
            ["steps.2.join.with: there is no dataset 'airlines' in the raw zone. Allowed: flights, weather, airports"],
        ),
        ("table: flights_enriched", "table: job_reports", ["sink.table: 'job_reports' is the folder of the runs'"]),
        ("with: airlines", "with: airline", ["steps.2.join.with", "'airline'", "Allowed: flights, weather"]),
        (
            "on: carrier,",
            "onn: carrier,",
            ["steps.2.join.onn: is not a valid field", "Allowed: cast_right, how, on, take, with"],
        ),
        (
            'filter: "distance > 0"',
            "filtr: x",
            ["steps.1.filtr: is not a valid field", "Allowed: convert, dedupe, drop_fields"],
        ),
        (
            'filter: "distance > 0"',
            "filter: {function: rules.far}",
            ["steps.1.filter: names a function, but the job has no py_files"],
        ),
        (
            "source: flights\n    steps:",
            "source: flights\n    language: scala\n    steps:\n      - filter: {function: rules.far}",
            ["steps.0.filter: a Scala job cannot call Python functions"],
        ),
        (
            "source: flights",
            "source: flights\n    language: java",
            ["flights_enriched.language", "'python' or 'scala'"],
        ),
        ('filter: "distance > 0"', "filter: {function: far}", ["steps.1.filter.function", "Allowed: module.function"]),
        (
            'filter: "distance > 0"',
            "filter: {functio: a.b}",
            ["steps.1.filter.functio: is not a valid field", "function"],
        ),
        ('filter: "distance > 0"', "filter: 3", ["steps.1.filter: should be a valid string", "Given: 3"]),
        (
            "    source: flights\n",
            "    source: flights\n    incremental: yes\n",
            ["jobs.flights_enriched.incremental", "boolean", "Given: 'yes'"],
        ),
        (
            'filter: "distance > 0"',
            "dedupe: {newest: time_hour}",
            ["steps.1.dedupe.newest", "is only allowed with by"],
        ),
        (
            'filter: "distance > 0"',
            "convert: {compression: snappy}",
            ["steps.1.convert.compression", "is already set at jobs.flights_enriched.sink.compression"],
        ),
        (
            "compression: zstd",
            "compression: bzip2",
            ["sink.compression: parquet does not support the compression 'bzip2'. Allowed: zstd"],
        ),
        (
            "source: flights",
            "source: flights\n    py_files: [rules.py]",
            ["jobs.flights_enriched.py_files.0: there is no file 'rules.py'"],
        ),
        (
            "airlines: {format: csv}",
            "airlines: {format: csv, columns: [code, year], partitions: [year]}",
            ["datasets.airlines.partitions", "year cannot be a partition key and a column"],
        ),
        ("project: flights", "project: f" + "l" * 50, ["project:", "'fll", "S3 allows 63", "Shorten"]),
        (
            "project: flights",
            "project: Flights",
            ["project:", "Allowed: lower-case letters", "Given: 'Flights'"],
        ),
        ("region: eu-west-1", "region: europe", ["environments.dev.region", "Given: 'europe'"]),
        (
            "  dev: {region",
            "  dev_1: {region",
            ["environments.dev_1: ", "Allowed: lower-case letters and digits, such as dev"],
        ),
        (
            "crawl: {on_delete: log}",
            "crawl: {schedule: every hour}",
            ["datasets.weather.crawl.schedule", "Given: 'every hour'"],
        ),
        (
            "hourly: {by: carrier",
            "hourly: {by: airline",
            ["streams.departures.windows.hourly.by", "Allowed: time_hour"],
        ),
        ("10_000_000_000", "1000", ["queries.bytes_scanned_cutoff", "10485760", "Given: 1000"]),
        (
            "crawl: {on_delete: log}",
            "crawl: {on_delete: log, recrawl: new_folders}",
            ["crawl.recrawl", "on_update: log"],
        ),
        (
            "http://127.0.0.1:4566",
            "http://10.0.0.8:4566",
            ["environments.local.endpoint", "Given: 'http://10.0.0.8"],
        ),
        ("source: flights", "source: [", ["not valid YAML"]),
    ],
)
def test_a_mistake_is_reported_with_file_line_field_and_allowed_values(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    with pytest.raises(ConfigError) as error:
        load(written(tmp_path, old, new), "local")

    message = str(error.value)
    assert message.startswith("lake.yaml, line ")
    assert len(message.splitlines()) == 1
    for words in expected:
        assert words in message


@pytest.mark.parametrize(
    "step",
    [
        '{drop_null_fields: {also: ["", "null", -1]}}',
        "{filter: {function: rules.far}}",
        "{join: {with: airports, on: {origin: faa}, cast_right: {faa: string}}}",
        '{map: {cast: {flight: string}, on_error: null, add: {far: {function: rules.far}, a: "1"}}}',
        "{map: {lookup: {airport: {from: airports, on: {origin: faa}, take: name, default: '?', on_many: first}}}}",
        "{dedupe: {by: flight, newest: time_hour}}",
        "{convert: {target_file_mb: 128}}",
        "{sql: SELECT * FROM input}",
    ],
)
def test_every_step_is_a_setting(tmp_path: Path, step: str) -> None:
    (tmp_path / "rules.py").touch()
    file = written(tmp_path, "source: flights", "source: flights\n    py_files: [rules.py]")
    file.write_text(file.read_text().replace('- filter: "distance > 0"', f"- {step}"))

    dumped = load(file, "local").config.jobs["flights_enriched"].steps[1].model_dump(by_alias=True, exclude_unset=True)

    assert set(dumped) == {step[1:].partition(":")[0]}
    assert "None" not in str(dumped)


def test_a_scala_job_cannot_have_python_files(tmp_path: Path) -> None:
    (tmp_path / "rules.py").touch()
    file = written(tmp_path, "source: flights", "source: flights\n    language: scala\n    py_files: [rules.py]")

    with pytest.raises(ConfigError, match=r"py_files: a Scala job cannot call Python functions\. Use SQL"):
        load(file, "local")


def test_a_mistake_has_the_line_of_its_field(tmp_path: Path) -> None:
    file = written(tmp_path, "format: json", "format: jsn")
    line = file.read_text().splitlines().index("    format: jsn") + 1

    with pytest.raises(ConfigError, match=f"lake.yaml, line {line}: "):
        load(file, "local")


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    file = written(tmp_path, "format: json", "format: jsn")
    file.write_text(file.read_text().replace("format: parquet\n", "format: orc\n", 1))

    with pytest.raises(ConfigError) as error:
        load(file, "local")

    assert len(str(error.value).splitlines()) == 2


def test_an_unknown_environment_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"LAKE_ENV: there is no environment 'test'\. Allowed: local, dev, prod"):
        load(ROOT / "lake.yaml", "test")


def test_a_missing_file_is_reported() -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load(Path("nowhere/lake.yaml"))


def lake(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lake", *arguments]
    settings = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "AWS_EC2_METADATA_DISABLED": "true",
        **environment,
    }
    return subprocess.run(command, cwd=cwd, env=settings, capture_output=True, text=True, check=False)


def test_check_is_fast_because_it_imports_neither_boto3_nor_the_stacks() -> None:
    script = (
        "import sys; sys.argv = ['lake', 'check']\nfrom lake.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    )
    script += "print(sorted({name.partition('.')[0] for name in sys.modules} & {'boto3', 'jsii', 'cdktf', 'pyspark'}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", [["check"], ["up"], ["status"], ["down", "--delete-data"]])
def test_every_command_exits_with_2_and_no_traceback_for_an_invalid_lake_yaml(
    tmp_path: Path, command: list[str]
) -> None:
    written(tmp_path, "format: json", "format: jsn")

    done = lake(*command, cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("lake.yaml, line ")
    assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"lake.yaml"}


def test_the_stacks_are_built_from_the_given_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`lake --file OTHER up` begins with this; the cdktf CLI is told by LAKE_FILE too."""
    from lake.deploying.terraform import synthesise

    other = written(tmp_path, "project: flights", "project: trains").rename(tmp_path / "other.yaml")
    (tmp_path / "queries").symlink_to(ROOT / "queries")
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    synthesise(load(other, "local"))

    assert not list(scratch.iterdir())
    assert "trains-local-raw" in (tmp_path / "cdktf.out" / "stacks" / "storage" / "cdk.tf.json").read_text()


def test_the_cdktf_app_exits_with_2_and_writes_nothing_for_an_invalid_lake_yaml(tmp_path: Path) -> None:
    written(tmp_path, "format: json", "format: jsn")

    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py")], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("lake.yaml, line ")
    assert not (tmp_path / "cdktf.out").exists()


def test_missing_credentials_are_reported_with_the_environments_line(tmp_path: Path) -> None:
    file = written(tmp_path, "project: flights", "project: flights")
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if text.startswith("  dev:"))

    done = lake("up", cwd=tmp_path, LAKE_ENV="dev", HOME=str(tmp_path))

    assert done.returncode == 2
    assert f"lake.yaml, line {line}: environments.dev: there are no AWS credentials. Log in" in done.stderr
    assert "LAKE_ENV" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_endpoint_is_reported_with_the_command_that_starts_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        written(tmp_path, "127.0.0.1:4566", f"127.0.0.1:{taken.getsockname()[1]}")

    done = lake("status", cwd=tmp_path)

    assert done.returncode == 2
    assert "lake local start" in done.stderr

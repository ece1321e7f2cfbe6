"""The few properties of each stack that matter most."""

from __future__ import annotations

import json
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from lake.configuration.job_spec import job_spec
from lake.configuration.model import Job
from lake.configuration.names import Names
from lake.configuration.reading import load
from lake.shipped import scala_script
from stacks.athena import statement
from stacks.etl import matching_modules
from stacks.package import zipped
from tests.stacks.conftest import ROOT, Stacks, resources, synthesised


def only(stacks: Stacks, stack: str, type_: str) -> dict[str, object]:
    [resource] = resources(stacks[stack], type_).values()
    return resource


ENDPOINT = "http://127.0.0.1:4566"
HEAD = f"project: small\nenvironments:\n  local: {{endpoint: '{ENDPOINT}', region: us-east-1, destroyable: true}}\n"


def lake_of(folder: Path, text: str) -> Path:
    """A lake.yaml of these parts, in a folder with the code that stacks upload."""
    for name in ("queries", "glue_scripts", "flink_app"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "lake.yaml").write_text(HEAD + text)
    return folder / "lake.yaml"


def test_a_crawler_per_dataset_with_its_own_policies(local: Stacks) -> None:
    crawlers = {crawler["name"]: crawler for crawler in resources(local["catalog"], "aws_glue_crawler").values()}

    assert set(crawlers) == {
        f"flights-local-{name}" for name in ("flights", "weather", "airlines", "airports", "planes", "job_reports")
    }
    assert "schedule" not in crawlers["flights-local-flights"]
    assert crawlers["flights-local-weather"]["schema_change_policy"] == {
        "delete_behavior": "LOG",
        "update_behavior": "UPDATE_IN_DATABASE",
    }
    [target] = crawlers["flights-local-flights"]["s3_target"]
    assert target["path"] == "s3://flights-local-raw-${data.aws_caller_identity.account.account_id}/flights/"


def test_a_crawler_has_its_datasets_schedule(tmp_path: Path) -> None:
    crawl = "{schedule: 'cron(15 * * * ? *)'}"
    lake = lake_of(tmp_path, f"datasets:\n  orders: {{format: csv, crawl: {crawl}}}\n  people: {{format: csv}}\n")
    catalog = synthesised(lake, "local", tmp_path / "out")["catalog"]
    crawlers = {crawler["name"]: crawler for crawler in resources(catalog, "aws_glue_crawler").values()}

    assert crawlers["small-local-orders"]["schedule"] == "cron(15 * * * ? *)"
    assert "schedule" not in crawlers["small-local-people"]


def test_crawlers_can_delete_tables_only_if_a_dataset_needs_it(local: Stacks) -> None:
    assert "glue:DeleteTable" not in json.dumps(local["catalog"])


def test_files_of_jobs_in_the_curated_zone_can_be_crawled(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, "datasets:\n  job_reports: {zone: curated, format: json, partitions: [job]}\n")
    catalog = synthesised(lake, "local", tmp_path / "out")["catalog"]
    [crawler] = resources(catalog, "aws_glue_crawler").values()
    [policy] = resources(catalog, "aws_iam_role_policy").values()

    assert crawler["database_name"] == "${aws_glue_catalog_database.curated_database.name}"
    [target] = crawler["s3_target"]
    assert "-curated-" in target["path"] and target["path"].endswith("/job_reports/")
    assert "table/small_local_curated/*" in policy["policy"] and "small-local-curated-" in policy["policy"]


def test_the_job_runs_the_script_and_has_its_own_log_groups(local: Stacks) -> None:
    job = only(local, "etl", "aws_glue_job")
    arguments = job["default_arguments"]

    assert job["command"]["script_location"].endswith("/run_job.py") or "script" in job["command"]["script_location"]
    assert arguments["--custom-logGroup-prefix"] == "/flights-local/glue/flights_enriched"
    groups = {group["name"] for group in resources(local["etl"], "aws_cloudwatch_log_group").values()}
    assert groups == {f"/flights-local/glue/flights_enriched/{stream}" for stream in ("output", "error")}


def test_a_scala_job_is_one_script_that_glue_compiles(tmp_path: Path) -> None:
    lake = (
        (ROOT / "lake.yaml").read_text().replace("    source: flights\n", "    source: flights\n    language: scala\n")
    )
    for name in ("queries", "glue_scripts", "flink_app"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "lake.yaml").write_text(lake)
    etl = synthesised(tmp_path / "lake.yaml", "local", tmp_path / "out")
    job = only(etl, "etl", "aws_glue_job")

    assert job["command"]["script_location"].endswith("/${aws_s3_object.scala_script.key}")
    script = resources(etl["etl"], "aws_s3_object")["scala_script"]
    assert script["key"].endswith("/RunJob.scala")
    assert (tmp_path / "out" / "stacks" / "etl" / script["source"]).read_text() == scala_script()
    scala = {"--job-language": "scala", "--class": "GlueApp", "--aws_region": "us-east-1"}
    assert {name: job["default_arguments"].get(name) for name in scala} == scala
    assert "--extra-py-files" not in job["default_arguments"]
    assert "python_script" not in resources(etl["etl"], "aws_s3_object")


def test_a_scala_job_with_find_matches_gets_the_python_package(tmp_path: Path) -> None:
    matches = "find_matches: {id: id, columns: {name: name}}"
    text = (
        "datasets: {people: {format: csv}}\n"
        f"jobs:\n  same: {{source: people, language: scala, steps: [{{{matches}}}], sink: {{table: same}}}}\n"
    )
    etl = synthesised(lake_of(tmp_path, text), "local", tmp_path / "out")
    arguments = only(etl, "etl", "aws_glue_job")["default_arguments"]

    assert arguments["--lake_etl"].endswith("/${aws_s3_object.package.key}")
    assert "duckdb==" in arguments["--additional-python-modules"]


def test_an_incremental_job_is_marked_in_its_spec_and_can_drop_partitions(tmp_path: Path) -> None:
    text = (
        "datasets: {events: {format: json}, rules: {format: csv}}\n"
        "jobs:\n  added: {source: events, incremental: true, sink: {table: added}}\n"
    )
    etl = synthesised(lake_of(tmp_path, text), "local", tmp_path / "out")
    [spec] = [r for r in resources(etl["etl"], "aws_s3_object").values() if r["key"].endswith("added.json")]
    assert json.loads(spec["content"])["incremental"] is True
    assert "glue:DeletePartition" in only(etl, "etl", "aws_iam_role_policy")["policy"]


def test_other_jobs_cannot_drop_partitions_or_see_runs_of_other_lakes(local: Stacks) -> None:
    policy = json.loads(only(local, "etl", "aws_iam_role_policy")["policy"])
    actions = {action: one["Resource"] for one in policy["Statement"] for action in one["Action"]}
    assert "glue:DeletePartition" not in actions
    assert [arn.rpartition(":")[2] for arn in actions["glue:GetJobRun"]] == ["job/flights-local-*"]


def test_the_spec_has_the_steps_of_lake_yaml() -> None:
    lake = load(ROOT / "lake.yaml", "local")
    spec = job_spec(lake, "flights_enriched", lake.config.jobs["flights_enriched"])

    assert spec["steps"][1] == {"filter": "distance > 0"}
    assert spec["steps"][3] == {
        "join": {
            "with": "planes",
            "on": ["tailnum"],
            "how": "left",
            "take": ["manufacturer", "model", "seats"],
        }
    }
    assert spec["sink"]["partition_by"] == ["year", "month"]
    json.dumps(spec)


def test_the_spec_lists_multiline_datasets(tmp_path: Path) -> None:
    text = (
        (ROOT / "lake.yaml")
        .read_text()
        .replace("planes: {format: csv}", "planes: {format: csv, csv: {multiline: true}}")
    )
    (tmp_path / "lake.yaml").write_text(text)
    for folder in ("glue_scripts", "flink_app", "queries"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    lake = load(tmp_path / "lake.yaml", "local")
    assert job_spec(lake, "flights_enriched", lake.config.jobs["flights_enriched"])["multiline"] == ["planes"]


def test_the_spec_keeps_the_order_of_added_columns_and_the_job_gets_its_modules(tmp_path: Path) -> None:
    added = "py_files: [rules/far.py]\n    source: flights\n    steps:\n      - map: {add: {z: '1', a: z + 1}}"
    text = (ROOT / "lake.yaml").read_text().replace("source: flights\n    steps:", added)
    (tmp_path / "lake.yaml").write_text(text)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "far.py").write_text("def far(flights): return flights.distance > 1000\n")
    for folder in ("glue_scripts", "flink_app", "queries"):
        (tmp_path / folder).symlink_to(ROOT / folder)

    etl = synthesised(tmp_path / "lake.yaml", "local", tmp_path / "out")["etl"]

    [spec] = [r for r in resources(etl, "aws_s3_object").values() if r["key"].endswith("flights_enriched.json")]
    assert list(json.loads(spec["content"])["steps"][0]["map"]["add"]) == ["z", "a"]
    [job] = resources(etl, "aws_glue_job").values()
    package, module = job["default_arguments"]["--extra-py-files"].split(",")
    assert "lake_etl.zip" in package or "package" in package
    assert module.endswith(".key}") or module.endswith("/far.py")


def test_the_workgroup_enforces_its_settings_and_a_cut_off(local: Stacks) -> None:
    configuration = only(local, "athena", "aws_athena_workgroup")["configuration"]

    assert configuration["enforce_workgroup_configuration"] is True
    assert configuration["bytes_scanned_cutoff_per_query"] == 10_000_000_000
    assert configuration["result_configuration"]["encryption_configuration"]["encryption_option"] == "SSE_KMS"


def test_an_sql_file_becomes_a_named_query_with_database_names() -> None:
    text = statement(ROOT / "queries" / "flights_total.sql", Names("flights", "dev", "eu-west-1", "1" * 12))

    assert text == 'SELECT count(*) AS flights\nFROM "flights_dev_curated".flights_enriched'


def test_firehose_converts_to_parquet_with_a_buffer_that_aws_accepts(local: Stacks) -> None:
    deliveries = resources(local["streaming"], "aws_kinesis_firehose_delivery_stream").values()
    [delivery] = [one["extended_s3_configuration"] for one in deliveries if one["name"] == "flights-local-departures"]

    assert delivery["buffering_size"] >= 64
    assert delivery["compression_format"] == "UNCOMPRESSED"
    assert delivery["error_output_prefix"] == "_errors/departures/!{firehose:error-output-type}/"
    conversion = delivery["data_format_conversion_configuration"]
    assert conversion["schema_configuration"]["table_name"].endswith(".name}")


def test_projected_partitions_match_firehoses_folders(local: Stacks) -> None:
    table = resources(local["streaming"], "aws_glue_catalog_table")["departures_table"]
    deliveries = resources(local["streaming"], "aws_kinesis_firehose_delivery_stream")
    delivery = deliveries["departures_delivery"]["extended_s3_configuration"]

    assert table["partition_keys"] == [{"name": "date", "type": "string"}]
    assert table["parameters"]["projection.date.format"] == "yyyy-MM-dd"
    assert table["parameters"]["storage.location.template"].endswith("/departures/date=$${date}/")
    assert delivery["prefix"] == "departures/date=!{timestamp:yyyy-MM-dd}/"


def test_the_flink_application_finds_its_settings_in_a_property_group(local: Stacks) -> None:
    """Dicts in a list block lose their keys in silence: struct classes do not."""
    application = only(local, "streaming", "aws_kinesisanalyticsv2_application")
    groups = application["application_configuration"]["environment_properties"]["property_group"]

    found = {group["property_group_id"]: group["property_map"] for group in groups}
    assert set(found) == {"kinesis.analytics.flink.run.options", "stream", "window.hourly"}
    assert json.loads(found["window.hourly"]["by"]) == {"carrier": "STRING"}
    assert found["window.hourly"]["seconds"] == "3600"


def test_another_window_updates_the_application_in_place(tmp_path: Path) -> None:
    """The provider replaces an application if one of these changes. On AWS, the new one would be refused."""
    forces_new = ("application_mode", "description", "name")
    stream = "streams:\n  orders:\n    columns: {at: timestamp}\n    event_time: {column: at}\n    windows: "
    found = []
    for number, windows in enumerate(("{first: {seconds: 60}}", "{second: {seconds: 60}, third: {gap: 5}}")):
        folder = tmp_path / str(number)
        folder.mkdir()
        stacks = synthesised(lake_of(folder, f"{stream}{windows}\n"), "local", folder / "out")
        application = only(stacks, "streaming", "aws_kinesisanalyticsv2_application")
        found.append([application[name] for name in forces_new])
        run = application["application_configuration"]["run_configuration"]  # type: ignore[index]
        assert run == {
            "application_restore_configuration": {"application_restore_type": "RESTORE_FROM_LATEST_SNAPSHOT"}
        }
    assert found[0] == found[1]


def test_results_go_to_the_curated_zone_and_rejected_events_to_the_raw_zone(local: Stacks) -> None:
    tables = resources(local["streaming"], "aws_glue_catalog_table")
    places = {name: table["storage_descriptor"]["location"] for name, table in tables.items()}

    assert places["departures_hourly_table"].endswith("/departures_hourly/")
    assert "-curated-" in places["departures_hourly_table"]
    assert "-raw-" in places["departures_rejected_table"]
    columns = [column["name"] for column in tables["departures_hourly_table"]["storage_descriptor"]["columns"]]
    assert columns == ["window_start", "window_end", "carrier", "departures", "delay"]


def test_an_account_gets_the_application_only_with_the_jar(
    flink_jar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_FLINK_JAR", str(tmp_path / "nothing.jar"))
    without = synthesised(ROOT / "lake.yaml", "prod", tmp_path / "without")
    assert not resources(without["streaming"], "aws_kinesisanalyticsv2_application")

    monkeypatch.setenv("LAKE_FLINK_JAR", str(flink_jar))
    stacks = synthesised(ROOT / "lake.yaml", "prod", tmp_path / "out")

    assert only(stacks, "streaming", "aws_kinesisanalyticsv2_application")["start_application"] is True
    [package] = (tmp_path / "out").rglob("flink_app.zip")
    names = zipfile.ZipFile(package).namelist()
    assert {"main.py", "sql/source.sql", "lib/pyflink-dependencies.jar"} <= set(names)


def test_the_same_files_make_the_same_zip(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("print(1)\n")
    first = zipped(tmp_path / "app", inside="app").read_bytes()
    (tmp_path / "app" / "main.py").touch()
    (tmp_path / "app" / "notes.txt").write_text("not code")

    assert zipped(tmp_path / "app", inside="app").read_bytes() == first
    assert zipfile.ZipFile(zipped(tmp_path / "app", inside="app")).namelist() == ["app/main.py"]


def test_glue_installs_duckdb_only_for_jobs_with_find_matches(local: Stacks) -> None:
    step = {"find_matches": {"id": "id", "columns": {"name": "name"}}}
    job = Job.model_validate({"source": "people", "sink": {"table": "people"}, "steps": [step]})

    assert matching_modules(job) == [f"duckdb=={version('duckdb')}"]
    assert "additional-python-modules" not in json.dumps(local["etl"])


def test_expectations_are_a_ruleset_on_the_table_and_in_the_spec(tmp_path: Path) -> None:
    expected = "expect: [{complete: carrier}, {rows: {min: 1}, otherwise: warn}]\n    sink: {table: flights_enriched"
    text = (ROOT / "lake.yaml").read_text().replace("sink: {table: flights_enriched", expected)
    (tmp_path / "lake.yaml").write_text(text)
    for folder in ("glue_scripts", "flink_app", "queries"):
        (tmp_path / folder).symlink_to(ROOT / folder)

    etl = synthesised(tmp_path / "lake.yaml", "local", tmp_path / "out")["etl"]

    [ruleset] = resources(etl, "aws_glue_data_quality_ruleset").values()
    assert ruleset["name"] == "flights-local-flights_enriched"
    assert ruleset["ruleset"] == 'Rules = [\n    IsComplete "carrier",\n    RowCount >= 1\n]'
    assert ruleset["target_table"] == {"database_name": "flights_local_curated", "table_name": "flights_enriched"}
    [spec] = [r for r in resources(etl, "aws_s3_object").values() if r["key"].endswith("flights_enriched.json")]
    found = [(rule["kind"], rule["otherwise"]) for rule in json.loads(spec["content"])["expect"]]
    assert found == [("complete", "fail"), ("rows", "warn")]


def test_a_job_without_expectations_has_no_ruleset(local: Stacks) -> None:
    assert not resources(local["etl"], "aws_glue_data_quality_ruleset")


def test_an_ml_transform_is_deployed_with_a_warning_at_synth(tmp_path: Path) -> None:
    transform = "ml_transforms: {same_planes: {dataset: planes, primary_key: tailnum, enforce_labels: true}}\n"
    (tmp_path / "lake.yaml").write_text((ROOT / "lake.yaml").read_text() + transform)
    for folder in ("glue_scripts", "flink_app", "queries"):
        (tmp_path / folder).symlink_to(ROOT / folder)

    made = only(synthesised(tmp_path / "lake.yaml", "local", tmp_path / "out"), "etl", "aws_glue_ml_transform")

    assert made["name"] == "flights-local-same_planes"
    assert made["input_record_tables"] == [{"database_name": "flights_local_raw", "table_name": "planes"}]
    assert made["parameters"]["find_matches_parameters"]["enforce_provided_labels"] is True
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    [warning] = manifest["stacks"]["etl"]["annotations"]
    assert warning["level"] == "@cdktf/warn"
    assert "ml_transforms.same_planes: AWS's FindMatches ran only on Glue 2.0" in warning["message"]

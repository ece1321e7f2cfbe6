"""The lake from `make demo` to nothing left: real Terraform, real data, the public commands.

The tests of this file run in their order on one lake, as a person would go through its life.
"""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from lake.configuration.flink import is_installed
from lake.configuration.names import STACKS
from lake.configuration.reading import load
from lake.embedded.credentials import keys_of
from tests.e2e.conftest import Checkout, Demo
from tests.e2e.deployed import Call, calls
from tests.e2e.enforcement import Statement, asked_by_aws, failing, idle, statements_by_role, taken_away

pytestmark = pytest.mark.e2e
BUCKET = "flights-local-{}-000000000000"


def test_an_interrupted_up_exits_with_130_and_says_how_to_continue(demo: Demo) -> None:
    assert demo.interrupted.returncode == 130, demo.interrupted.stdout
    assert "Run the same command again" in demo.interrupted.stdout
    assert "Deploying athena" not in demo.interrupted.stdout


def test_the_demo_continues_and_matches_pandas(demo: Demo) -> None:
    assert "Athena: 336776\n  pandas: 336776" in demo.shown
    assert "'ExpressJet Airlines Inc.': 16028, 'JetBlue Airways': 14111" in demo.shown
    assert "All results match those of pandas" in demo.shown
    assert ("by Flink\n  Athena: {'10:00 AA': (1, 2.0), " in demo.shown) is is_installed()
    assert ("`make flink` brings it" in demo.shown) is not is_installed()


@pytest.fixture(scope="module")
def roles(lake_up: Checkout) -> dict[str, list[Statement]]:
    return statements_by_role(lake_up)


@pytest.fixture(scope="module")
def made(demo: Demo) -> list[Call]:
    return calls(demo.checkout)


def test_no_call_of_the_demo_is_refused(roles: dict[str, list[Statement]], made: list[Call]) -> None:
    assert len(roles) >= 5
    for role, statements in roles.items():
        assert any(call["Caller"].endswith(f"/{role}") for call in made), role
        assert failing(role, statements, made) == []


def test_no_action_can_be_taken_away_that_aws_does_not_ask_for(
    roles: dict[str, list[Statement]], made: list[Call]
) -> None:
    assert idle(taken_away(roles, made)) == []


def test_what_aws_asks_for_is_in_a_role_and_named_with_its_page(roles: dict[str, list[Statement]]) -> None:
    for kind, pages in asked_by_aws().items():
        for action, page in pages.items():
            assert any(role.endswith(kind) and action in s["Action"] for role in roles for s in roles[role]), (
                kind,
                action,
            )
            assert page.startswith("https://docs.aws.amazon.com/"), action


def test_the_run_report_accounts_for_every_row(lake_up: Checkout) -> None:
    keys = lake_up.s3().list_objects_v2(Bucket=BUCKET.format("curated"), Prefix="job_reports/")["Contents"]
    report = json.loads(lake_up.s3().get_object(Bucket=BUCKET.format("curated"), Key=keys[0]["Key"])["Body"].read())

    assert report["rows_in"] == report["rows_out"] == 336_776
    assert report["rows_in"] + report["added_by_joins"] == (
        report["rows_out"] + report["filtered"] + report["removed_by_joins"] + report["quarantined_rows"]
    )


@pytest.mark.parametrize("stack", STACKS)
def test_a_plan_right_after_the_deploy_shows_no_change(lake_up: Checkout, stack: str) -> None:
    shown = lake_up.planned(stack)

    assert "No changes." in shown, shown


def test_state_can_be_inspected_with_terraform_itself(lake_up: Checkout) -> None:
    listed = lake_up.state("etl")

    assert any(address.startswith("aws_glue_job.") for address in listed)


def test_another_environment_is_synthesised_and_validated_without_a_trace_in_this_one(
    lake_up: Checkout,
) -> None:
    before = {stack: lake_up.state(stack) for stack in ("storage", "etl")}

    lake_up.run("cdktf", "synth", LAKE_ENV="dev")
    for stack in STACKS:
        folder = f"-chdir=cdktf.out/stacks/{stack}"
        lake_up.run("terraform", folder, "init", "-backend=false", "-input=false")
        lake_up.run("terraform", folder, "validate")
    # A person may also have initialised the other environment's backend.
    lake_up.run("terraform", "-chdir=cdktf.out/stacks/etl", "init", "-input=false", "-reconfigure")
    listed = lake_up.run("terraform", "-chdir=cdktf.out/stacks/etl", "state", "list", code=1)
    assert "No state file was found!" in listed.stderr

    for stack, resources in before.items():
        assert "No changes." in lake_up.run("cdktf", "plan", stack).stdout
        assert lake_up.state(stack) == resources


def test_checkov_parses_every_stack(lake_up: Checkout) -> None:
    """Findings are not judged here; a parsing error would hide them all, and checkov would still exit with 0."""
    lake_up.run("cdktf", "synth")
    command = ["checkov", "-d", "cdktf.out", "--framework", "terraform_json", "--skip-download", "-o", "json"]
    report = json.loads(lake_up.run(*command, code=None, LOG_LEVEL="ERROR").stdout)

    assert report["summary"]["parsing_errors"] == 0
    files = {check["file_path"] for check in report["results"]["passed_checks"]}
    assert files == {f"/stacks/{stack}/cdk.tf.json" for stack in STACKS}


def test_the_cli_of_aws_works_with_the_profile_that_the_lake_prints(lake_up: Checkout, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(lake_up.lake("local", "credentials", "--profile").stdout)

    def aws(*arguments: str) -> str:
        settings = {"AWS_CONFIG_FILE": str(tmp_path / "config")}
        return lake_up.run("aws", "--profile", "flights-local", *arguments, **settings).stdout

    tables = json.loads(aws("glue", "get-tables", "--database-name", "flights_local_raw"))["TableList"]
    assert {table["Name"] for table in tables} == {"flights", "weather", "airlines", "airports", "planes"}
    aws("glue", "start-crawler", "--name", "flights-local-planes")
    started = json.loads(
        aws(
            *("athena", "start-query-execution", "--work-group", "flights-local"),
            *("--query-string", "SELECT count(*) FROM flights_local_raw.airlines"),
        )
    )
    assert started["QueryExecutionId"]


def test_a_query_says_how_many_bytes_it_read(lake_up: Checkout) -> None:
    complete = lake_up.lake_json("query", "SELECT count(*) AS n, sum(distance) AS miles FROM flights_enriched")
    month = lake_up.lake_json(
        "query", "SELECT count(*) AS n, sum(distance) AS miles FROM flights_enriched WHERE month = '1'"
    )

    assert month["rows"][0]["n"] == 27_004
    assert 0 < month["bytes_scanned"] < complete["bytes_scanned"] / 8


def test_status_shows_whether_flink_runs(lake_up: Checkout) -> None:
    lines = {line["part"]: line for line in lake_up.lake_json("status")}

    expected = ("RUNNING", "computes windows") if is_installed() else ("READY", "not started: `lake stream start` does")
    assert (lines["application departures"]["state"], lines["application departures"]["detail"]) == expected
    assert lines["job flights_enriched"]["detail"].startswith("last run: SUCCEEDED")
    assert lines["workflow refresh"]["detail"] == "last run: COMPLETED, 7 of 7 succeeded"
    assert "1 partitions" in lines["crawler job_reports"]["detail"]


def test_everything_is_there_after_a_restart(lake_up: Checkout) -> None:
    lake_up.lake("local", "stop")
    lake_up.lake("local", "start")

    assert lake_up.lake_json("query", "--name", "flights_total")["rows"] == [{"flights": 336776}]
    assert "No changes." in lake_up.run("cdktf", "plan", "streaming").stdout


def test_bad_rows_and_files_are_quarantined_and_the_good_ones_arrive(lake_up: Checkout) -> None:
    raw = BUCKET.format("raw")
    day = "flights/year=2013/month=1/day=1"
    good = json.dumps({"carrier": "UA", "flight": 1, "origin": "EWR", "distance": 100, "tailnum": "N14228"})
    weather = lake_up.s3().get_object(Bucket=raw, Key="weather/year=2013/month=1/day=1/hour=1/part-0.parquet")
    lake_up.put_object(raw, f"{day}/broken.json", f'{good}\n{{"carrier": "UA", "fli\n'.encode())
    lake_up.put_object(raw, f"{day}/empty.json", b"")
    lake_up.put_object(raw, "planes/ragged.csv", RAGGED.encode())
    lake_up.put_object(raw, "weather/year=2013/month=1/day=1/hour=1/short.parquet", weather["Body"].read()[:-100])

    assert {crawl["status"] for crawl in lake_up.lake_json("crawl", "flights", "planes", "weather")} == {"SUCCEEDED"}
    report = lake_up.lake_json("run", "flights_enriched")

    assert report["rows_out"] == 336_777
    assert report["quarantined_rows"] >= 1
    reasons = quarantined(lake_up)
    assert {key.rpartition("/")[2] for key in reasons} == {
        "broken.json",
        "empty.json",
        "ragged.csv",
        "short.parquet",
    }
    assert all(reasons.values())
    shown = {row["source_file"].rpartition("/")[2]: row for row in lake_up.lake_json("quarantine", "flights_enriched")}
    assert {file: row["line"] for file, row in shown.items()} == {
        "broken.json": 2,
        "empty.json": None,
        "ragged.csv": 3,
        "short.parquet": None,
    }
    assert (shown["ragged.csv"]["raw"], shown["ragged.csv"]["found_by"]) == ("N88888,2004,too few", "reader")
    total = lake_up.lake_json("query", "--name", "flights_total")["rows"]
    assert total == [{"flights": 336777}]


RAGGED = (
    "tailnum,year,type,manufacturer,model,engines,seats,speed,engine\n"
    "N99999,2004,Fixed wing multi engine,EMBRAER,EMB-145XR,2,55,NA,Turbo-fan\n"
    "N88888,2004,too few\n"
)


def quarantined(lake_up: Checkout) -> dict[str, str]:
    """Reason by source file, of all that lies in the quarantine zone."""
    listed = lake_up.s3().list_objects_v2(Bucket=BUCKET.format("quarantine")).get("Contents", [])
    rows = [
        json.loads(line)
        for entry in listed
        if entry["Key"].endswith(".json")
        for line in lake_up.s3().get_object(Bucket=BUCKET.format("quarantine"), Key=entry["Key"])["Body"].iter_lines()
    ]
    return {row["source_file"]: row["reason"] for row in rows}


def test_one_stack_is_destroyed_and_deployed_with_cdktf_while_the_others_stay(lake_up: Checkout) -> None:
    lake_up.run("cdktf", "destroy", "catalog", "--auto-approve")
    assert lake_up.state("catalog") == []
    assert "No changes." in lake_up.run("cdktf", "plan", "etl").stdout
    assert lake_up.lake_json("query", "SHOW TABLES", "--database", "streams")["rows"] == [
        {"tab_name": name} for name in ("departures", "departures_hourly", "departures_rejected")
    ]

    lake_up.run("cdktf", "deploy", "catalog", "--auto-approve")
    assert {crawl["status"] for crawl in lake_up.lake_json("crawl", "planes")} == {"SUCCEEDED"}


def test_data_is_not_deleted_without_the_second_confirmation(lake_up: Checkout) -> None:
    done = lake_up.lake("down", code=2)

    assert "--delete-data" in done.stderr
    assert lake_up.lake_json("query", "SELECT 1 AS one")["rows"] == [{"one": 1}]


def test_leftovers_lists_everything_of_a_deployed_lake(lake_up: Checkout) -> None:
    found = lake_up.lake_json("leftovers", code=1)["leftovers"]

    kinds = {left["kind"] for left in found}
    assert {
        "S3 bucket",
        "Glue table",
        "Glue job",
        "IAM role",
        "Kinesis stream",
        "CloudWatch log group",
        "CloudWatch alarm",
        "CloudWatch dashboard",
        "SNS topic",
    } <= kinds
    assert "by tag" not in kinds, "a resource is tagged as ours that no search by name finds"


def test_down_leaves_nothing_even_after_an_interrupt_and_lost_states(lake_up: Checkout) -> None:
    lake_up.forget_state("etl", "athena", "streaming")
    stopped = lake_up.interrupted("down", "--delete-data", when="Destroying")
    assert stopped.returncode == 130, stopped.stdout

    lake_up.lake("down", "--delete-data")

    assert all(lake_up.state(stack) == [] for stack in STACKS)
    assert lake_up.lake_json("leftovers")["leftovers"] == []


def test_the_store_of_the_embedded_aws_holds_nothing_of_the_lake(lake_up: Checkout) -> None:
    """What `leftovers` may have overlooked. The one key that AWS too keeps for 7 days is named by its id alone."""
    store = lake_up.lake_json("local", "store")
    ours = [entry for entry in store if "flights" in entry["key"] or "departures" in entry["key"]]

    assert ours == []


def test_down_on_nothing_is_no_error(lake_up: Checkout) -> None:
    lake_up.lake("down", "--delete-data")


def test_the_secret_key_of_the_embedded_aws_is_only_in_its_file(lake_up: Checkout) -> None:
    """A plan with keys of the person's in the environment goes through, so those are not taken."""
    secret, folder = keys_of(load(lake_up.root / "lake.yaml", "local")).secret, "cdktf.out/stacks/athena"
    settings = {"AWS_ACCESS_KEY_ID": "AKIAOFTHEPERSON", "AWS_SECRET_ACCESS_KEY": "x", "AWS_PROFILE": "none"}
    plan = lake_up.root / folder / "a.plan"
    lake_up.run("terraform", f"-chdir={folder}", "plan", f"-out={plan}", **settings)
    with ZipFile(plan) as archive:
        assert not any(secret.encode() in archive.read(name) for name in archive.namelist())
    plan.unlink()

    places = [lake_up.root / name for name in ("cdktf.out", ".state", ".local")]
    files = [file for place in places for file in place.rglob("*") if file.is_file() and ".terraform" not in file.parts]
    holders = [file for file in files if secret.encode() in file.read_bytes()]
    assert holders == [lake_up.root / ".local/local/aws/credentials"]

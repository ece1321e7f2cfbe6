"""The life cycle of a query execution, its result and its errors, as an Athena client sees them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.embedded import client, keys_of

from ..conftest import free_port, started, stopped
from .conftest import LAKE, RESULTS, Lake


@pytest.fixture(scope="module", autouse=True)
def numbers(lake: Lake) -> Iterator[None]:
    lake.put("numbers/a.json", '{"n": 1}\n{"n": 2}\n')
    lake.table("numbers", "json", "n int")
    yield


def test_the_result_is_a_csv_with_every_value_quoted_and_null_empty(lake: Lake) -> None:
    ran = lake.run("""SELECT 'a "b"' AS s, CAST(NULL AS integer) AS n, '' AS e, true AS t""")
    assert ran.result == f"s3://{RESULTS}/{ran.document['QueryExecutionId']}.csv"
    assert lake.text(ran.result) == '"s","n","e","t"\n"a ""b""",,"","true"\n'
    assert lake.s3.head_object(Bucket=RESULTS, Key=f"{ran.document['QueryExecutionId']}.csv.metadata")
    assert ran.rows == [['a "b"', None, "", "true"]]


def test_the_first_page_begins_with_the_header_and_pages_follow_by_token(lake: Lake) -> None:
    ran = lake.run("SELECT * FROM (VALUES 1, 2, 3) AS t(n) ORDER BY n")
    asked = {"QueryExecutionId": ran.document["QueryExecutionId"], "MaxResults": 3}
    first = lake.athena.get_query_results(**asked)
    second = lake.athena.get_query_results(**asked, NextToken=first["NextToken"])
    values = [[row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]] for page in (first, second)]
    assert values == [["n", "1", "2"], ["3"]]
    assert "NextToken" not in second


def test_a_query_that_fails_says_why(lake: Lake) -> None:
    ran = lake.run("SELECT nope FROM numbers")
    status = ran.document["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"] == "COLUMN_NOT_FOUND: Column 'nope' cannot be resolved"
    assert status["AthenaError"]["ErrorCategory"] == 2
    missing = lake.run("SELECT * FROM nowhere")
    assert missing.reason == "TABLE_NOT_FOUND: Table 'awsdatacatalog.flights.nowhere' does not exist"
    with pytest.raises(ClientError, match="did not finish successfully"):
        lake.athena.get_query_results(QueryExecutionId=missing.document["QueryExecutionId"])


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT FROM WHERE", "SELECT 1; SELECT 2"])
def test_text_that_is_not_a_statement_is_refused_immediately(lake: Lake, sql: str) -> None:
    with pytest.raises(ClientError, match="InvalidRequestException"):
        lake.start(sql)


def test_a_statement_that_is_not_supported_is_named(lake: Lake) -> None:
    assert lake.run("DELETE FROM numbers").reason.startswith("NOT_SUPPORTED: the embedded AWS does not run this")


def test_a_query_without_an_output_location_does_not_start(lake: Lake) -> None:
    lake.athena.create_work_group(Name="placeless", Configuration={"EnforceWorkGroupConfiguration": False})
    with pytest.raises(ClientError, match="No output location provided"):
        lake.athena.start_query_execution(QueryString="SELECT 1", WorkGroup="placeless")


def test_an_enforced_work_group_sets_the_output_location(lake: Lake) -> None:
    lake.athena.create_work_group(Name="strict", Configuration={
        "EnforceWorkGroupConfiguration": True,
        "ResultConfiguration": {"OutputLocation": f"s3://{RESULTS}/strict/"},
    })  # fmt: skip
    ran = lake.run("SELECT 1", WorkGroup="strict")
    assert ran.result.startswith(f"s3://{RESULTS}/strict/")
    assert ran.document["WorkGroup"] == "strict"
    assert lake.athena.list_query_executions(WorkGroup="strict")["QueryExecutionIds"] == [
        ran.document["QueryExecutionId"]
    ]


def test_a_query_beyond_the_cutoff_is_cancelled(lake: Lake) -> None:
    lake.put("heavy/a.json", '{"n": 1}\n' * 1_300_000)
    lake.table("heavy", "json", "n int")
    lake.athena.create_work_group(Name="thrifty", Configuration={
        "EnforceWorkGroupConfiguration": True,
        "BytesScannedCutoffPerQuery": 10_485_760,
        "ResultConfiguration": {"OutputLocation": f"s3://{RESULTS}/"},
    })  # fmt: skip
    over = lake.run("SELECT sum(n) FROM heavy", WorkGroup="thrifty")
    assert (over.state, over.reason) == ("CANCELLED", "Query cancelled! : Bytes scanned limit was exceeded")
    assert lake.run("SELECT sum(n) FROM numbers", WorkGroup="thrifty").rows == [["3"]]


def test_a_work_group_is_deleted_with_its_history(lake: Lake) -> None:
    lake.athena.create_work_group(Name="leaving", Configuration={"EnforceWorkGroupConfiguration": False})
    execution = lake.start("SELECT 1", WorkGroup="leaving")
    lake.wait(execution)
    with pytest.raises(ClientError, match="is not empty"):
        lake.athena.delete_work_group(WorkGroup="leaving")
    lake.athena.delete_work_group(WorkGroup="leaving", RecursiveDeleteOption=True)
    with pytest.raises(ClientError, match="was not found"):
        lake.athena.get_query_execution(QueryExecutionId=execution)


def test_parameters_replace_question_marks(lake: Lake) -> None:
    sql = "SELECT n, '?' FROM numbers WHERE n = ? AND 'a' = ?"
    assert lake.rows(sql, ExecutionParameters=["2", "'a'"]) == [["2", "?"]]
    with pytest.raises(ClientError, match="Incorrect number of parameters: expected 2 but found 1"):
        lake.start(sql, ExecutionParameters=["2"])


def test_a_parameter_is_one_literal_and_keeps_to_itself(lake: Lake) -> None:
    assert lake.rows("SELECT 5-?", ExecutionParameters=["-1"]) == [["6"]]
    assert lake.rows("SELECT 10-?, 1", ExecutionParameters=["2 + 3"]) == [["5", "1"]]
    for given in ("1 -- 2", "1 /* 2 */", "1; SELECT 2", "1, 2", "1 AS x", "1 UNION SELECT 2", "item"):
        with pytest.raises(ClientError, match="must be one SQL literal"):
            lake.start("SELECT 5 - ?", ExecutionParameters=[given])


def test_a_prepared_statement_is_executed_by_name(lake: Lake) -> None:
    lake.athena.create_prepared_statement(
        StatementName="one_number", WorkGroup="primary", QueryStatement="SELECT n FROM numbers WHERE n > ?"
    )
    assert lake.rows("EXECUTE one_number USING 1") == [["2"]]
    assert lake.rows("EXECUTE one_number", ExecutionParameters=["1"]) == [["2"]]


def test_the_same_token_starts_one_query(lake: Lake) -> None:
    token = "a-token-of-at-least-32-characters-000"
    first, second = (lake.start("SELECT 1", ClientRequestToken=token) for _ in range(2))
    assert first == second
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        lake.start("SELECT 2", ClientRequestToken=token)


def test_a_running_query_can_be_stopped(lake: Lake) -> None:
    endless = (
        "SELECT count(*) FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y) "
        "CROSS JOIN UNNEST(sequence(1, 10000)) c(z) WHERE x * y % 7 = z"
    )
    execution = lake.start(endless)
    lake.athena.stop_query_execution(QueryExecutionId=execution)
    assert lake.wait(execution)["Status"]["State"] == "CANCELLED"


def test_executions_are_found_in_batches(lake: Lake) -> None:
    execution = lake.start("SELECT 1")
    lake.wait(execution)
    answer = lake.athena.batch_get_query_execution(QueryExecutionIds=[execution, "none"])
    assert [document["QueryExecutionId"] for document in answer["QueryExecutions"]] == [execution]
    assert [item["QueryExecutionId"] for item in answer["UnprocessedQueryExecutionIds"]] == ["none"]


@pytest.mark.parametrize(
    ("sql", "kind"), [("SELECT 1", "DML"), ("SHOW TABLES", "UTILITY"), ("DROP TABLE IF EXISTS x", "DDL")]
)
def test_a_statement_has_its_type(lake: Lake, sql: str, kind: str) -> None:
    assert lake.run(sql).document["StatementType"] == kind


def test_a_restart_keeps_finished_executions(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "aws"
    process = started(port, folder)
    lake = Lake(lambda service: client(service, f"http://127.0.0.1:{port}"))
    lake.s3.create_bucket(Bucket=RESULTS)
    done = lake.run("SELECT 7 AS n").document["QueryExecutionId"]
    stopped(process)
    process = started(port, folder)
    try:
        assert lake.wait(done)["Status"]["State"] == "SUCCEEDED"
        rows = lake.athena.get_query_results(QueryExecutionId=done)["ResultSet"]["Rows"]
        assert [row["Data"][0]["VarCharValue"] for row in rows] == ["n", "7"]
    finally:
        stopped(process)


def test_a_result_that_cannot_be_written_fails_the_query(lake: Lake) -> None:
    ran = lake.run("SELECT 1", ResultConfiguration={"OutputLocation": "s3://no-such-bucket-here/"})
    assert ran.state == "FAILED"
    assert "no-such-bucket-here" in ran.reason


def test_a_table_follows_its_files(lake: Lake) -> None:
    lake.table("moving", "json", "n int")
    assert lake.rows("SELECT n FROM moving") == []
    lake.put("moving/a.json", '{"n": 1}\n')
    assert lake.rows("SELECT n FROM moving") == [["1"]]
    lake.s3.delete_object(Bucket=LAKE, Key="moving/a.json")
    assert lake.rows("SELECT n FROM moving") == []


def test_more_queries_than_any_pool_has_threads_start_at_once(lake: Lake) -> None:
    """Each start calls this AWS for its work group."""
    many, endpoint = 120, lake.athena.meta.endpoint_url
    keys, together = keys_of(endpoint), Barrier(many)
    impatient = Config(max_pool_connections=many, read_timeout=50, retries={"total_max_attempts": 1})
    session = Session(keys.id, keys.secret, region_name="us-east-1")
    athena = session.client("athena", endpoint_url=endpoint, config=impatient)
    query = {"QueryString": "SHOW DATABASES", "ResultConfiguration": {"OutputLocation": f"s3://{RESULTS}/"}}

    def start(_: int) -> str:
        together.wait(30)
        return str(athena.start_query_execution(**query)["QueryExecutionId"])

    with ThreadPoolExecutor(many) as pool:
        assert len(set(pool.map(start, range(many)))) == many


def test_a_json_file_replaced_with_other_key_spellings_is_read(lake: Lake) -> None:
    lake.table("respelled", "json", "userid int")
    for key in ("userid", "userId", "USERID"):
        lake.put("respelled/a.json", f'{{"{key}": 7}}\n')
        assert lake.run("SELECT userid FROM respelled").rows == [["7"]]


def test_a_statement_whose_result_may_differ_on_aws_says_so(lake: Lake) -> None:
    noted = lake.run("SELECT approx_distinct(1)").document["Status"]
    plain = lake.run("SELECT count(*)").document["Status"]

    assert (noted["State"], plain["State"]) == ("SUCCEEDED", "SUCCEEDED")
    assert noted["StateChangeReason"].startswith("The embedded AWS differs from AWS here. Estimates are exact: ")
    assert "StateChangeReason" not in plain

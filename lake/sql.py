"""Ask Athena."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code
from lake.errors import BadInput, LakeError
from lake.suggest import allowed

POLL_SECONDS = 0.25
DATABASES = ("raw", "curated", "streams")


@dataclass(frozen=True)
class Answer:
    """The result of a statement. Values are as Athena writes them; None is NULL. `scanned` is in bytes."""

    columns: list[str]
    rows: list[list[str | None]]
    scanned: int
    seconds: float
    output: str

    def records(self) -> list[dict[str, str | None]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def query(aws: Aws, statement: str, database: str = "curated") -> Answer:
    """Run SQL in the lake's workgroup.

    Args:
        database: the zone whose database unqualified tables are in: raw, curated or streams.

    Raises:
        BadInput: the statement is no text, or there is no such database.
        LakeError: the workgroup is not deployed, or Athena could not run the statement; with its reason.
    """
    _check(statement, database)
    try:
        started = aws.athena.start_query_execution(
            QueryString=statement,
            WorkGroup=aws.names.workgroup,
            QueryExecutionContext={"Database": aws.names.database(database)},
        )
    except ClientError as error:
        if "WorkGroup" in str(error) and error_code(error) == "InvalidRequestException":
            raise LakeError(f"{error.response['Error']['Message']}. Deploy it first: `lake up athena`") from None
        raise
    return _answer(aws, started["QueryExecutionId"])


def _check(statement: str, database: str) -> None:
    if not statement.strip():
        raise BadInput("the statement is empty. Give SQL, such as `lake query 'SELECT 1'`")
    if re.search(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]", statement):
        raise BadInput("the statement holds control characters: it is no text. Give SQL, not a binary file")
    if database not in DATABASES:
        raise BadInput(f"there is no database {database!r} of the lake. {allowed(database, DATABASES)}")


def named(aws: Aws, name: str) -> str:
    """The SQL of a named query of the workgroup."""
    ids = [
        query_id
        for page in aws.athena.get_paginator("list_named_queries").paginate(WorkGroup=aws.names.workgroup)
        for query_id in page["NamedQueryIds"]
    ]
    queries = [aws.athena.get_named_query(NamedQueryId=query_id)["NamedQuery"] for query_id in ids]
    for found in queries:
        if found["Name"] == name:
            return found["QueryString"]
    names = sorted(found["Name"] for found in queries)
    raise BadInput(f"there is no named query {name!r}. {allowed(name, names, 'none is deployed: `lake up athena`')}")


def _answer(aws: Aws, execution_id: str) -> Answer:
    while True:
        execution = aws.athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
        state = execution["Status"]["State"]
        if state not in ("QUEUED", "RUNNING"):
            break
        time.sleep(POLL_SECONDS)
    if state != "SUCCEEDED":
        raise LakeError(f"the query is {state}: {execution['Status'].get('StateChangeReason', 'no reason given')}")
    columns, rows = _rows(aws, execution_id, header=execution.get("StatementType") == "DML")
    statistics = execution.get("Statistics", {})
    return Answer(
        columns,
        rows,
        statistics.get("DataScannedInBytes", 0),
        statistics.get("TotalExecutionTimeInMillis", 0) / 1000,
        execution["ResultConfiguration"]["OutputLocation"],
    )


def _rows(aws: Aws, execution_id: str, *, header: bool) -> tuple[list[str], list[list[str | None]]]:
    """Athena repeats the column names as the first row of a DML result."""
    columns: list[str] = []
    rows: list[list[str | None]] = []
    for page in aws.athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution_id):
        columns = [column["Name"] for column in page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
        rows += [[cell.get("VarCharValue") for cell in row["Data"]] for row in page["ResultSet"]["Rows"]]
    return columns, rows[1:] if header else rows

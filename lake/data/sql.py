"""Ask Athena."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws, error_code
from lake.configuration.names import ML
from lake.configuration.suggest import allowed
from lake.errors import BadInput, LakeError

POLL_SECONDS = 0.25
DATABASES = ("raw", "curated", "streams")
INTEGERS = ("tinyint", "smallint", "integer", "bigint")
FLOATS = ("float", "double")


@dataclass(frozen=True)
class Column:
    """A column of a result. type is Athena's: bigint, double, varchar, ...; a decimal also has precision and scale."""

    name: str
    type: str
    precision: int = 38
    scale: int = 0

    def value(self, text: str | None) -> Any:
        """A value for JSON: a number for integer and floating types, a boolean, else Athena's text.

        A decimal stays text, because most JSON parsers would round it. So do NaN and Infinity, which JSON lacks.
        """
        if text is None:
            return None
        if self.type in INTEGERS:
            return int(text)
        if self.type in FLOATS:
            return number if isfinite(number := float(text)) else text
        return text == "true" if self.type == "boolean" else text


@dataclass(frozen=True)
class Answer:
    """The result of a statement. Values are Athena's text; None is NULL. `scanned` is in bytes.

    note is the embedded AWS's warning if AWS may answer the statement differently, and execution is Athena's id.

    rows are all rows, or only the first ones if `more` is true.
    """

    columns: list[Column]
    rows: list[list[str | None]]
    scanned: int
    seconds: float
    output: str
    more: bool = False
    note: str = ""
    execution: str = ""

    def records(self) -> list[dict[str, str | None]]:
        return [{column.name: text for column, text in zip(self.columns, row, strict=True)} for row in self.rows]

    def values(self) -> list[dict[str, Any]]:
        """The rows with numbers as numbers: see Column.value."""
        pairs = (zip(self.columns, row, strict=True) for row in self.rows)
        return [{column.name: column.value(text) for column, text in pair} for pair in pairs]


def query(aws: Aws, statement: str, database: str = "curated", most: int | None = None) -> Answer:
    """Run SQL in the lake's workgroup.

    Args:
        database: the zone whose database unqualified tables are in: raw, curated or streams; ml, with training sets.
        most: read no more rows of the result than this.

    Raises:
        BadInput: the statement is not text, or there is no such database.
        LakeError: the workgroup is not deployed, or Athena could not run the statement; with Athena's reason.
    """
    _check(aws, statement, database)
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
    return _answer(aws, started["QueryExecutionId"], most)


def _check(aws: Aws, statement: str, database: str) -> None:
    if not statement.strip():
        raise BadInput("the statement is empty. Give SQL, such as `lake query 'SELECT 1'`")
    if re.search(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]", statement):
        raise BadInput("the statement holds control characters: it is no text. Give SQL, not a binary file")
    known = (*DATABASES, ML) if ML in aws.lake.config.stacks else DATABASES
    if database not in known:
        raise BadInput(f"there is no database {database!r} of the lake. {allowed(database, known)}")


def rows_of(aws: Aws, statement: str, database: str = "curated") -> Iterator[list[str | None]]:
    """The rows of a query, a page at a time, as Athena's text. Raises as `query`."""
    execution_id = query(aws, statement, database, most=0).execution
    pages = aws.athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution_id)
    for number, page in enumerate(pages):
        for row in page["ResultSet"]["Rows"][number == 0 :]:
            yield [cell.get("VarCharValue") for cell in row["Data"]]


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


def _answer(aws: Aws, execution_id: str, most: int | None) -> Answer:
    while True:
        execution = aws.athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
        state = execution["Status"]["State"]
        if state not in ("QUEUED", "RUNNING"):
            break
        time.sleep(POLL_SECONDS)
    if state != "SUCCEEDED":
        raise LakeError(f"the query is {state}: {execution['Status'].get('StateChangeReason', 'no reason given')}")
    header = execution.get("StatementType") == "DML"
    columns, rows = _rows(aws, execution_id, None if most is None else most + header + 1)
    rows = rows[1:] if header else rows
    statistics = execution.get("Statistics", {})
    return Answer(
        columns,
        rows[:most],
        statistics.get("DataScannedInBytes", 0),
        statistics.get("TotalExecutionTimeInMillis", 0) / 1000,
        execution["ResultConfiguration"]["OutputLocation"],
        most is not None and len(rows) > most,
        execution["Status"].get("StateChangeReason", ""),
        execution_id,
    )


def _rows(aws: Aws, execution_id: str, most: int | None) -> tuple[list[Column], list[list[str | None]]]:
    """The columns and the rows. In a DML result, Athena's first row repeats the column names and is skipped."""
    columns: list[Column] = []
    rows: list[list[str | None]] = []
    for page in aws.athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution_id):
        columns = [_column(info) for info in page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
        rows += [[cell.get("VarCharValue") for cell in row["Data"]] for row in page["ResultSet"]["Rows"]]
        if most is not None and len(rows) >= most:
            break
    return columns, rows[:most]


def _column(info: Any) -> Column:
    return Column(info["Name"], info["Type"], info.get("Precision") or 38, info.get("Scale") or 0)

"""Athena: SQL over the tables of the Glue Data Catalog, run by DuckDB.

Query executions are ours; the emulator keeps work groups, named queries, prepared statements and data catalogs.
"""

from __future__ import annotations

from typing import Any

from local_aws.athena import catalogs, parameters, statements
from local_aws.athena.executions import Executions
from local_aws.athena.request import Request
from local_aws.athena.results import page_rows
from local_aws.context import Context
from local_aws.protocol import AwsError, Call, Document, Handlers

_PAGE = 1000
_MOST_MINUTES = 10080
_NO_OUTPUT = (
    "No output location provided. An output location is required either through the Workgroup result "
    "configuration setting or as an API input."
)


def handlers(context: Context) -> Handlers:
    api = _Api(context, Executions(context))
    actions = {
        "StartQueryExecution": api.start,
        "GetQueryExecution": lambda call: {"QueryExecution": api.executions.get(call.required("QueryExecutionId"))},
        "BatchGetQueryExecution": api.batch_get,
        "GetQueryResults": api.results,
        "GetQueryRuntimeStatistics": api.runtime_statistics,
        "StopQueryExecution": api.stop,
        "ListQueryExecutions": api.list,
        "DeleteWorkGroup": api.delete_workgroup,
    }
    return {**catalogs.handlers(context), **{("athena", name): action for name, action in actions.items()}}


class _Api:
    def __init__(self, context: Context, executions: Executions) -> None:
        self.context = context
        self.executions = executions

    def start(self, call: Call) -> Document:
        workgroup = call.payload.get("WorkGroup") or "primary"
        settings = self._workgroup(call, workgroup)
        database = _database(call.payload.get("QueryExecutionContext") or {})
        given = call.payload.get("ExecutionParameters") or []
        sql = call.required("QueryString")
        client = self.context.client("athena", call.region)
        text = parameters.filled(statements.cleaned(sql), given, workgroup, client)
        statements.check(text)
        request = Request(
            sql=sql,
            region=call.region,
            workgroup=workgroup,
            output=_output(call, settings),
            database=database,
            token=call.payload.get("ClientRequestToken") or "",
            cutoff=settings.get("BytesScannedCutoffPerQuery"),
            text=text,
            parameters=given,
            caller=call.caller,
            reuse=_reuse(call.payload.get("ResultReuseConfiguration") or {}),
        )
        return {"QueryExecutionId": self.executions.start(request)}

    def batch_get(self, call: Call) -> Document:
        wanted = call.required("QueryExecutionIds")
        found = [document for document in map(self.executions.find, wanted) if document]
        there = {document["QueryExecutionId"] for document in found}
        missing = [
            {
                "QueryExecutionId": id_,
                "ErrorCode": "QUERY_EXECUTION_NOT_FOUND",
                "ErrorMessage": "was not found",
            }
            for id_ in wanted
            if id_ not in there
        ]
        return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}

    def results(self, call: Call) -> Document:
        answer, rows = self.executions.result(call.required("QueryExecutionId"), call.caller)
        start = int(call.payload.get("NextToken") or 0)
        size = call.payload.get("MaxResults") or _PAGE
        if not 1 <= size <= _PAGE:
            raise AwsError("InvalidRequestException", f"MaxResults is more than maximum allowed length {_PAGE}.")
        page: Document = {
            "ResultSet": {
                "Rows": page_rows(rows[start : start + size]),
                "ResultSetMetadata": {"ColumnInfo": answer["Columns"]},
            },
            "UpdateCount": answer["UpdateCount"],
        }
        return page | ({"NextToken": str(start + size)} if start + size < len(rows) else {})

    def runtime_statistics(self, call: Call) -> Document:
        document = self.executions.get(call.required("QueryExecutionId"))
        statistics = document["Statistics"]
        timeline = {name: value for name, value in statistics.items() if name.endswith("InMillis")}
        rows = {"InputBytes": statistics["DataScannedInBytes"]}
        return {"QueryRuntimeStatistics": {"Timeline": timeline, "Rows": rows}}

    def stop(self, call: Call) -> Document:
        self.executions.stop(call.required("QueryExecutionId"))
        return {}

    def list(self, call: Call) -> Document:
        ids = self.executions.ids(call.payload.get("WorkGroup") or "primary", call.region)
        start, size = int(call.payload.get("NextToken") or 0), call.payload.get("MaxResults") or 50
        page: Document = {"QueryExecutionIds": ids[start : start + size]}
        return page | ({"NextToken": str(start + size)} if start + size < len(ids) else {})

    def delete_workgroup(self, call: Call) -> Document:
        """Delete a work group. If it has a history, the caller must ask for it, and the history is deleted too."""
        name = call.required("WorkGroup")
        if self.executions.ids(name, call.region) and not call.payload.get("RecursiveDeleteOption"):
            raise AwsError("InvalidRequestException", f"WorkGroup {name} is not empty")
        answer = call.forward_unchanged()
        self.executions.forget(name, call.region)
        return answer

    def _workgroup(self, call: Call, name: str) -> dict[str, Any]:
        client = self.context.client("athena", call.region)
        try:
            group = client.get_work_group(WorkGroup=name)["WorkGroup"]
        except (client.exceptions.InvalidRequestException, KeyError) as error:
            raise AwsError("InvalidRequestException", f"WorkGroup {name} is not found.") from error
        if group.get("State") == "DISABLED":
            raise AwsError("InvalidRequestException", f"WorkGroup {name} is disabled.")
        return dict(group.get("Configuration") or {})


def _database(context: Document) -> str:
    """Return the default database, which may be in backquotes or double quotes."""
    if catalogs.catalog_name(context.get("Catalog") or catalogs.CATALOG) != catalogs.CATALOG:
        message = f"Catalog {context['Catalog']} is not found; the only one here is {catalogs.CATALOG}."
        raise AwsError("InvalidRequestException", message)
    name = context.get("Database") or "default"
    is_quoted = len(name) > 2 and name[0] == name[-1] and name[0] in '`"'
    return str(name[1:-1] if is_quoted else name).lower()


def _reuse(given: Document) -> int | None:
    """Return for how many minutes the result of the same query may be reused; None if the query must run."""
    by_age = given.get("ResultReuseByAgeConfiguration") or {}
    if not by_age.get("Enabled"):
        return None
    minutes = by_age.get("MaxAgeInMinutes", 60)
    if not 0 <= minutes <= _MOST_MINUTES:
        raise AwsError("InvalidRequestException", f"MaxAgeInMinutes must be between 0 and {_MOST_MINUTES}.")
    return int(minutes)


def _output(call: Call, settings: dict[str, Any]) -> str:
    """Return the output location: that of the work group if enforced, else the caller's, else the work group's."""
    own = (call.payload.get("ResultConfiguration") or {}).get("OutputLocation")
    group = (settings.get("ResultConfiguration") or {}).get("OutputLocation")
    output = group or own if settings.get("EnforceWorkGroupConfiguration") else own or group
    if not output:
        raise AwsError("InvalidRequestException", _NO_OUTPUT)
    if not output.startswith("s3://"):
        raise AwsError("InvalidRequestException", f"outputLocation is not a valid S3 path: {output}")
    return str(output)

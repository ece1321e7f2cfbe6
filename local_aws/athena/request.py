"""What StartQueryExecution asks for, and the query execution as it starts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from local_aws.athena.reuse import by_age
from local_aws.athena.statements import is_query, statement_type
from local_aws.permissions.principals import ROOT, Principal
from local_aws.protocol import Document


@dataclass
class Request:
    """The settings of StartQueryExecution, with those that the work group enforces."""

    sql: str
    region: str
    workgroup: str
    output: str
    database: str
    token: str
    cutoff: int | None
    text: str = ""
    parameters: list[str] = field(default_factory=list)
    caller: Principal = ROOT
    reuse: int | None = None
    """For how many minutes the result of the same query may be reused."""

    def location(self, execution: str, suffix: str) -> str:
        """The URI of its result."""
        return f"{self.output.rstrip('/')}/{execution}{suffix}"

    def queued(self, execution: str) -> Document:
        """What GetQueryExecution answers before it runs."""
        kind = statement_type(self.text)
        suffix = ".csv" if is_query(self.text) else ".txt"
        document: Document = {
            "QueryExecutionId": execution,
            "Query": self.sql,
            "StatementType": kind,
            "ResultConfiguration": {"OutputLocation": self.location(execution, suffix)},
            "QueryExecutionContext": {"Database": self.database, "Catalog": "awsdatacatalog"},
            "Status": {"State": "QUEUED", "SubmissionDateTime": time.time()},
            "Statistics": {"EngineExecutionTimeInMillis": 0, "DataScannedInBytes": 0},
            "WorkGroup": self.workgroup,
            "EngineVersion": {
                "SelectedEngineVersion": "AUTO",
                "EffectiveEngineVersion": "Athena engine version 3",
            },
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": by_age(self.reuse)},
        }
        if self.parameters:
            document["ExecutionParameters"] = self.parameters
        return document

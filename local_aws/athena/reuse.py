"""Result reuse: the same query, started again soon enough, gets the result of the earlier run."""

from __future__ import annotations

from local_aws.protocol import Document

Asked = tuple[str, list[str], str]
"""The text, its parameters and the database of a query."""


def by_age(minutes: int | None) -> Document:
    """Return the reuse settings of an execution's description; None means that none were requested."""
    return {"Enabled": False} if minutes is None else {"Enabled": True, "MaxAgeInMinutes": minutes}


def is_same(earlier: Document, asked: Asked, oldest: float) -> bool:
    """Whether an execution ran this query, and succeeded at or after `oldest`."""
    own = (earlier["Query"], earlier.get("ExecutionParameters", []), earlier["QueryExecutionContext"]["Database"])
    status = earlier["Status"]
    return bool(
        own == asked
        and status["State"] == "SUCCEEDED"
        and status["CompletionDateTime"] >= oldest
        and not earlier["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"]
    )


def give(entry: Document, earlier: Document, statistics: Document) -> None:
    """Give a new execution the result of an earlier one."""
    document = entry["QueryExecution"]
    document["Status"] |= {"State": "SUCCEEDED", "CompletionDateTime": document["Status"]["SubmissionDateTime"]}
    document["ResultConfiguration"] = earlier["QueryExecution"]["ResultConfiguration"]
    document["Statistics"] = {**statistics, "ResultReuseInformation": {"ReusedPreviousResult": True}}
    entry["Answer"] = earlier["Answer"]

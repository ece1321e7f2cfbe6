"""A result that is used again: the same query, asked again soon enough, gets what the earlier one wrote."""

from __future__ import annotations

from local_aws.protocol import Document

Asked = tuple[str, list[str], str]
"""The text, its parameters and the database of a query."""


def by_age(minutes: int | None) -> Document:
    """What an execution tells of it; None is that nothing was asked for."""
    return {"Enabled": False} if minutes is None else {"Enabled": True, "MaxAgeInMinutes": minutes}


def is_same(earlier: Document, asked: Asked, oldest: float) -> bool:
    """Whether an execution ran this very query, and ended well and not before `oldest`."""
    own = (earlier["Query"], earlier.get("ExecutionParameters", []), earlier["QueryExecutionContext"]["Database"])
    status = earlier["Status"]
    return bool(
        own == asked
        and status["State"] == "SUCCEEDED"
        and status["CompletionDateTime"] >= oldest
        and not earlier["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"]
    )


def give(entry: Document, earlier: Document, statistics: Document) -> None:
    """Give an execution that has not begun the result of an earlier one."""
    document = entry["QueryExecution"]
    document["Status"] |= {"State": "SUCCEEDED", "CompletionDateTime": document["Status"]["SubmissionDateTime"]}
    document["ResultConfiguration"] = earlier["QueryExecution"]["ResultConfiguration"]
    document["Statistics"] = {**statistics, "ResultReuseInformation": {"ReusedPreviousResult": True}}
    entry["Answer"] = earlier["Answer"]

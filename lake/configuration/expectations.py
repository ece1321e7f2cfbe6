"""The `expect` rules of a job, in Glue's Data Quality Definition Language (DQDL) and in the form that jobs read.

The text of a rule is its name everywhere: in the ruleset on AWS, in the job's messages, in the table of results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from lake.configuration.model import Expectation, Job
from lake.configuration.rule_sql import NOT_READ, evaluated

Rule = dict[str, Any]
"""A rule as glue_scripts/lake_etl/expectations.py reads it: its DQDL text (`rule`), kind, columns and settings."""

RESULTS = "data_quality_results"
"""The table of the curated database that holds the results of every run."""


def rules(job: Job) -> list[Rule]:
    """A job's rules. An expectation with several columns becomes one rule per column, except `unique` and `refers`."""
    return [_rule(expectation, check) for expectation in job.expect for check in _checks(expectation)]


def ruleset(job: Job) -> str:
    """The job's rules as a DQDL document."""
    return "Rules = [\n" + ",\n".join(f"    {rule['rule']}" for rule in rules(job)) + "\n]"


def violations(name: str, job: Job) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every invalid expectation of a job: its place in lake.yaml, and why."""
    texts: set[str] = set()
    for number, expectation in enumerate(job.expect):
        place: tuple[str | int, ...] = ("jobs", name, "expect", number)
        yield from (((*place, *field), problem) for field, problem in _violations(expectation))
        for rule in (_rule(expectation, check) for check in _checks(expectation)):
            if rule["rule"] in texts:
                yield place, f"{rule['rule']} appears twice. Remove one of the two"
            texts.add(rule["rule"])
    if job.expect and job.sink.table == RESULTS:
        yield (
            ("jobs", name, "sink", "table"),
            f"{RESULTS!r} is reserved for the results of the rules. Choose another name",
        )


def _violations(given: Expectation) -> Iterator[tuple[tuple[str, ...], str]]:
    of_table, share = given.rows is not None, given.at_least is not None
    if of_table and given.otherwise == "quarantine":
        yield ("otherwise",), "rows applies to the table as a whole, not to single rows. Allowed: fail, warn"
    if share and given.otherwise == "quarantine":
        yield ("at_least",), "quarantine takes every failing row, whatever the share. Allowed with: fail, warn"
    if share and (of_table or given.fresh):
        yield (
            ("at_least",),
            "rows and fresh do not support it. Allowed with: complete, unique, in, between, matches, refers",
        )
    if given.where is not None and (of_table or given.refers):
        yield (
            ("where",),
            "AWS does not support it for rows and refers. Allowed with: complete, unique, in, between, matches, fresh",
        )
    ranges = {("between", column): limits for column, limits in (given.between or {}).items()}
    if given.rows:
        ranges[("rows",)] = [given.rows.min, given.rows.max]  # type: ignore[index]
    for field, limits in ranges.items():
        yield from ((field, problem) for problem in _range(limits))
    for column, values in (given.in_ or {}).items():
        if len({isinstance(value, str) for value in values if value is not None}) != 1:
            yield ("in", column), "needs at least one value, and all values must be strings or all numbers"


def _range(limits: Sequence[float | None]) -> Iterator[str]:
    least, most = limits
    if least is None and most is None:
        yield "gives neither a minimum nor a maximum"
    elif least is not None and most is not None and least > most:
        yield f"the minimum {least} is greater than the maximum {most}"


def _checks(given: Expectation) -> Iterator[Rule]:
    """The kind, columns and settings of each rule of an expectation."""
    for column in given.complete or []:
        yield {"kind": "complete", "columns": [column]}
    if given.unique:
        yield {"kind": "unique", "columns": given.unique}
    for column, values in (given.in_ or {}).items():
        yield {"kind": "in", "columns": [column], "values": values}
    for column, (least, most) in (given.between or {}).items():
        yield {"kind": "between", "columns": [column], "least": least, "most": most}
    for column, pattern in (given.matches or {}).items():
        yield {"kind": "matches", "columns": [column], "pattern": pattern}
    if given.rows:
        yield {"kind": "rows", "columns": [], "least": given.rows.min, "most": given.rows.max}
    if given.fresh:
        yield {"kind": "fresh", "columns": [given.fresh.column], "hours": given.fresh.hours}
    if given.refers:
        keys = given.refers.on if isinstance(given.refers.on, dict) else {key: key for key in given.refers.on}
        yield {"kind": "refers", "columns": list(keys), "dataset": given.refers.to, "keys": list(keys.values())}


def _rule(given: Expectation, check: Rule) -> Rule:
    settings = {"otherwise": given.otherwise, "where": given.where, "at_least": given.at_least}
    rule = {**check, **{name: value for name, value in settings.items() if value is not None}}
    read = {name: value for name, value in rule.items() if name not in NOT_READ.get(rule["kind"], ())}
    return {"rule": _dqdl(rule), **read, **evaluated(rule)}


def _dqdl(rule: Rule) -> str:
    columns = " ".join(_quoted(column) for column in rule["columns"])
    where = f' where "{rule["where"]}"' if "where" in rule else ""
    share = f" >= {_number(rule['at_least'])}" if "at_least" in rule else ""
    threshold = f" with threshold{share}" if share else ""
    match rule["kind"]:
        case "complete":
            return (f"Completeness {columns}{share}" if share else f"IsComplete {columns}") + where
        case "unique":
            return (f"Uniqueness {columns}{share}" if share else f"IsUnique {columns}") + where
        case "in":
            return f"ColumnValues {columns} in [{', '.join(map(_value, rule['values']))}]{where}{threshold}"
        case "matches":
            return f"ColumnValues {columns} matches {_pattern(rule['pattern'])}{where}{threshold}"
        case "between":
            return _limited(f"ColumnValues {columns}", rule, where + threshold)
        case "rows":
            return _limited("RowCount", rule, "")
        case "fresh":
            return f"DataFreshness {columns} <= {rule['hours']} hours{where}"
    there = ",".join(rule["keys"])
    there = f"{{{there}}}" if len(rule["keys"]) > 1 else there
    return f'ReferentialIntegrity "{",".join(rule["columns"])}" "{rule["dataset"]}.{there}"{share or " = 1.0"}'


def _limited(what: str, rule: Rule, rest: str) -> str:
    """Minimum and maximum as comparisons, because DQDL's `between` excludes both limits."""
    limits = {">=": rule["least"], "<=": rule["most"]}
    parts = [f"{what} {sign} {_number(limit)}{rest}" for sign, limit in limits.items() if limit is not None]
    return parts[0] if len(parts) == 1 else " and ".join(f"({part})" for part in parts)


def _value(value: str | float | None) -> str:
    if value is None:
        return "NULL"
    return _quoted(value) if isinstance(value, str) else _number(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _pattern(pattern: str) -> str:
    """A regular expression in DQDL, where only a quotation mark needs escaping.

    DQDL puts ^ and $ around it, which bind tighter than `|`.
    """
    safe = re.sub(r'\\?"|\\.', lambda found: r"\x22" if found[0].endswith('"') else found[0], pattern)
    return f'"(?:{safe})"' if "|" in pattern else f'"{safe}"'


def _number(number: float) -> str:
    return format(Decimal(str(number)), "f")

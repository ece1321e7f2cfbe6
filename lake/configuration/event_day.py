"""The JQ expression that extracts the partition keys of an event, including its day.

It fails for an event whose partition Athena would not find. Such an event goes to the error prefix and is not lost.
"""

from __future__ import annotations

import json

from lake.configuration.model import Projection, Stream
from lake.configuration.model.delivery import DATE

_ISO = "^(?<y>[0-9]{4})-(?<m>[0-9]{1,2})-(?<d>[0-9]{1,2})([T ][0-9:.]+Z?)?$"
_MILLISECONDS = 1_000_000_000_000
"""Numbers from here on are milliseconds since 1970; smaller ones are seconds."""
_EXACT = 2**53
"""JQ's numbers are doubles: an integer from here on may become another."""


def query(stream: Stream) -> str:
    """One JQ object with a field for each partition key that stands in the events.

    >>> by = {"query": ".origin", "projection": {"type": "enum", "values": ["EWR"]}}
    >>> query(Stream.model_validate({"columns": {"origin": "string"}, "delivery": {"partition_by": {"airport": by}}}))
    '{"airport":((.origin) | if IN(["EWR"][]) then . else error("not among the values") end)}'
    """
    days = {DATE: _day(stream)} if stream.delivery.since else {}
    fields = days | {
        name: f"({key.query}) | {_looked_for(key.projection)}" for name, key in stream.delivery.partition_by.items()
    }
    return "{" + ",".join(f"{json.dumps(name)}:({expression})" for name, expression in fields.items()) + "}"


def _looked_for(projection: Projection) -> str:
    """JQ that passes only values that Athena's projection computes."""
    if projection.type == "enum":
        return f'if IN({json.dumps(projection.values)}[]) then . else error("not among the values") end'
    too_great = f'(. >= {_EXACT} or . <= -{_EXACT}) then error("a number too great for JQ")'
    if projection.type == "integer":
        first, last = projection.range or (0, 0)
        within = f"(. == floor) and . >= {first} and . <= {last}"
        return f'tonumber | if {too_great} elif {within} then floor | tostring else error("not in the range") end'
    slash = 'type == "string" and contains("/") then error("a / in it")'
    return f'if type == "number" and {too_great} elif {slash} else . end'


def _day(stream: Stream) -> str:
    """Fails for a time that is none, or out of the days that Athena looks for."""
    assert stream.event_time is not None  # lake/configuration/rules/streams.py
    assert stream.delivery.since is not None
    column, since = json.dumps(stream.event_time.column), json.dumps(stream.delivery.since.isoformat())
    number = f'(if . >= {_MILLISECONDS} then . / 1000 else . end) | floor | strftime("%Y-%m-%d")'
    padded = 'def two: if length == 1 then "0" + . else . end; .y + "-" + (.m | two) + "-" + (.d | two)'
    text = f'(capture({json.dumps(_ISO)}) // error("no time")) | {padded}'
    day = f'if type == "number" then ({number}) elif type == "string" then ({text}) else error("no time") end'
    counted = '(try (strptime("%Y-%m-%d") | mktime | strftime("%Y-%m-%d")) catch "")'
    real = f'if {counted} != . then error("no such day") else . end'
    early = f'if . < {since} then error("before " + {since})'
    late = 'elif . > (now + 86400 | strftime("%Y-%m-%d")) then error("in the future") else . end'
    return f".[{column}] | {day} | {real} | {early} {late}"

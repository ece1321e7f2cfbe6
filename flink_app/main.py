"""The Flink application of a stream: aggregates events in event-time windows, and keeps the events that it rejects.

Its settings are property groups, which Managed Flink writes to /etc/flink/application_properties.json. The group
`stream` names the source and the stream for rejected events; a group `window.NAME` defines a window. The statements
are the files in `sql`, whose {names} are filled in here.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyflink.table import EnvironmentSettings, TableEnvironment

PROPERTIES = Path(os.environ.get("APPLICATION_PROPERTIES", "/etc/flink/application_properties.json"))
SQL = Path(__file__).parent / "sql"
WINDOW = "window."
LENGTHS: tuple[str, ...] = ("seconds", "every", "gap")

Group = dict[str, str]


def property_groups() -> dict[str, Group]:
    groups: list[dict[str, Any]] = json.loads(PROPERTIES.read_text())
    return {entry["PropertyGroupId"]: entry["PropertyMap"] for entry in groups}


def statement(file: str, words: dict[str, str]) -> str:
    return (SQL / f"{file}.sql").read_text().format_map(words)


def interval(seconds: str) -> str:
    """Return an SQL interval literal. Its parts have two digits, so days go up to 99."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"INTERVAL '{days} {hour:02}:{minute:02}:{second:02}' DAY TO SECOND"


def columns(declared: dict[str, str]) -> str:
    return ", ".join(f"`{name}` {type_}" for name, type_ in declared.items())


def entries(group: Group, name: str) -> dict[str, Any]:
    """Return an object that is spread over `name`, `name.2`, `name.3`, ..., as AWS limits the length of a property."""
    found: dict[str, Any] = json.loads(group[name])
    number = 2
    while part := group.get(f"{name}.{number}"):
        found |= json.loads(part)
        number += 1
    return found


def events(stream: Group) -> dict[str, str]:
    """Return the values for the placeholders of the stream's statements."""
    lateness = {"lateness": interval(stream["lateness"]), "lateness_seconds": stream["lateness"]}
    return {**stream, "columns": columns(entries(stream, "columns")), **lateness}


def window(name: str, group: Group, region: str) -> dict[str, str]:
    """Return the values for the placeholders of a window's statements."""
    by: dict[str, str] = entries(group, "by")
    aggregates: dict[str, list[str]] = entries(group, "aggregates")
    types = {column: type_ for column, (_, type_) in aggregates.items()}
    keys = ", ".join(f"`{column}`" for column in by)
    computed = [f"CAST({sql} AS {type_}) AS `{column}`" for column, (sql, type_) in aggregates.items()]
    lengths = {part: interval(group[part]) for part in LENGTHS if part in group}
    return {
        **group,
        **lengths,
        "name": name,
        "table": f"{name}.table",
        "region": region,
        "view": f"`{name}.events`" if "filter" in group else "on_time",
        "result_columns": columns(by | types),
        "results": ", ".join([*(f"`{column}`" for column in by), *computed]),
        "by": f", {keys}" if by else "",
        "partition": f" PARTITION BY ({keys})" if len(by) > 1 else f" PARTITION BY {keys}" if by else "",
    }


def statements(groups: dict[str, Group]) -> Iterator[str]:
    """Every table and view before what is inserted into it."""
    stream = events(groups["stream"])
    yield from (statement(name, stream) for name in ("source", "judged", "on_time", "rejected_table", "rejected"))
    for name in sorted(groups):
        if name.startswith(WINDOW):
            yield from _of_window(window(name.removeprefix(WINDOW), groups[name], stream["region"]))


def _of_window(words: dict[str, str]) -> Iterator[str]:
    filtered = ["filter"] if "filter" in words else []
    yield from (statement(file, words) for file in (*filtered, words["kind"], "window_table", "results"))
    if "alert" in words:
        yield statement("window_table", {**words, "table": f"{words['name']}.alerts", "sink": words["alerts"]})
        yield statement("alerts", words)


def settings(texts: list[str]) -> dict[str, str]:
    """Flink's settings. State is found by names that hold the statements' hash: no others take it for their own."""
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
    return {
        "table.local-time-zone": "UTC",
        "table.exec.source.idle-timeout": "30 s",
        # Flink's own operators, of which SQL consists, do not change rows, so that none needs a copy of its own.
        "pipeline.object-reuse": "true",
        "table.exec.uid.generation": "ALWAYS",
        "table.exec.uid.format": f"{digest}_<id>_<transformation>",
    }


def main() -> None:
    environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    texts = list(statements(property_groups()))
    for name, value in settings(texts).items():
        environment.get_config().set(name, value)
    inserts = environment.create_statement_set()
    for text in texts:
        if "INSERT INTO" in text:
            inserts.add_insert_sql(text)
        else:
            environment.execute_sql(text)
    inserts.execute()


if __name__ == "__main__":
    main()

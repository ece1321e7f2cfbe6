"""The Flink application: counts the events of a Kinesis stream by one column in windows of processing time.

Its settings are the property group `counts`, which Managed Flink writes to /etc/flink/application_properties.json:
source and sink (stream names), region, by (column), by_type (its SQL type), seconds (length of a window).
"""

import json
import os
from pathlib import Path
from typing import Any

from pyflink.table import EnvironmentSettings, TableEnvironment

PROPERTIES = Path(os.environ.get("APPLICATION_PROPERTIES", "/etc/flink/application_properties.json"))
SQL_TYPES = {"float": "FLOAT", "string": "STRING"}


def properties(group: str) -> dict[str, str]:
    """The settings of a property group. KeyError where the application has none of that name."""
    groups: list[dict[str, Any]] = json.loads(PROPERTIES.read_text())
    found: dict[str, str] = {entry["PropertyGroupId"]: entry["PropertyMap"] for entry in groups}[group]
    return found


def kinesis(stream: str, region: str, **options: str) -> str:
    """The WITH clause of a table on a Kinesis stream of JSON events."""
    settings = {
        "connector": "kinesis",
        "stream.arn": stream,
        "aws.region": region,
        "format": "json",
        **options,
    }
    return ", ".join(f"'{key}' = '{value}'" for key, value in settings.items())


def statements(counts: dict[str, str]) -> list[str]:
    """The source table, the sink table, and the statement that runs between them."""
    by = f"`{counts['by']}`"
    type_ = SQL_TYPES.get(counts["by_type"], counts["by_type"].upper())
    source = kinesis(counts["source"], counts["region"], **{"source.init.position": "LATEST"})
    sink = kinesis(counts["sink"], counts["region"])
    return [
        f"CREATE TABLE events ({by} {type_}, seen AS PROCTIME()) WITH ({source})",
        f"CREATE TABLE counts (window_start TIMESTAMP(3), {by} {type_}, events BIGINT) WITH ({sink})",
        f"""
        INSERT INTO counts
        SELECT window_start, {by}, COUNT(*)
        FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(seen), INTERVAL '{counts["seconds"]}' SECOND))
        GROUP BY window_start, window_end, {by}
        """,
    ]


def main() -> None:
    table_environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for statement in statements(properties("counts")):
        table_environment.execute_sql(statement)


if __name__ == "__main__":
    main()

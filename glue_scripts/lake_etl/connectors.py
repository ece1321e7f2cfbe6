"""The supported databases, from connectors.json, which the jobs in both languages, lake.yaml and the stacks share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lake_etl.formats import described


@dataclass(frozen=True)
class Connector:
    """A supported database.

    Attributes:
        title: its display name.
        port: its default port.
        url: the prefix of its JDBC URLs.
        driver: the class of its JDBC driver.
        package: the Debian package of the driver.
        states: kind of error -> prefixes of its SQLSTATEs.
        types: Spark type -> type of a new column. A decimal is numeric.
        integers: its integer types; `floats`: its binary floating-point types.
        wider: type -> a type that keeps what it would drop from a text, such as a time of day or a zone.
        unlike: type that does not convert back to a number -> the type to compare in.
        read_as_they_are: types whose values Spark gets from the driver unchanged.
        read_as: other types -> how to read them (`Reading` of database_types.py). The driver's calendar, Java's, lacks
            ten days of 1582, and it assumes its machine's zone for a time without one.
    """

    title: str
    port: int
    url: str
    driver: str
    package: str
    states: dict[str, list[str]]
    types: dict[str, str]
    integers: list[str]
    floats: list[str]
    wider: dict[str, str]
    unlike: dict[str, str]
    read_as_they_are: list[str]
    read_as: dict[str, dict[str, Any]]

    def is_state(self, kind: str, state: str) -> bool:
        """Whether a SQLSTATE belongs to a kind of error, such as `lost`."""
        return state.startswith(tuple(self.states[kind]))


POSTGRESQL = Connector(**described("connectors.json")["postgresql"])

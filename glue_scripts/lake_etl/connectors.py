"""The kinds of database, as connectors.json describes them for the jobs in both languages, lake.yaml and the stacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lake_etl.formats import described


@dataclass(frozen=True)
class Connector:
    """A kind of database.

    Attributes:
        title: how people name it.
        port: where it listens if nothing else is said.
        url: how its JDBC URLs begin.
        driver: the class of its JDBC driver.
        package: Debian's package of the driver.
        states: kind of error -> how its SQLSTATEs begin.
        types: Spark's type -> the type of a new column. A decimal is numeric.
        integers: the types of whole numbers; `floats`, those of binary fractions.
        wider: type -> one that keeps what it would leave out of a text: a time of day, a zone.
        unlike: type that no number becomes again -> the one to compare in.
        read_as_they_are: types whose values the driver gives to Spark unchanged.
        read_as: other types -> how they are read (`Reading` of database_types.py). The driver's calendar, Java's, lacks
            ten days of 1582; a time without a zone would be one of the driver's machine.
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
        """Whether a SQLSTATE is of a kind, such as `lost`."""
        return state.startswith(tuple(self.states[kind]))


POSTGRESQL = Connector(**described("connectors.json")["postgresql"])

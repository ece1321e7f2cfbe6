"""Connections of lake.yaml: which jobs use them, and what they connect to."""

from __future__ import annotations

import re
from typing import Any

from lake.configuration.model import Config, Connection, Job
from lake.shipped import description

CONNECTORS: dict[str, dict[str, Any]] = description("connectors")
"""Connection type -> its description in connectors.json."""


def databases_of(config: Config, job: Job) -> list[str]:
    """The connections whose databases a job reads from or writes to."""
    named = {config.datasets[name].connection for name in datasets_of(config, job)} | {job.sink.connection}
    return sorted(name for name in named if name)


def connections_of(config: Config, job: Job) -> list[str]:
    """All connections of a job: those of its databases, then those in `connections`."""
    databases = databases_of(config, job)
    return [*databases, *(name for name in job.connections if name not in databases)]


def datasets_of(config: Config, job: Job) -> list[str]:
    """The datasets that a job reads, in the order of lake.yaml. SQL steps count every dataset that they may name."""
    named = set(job.datasets().values())
    words = {word for step in job.steps if step.sql for word in re.findall(r"\w+", step.sql)}
    known = {step.find_matches.known for step in job.steps if step.find_matches}
    return [name for name in config.datasets if name in named | words | known]


def crawled_table(config: Config, dataset: str) -> str:
    """The table that a dataset's crawler makes. For a database table, Glue prefixes database and schema.

    >>> crawled_table(config, "customers")
    'shop_public_customers'
    """
    found = config.datasets.get(dataset)
    if found is None or found.connection is None:
        return dataset
    parts = f"{config.connections[found.connection].database}_{found.table}"
    return re.sub(r"\W", "_", parts).lower()


def address(connection: Connection) -> str:
    """`db.example.org:5432/shop`; for a network, its subnet."""
    if connection.type == "network":
        return connection.network.subnet if connection.network else ""
    port = connection.port or CONNECTORS[connection.type]["port"]
    return f"{connection.host}:{port}/{connection.database}"


def url(connection: Connection) -> str:
    """The JDBC URL of a connection to a database."""
    return f"{CONNECTORS[connection.type]['url']}{address(connection)}"

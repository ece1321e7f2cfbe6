"""Connections of lake.yaml: who uses them, and the user and password that Secrets Manager holds for them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from lake.configuration.model import Config, Connection, Job
from lake.configuration.suggest import allowed
from lake.errors import BadInput, LakeError

if TYPE_CHECKING:
    from lake.aws import Aws


def databases_of(config: Config, job: Job) -> list[str]:
    """The connections whose databases a job reads from or writes to."""
    named = {config.datasets[name].connection for name in datasets_of(config, job)} | {job.sink.connection}
    return sorted(name for name in named if name)


def connections_of(config: Config, job: Job) -> list[str]:
    """All connections of a job: those of its databases, then those it names for their network."""
    databases = databases_of(config, job)
    return [*databases, *(name for name in job.connections if name not in databases)]


def datasets_of(config: Config, job: Job) -> list[str]:
    """The datasets that a job reads, in the order of lake.yaml; of those in SQL, all that it may name."""
    named = set(job.datasets().values())
    words = {word for step in job.steps if step.sql for word in re.findall(r"\w+", step.sql)}
    known = {step.find_matches.known for step in job.steps if step.find_matches}
    return [name for name in config.datasets if name in named | words | known]


def crawled_table(config: Config, dataset: str) -> str:
    """The table that a dataset's crawler makes: of a database's table, Glue puts database and schema before its name.

    >>> crawled_table(config, "customers")
    'shop_public_customers'
    """
    found = config.datasets.get(dataset)
    if found is None or found.connection is None:
        return dataset
    parts = f"{config.connections[found.connection].database}_{found.table}"
    return re.sub(r"\W", "_", parts).lower()


def address(connection: Connection) -> str:
    """`db.example.org:5432/shop`; of a network its subnet."""
    if connection.type == "network":
        return connection.network.subnet if connection.network else ""
    return f"{connection.host}:{connection.port}/{connection.database}"


def put_secret(aws: Aws, name: str, username: str, password: str) -> str:
    """Give a connection its user and password. Returns the secret's name.

    Raises:
        BadInput: the connection is not in lake.yaml, or it is a network.
        LakeError: the secret is not deployed.
    """
    with_secret = [key for key, value in aws.lake.config.connections.items() if value.type != "network"]
    if name not in with_secret:
        hint = allowed(name, with_secret)
        raise BadInput(f"there is no connection with a password named {name!r} in lake.yaml. {hint}")
    if not username or not password:
        raise BadInput(f"the {'password' if username else 'user name'} of connection {name} is empty")
    secret = aws.names.secret(name)
    value = json.dumps({"username": username, "password": password})
    try:
        aws.secrets.put_secret_value(SecretId=secret, SecretString=value)
    except aws.secrets.exceptions.ResourceNotFoundException:
        raise LakeError(f"the secret {secret} is not there. Deploy it first: `lake up catalog`") from None
    return secret

"""Rules for connections, and for datasets and sinks that are database tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lake.configuration.connections import connections_of
from lake.configuration.model import NAME, Config, Connection, Dataset, Job, Network, Sink
from lake.configuration.place import Place, Problem
from lake.configuration.suggest import allowed

_OF_A_DATASET = {"format", "connection", "table", "crawl"}
_OF_ITS_CRAWL = {"schedule", "on_update", "on_delete"}
_OF_A_SINK = {"connection", "table", "mode", "keys", "batch_size"}
_OF_A_NETWORK = {"type", "network"}


def violations(config: Config) -> Iterator[Problem]:
    """Every rule about databases that a well-typed configuration breaks."""
    for name, connection in config.connections.items():
        yield from _connection(("connections", name), connection)
    for name, dataset in config.datasets.items():
        place = ("datasets", name)
        yield from _database(config, place, dataset) if dataset.in_database else _files(place, dataset)
    for name, job in config.jobs.items():
        yield from _sink(config, ("jobs", name, "sink"), job.sink)
        yield from _job(config, ("jobs", name), job)


def _connection(place: Place, connection: Connection) -> Iterator[Problem]:
    if connection.type == "network":
        yield from _only(place, connection.model_fields_set, _OF_A_NETWORK, "a network has no database")
        if connection.network is None:
            yield (*place, "network"), "is missing. A connection of type network requires it"
        return
    for field in ("host", "database"):
        if getattr(connection, field) is None:
            yield (*place, field), f"is missing. A connection of type {connection.type} requires it"


def _database(config: Config, place: Place, dataset: Dataset) -> Iterator[Problem]:
    yield from _only(place, dataset.model_fields_set, _OF_A_DATASET, "its rows are in a database, not in files")
    why = "a crawler of a database reads the whole schema each time"
    yield from _only((*place, "crawl"), dataset.crawl.model_fields_set, _OF_ITS_CRAWL, why)
    for field in ("connection", "table"):
        if getattr(dataset, field) is None:
            yield (*place, field), "is missing. A jdbc dataset requires it"
    yield from _known(config, (*place, "connection"), dataset.connection)


def _files(place: Place, dataset: Dataset) -> Iterator[Problem]:
    for field in sorted({"connection", "table"} & dataset.model_fields_set):
        yield (*place, field), f"is only for jdbc datasets. The format is {dataset.format}"


def _sink(config: Config, place: Place, sink: Sink) -> Iterator[Problem]:
    if sink.connection is None:
        for field in sorted({"mode", "keys", "batch_size"} & sink.model_fields_set):
            yield (*place, field), "is only allowed with a connection: files are replaced partition by partition"
        if not re.match(NAME, sink.table):
            yield (
                (*place, "table"),
                f"without a connection, it is a catalog table: lower-case letters, digits and underscores, "
                f"such as flights. Given: {sink.table!r}",
            )
        return
    yield from _only(place, sink.model_fields_set, _OF_A_SINK, "a database has no files")
    yield from _known(config, (*place, "connection"), sink.connection)
    if "." not in sink.table:
        yield (*place, "table"), f"with a connection, it is schema.table, such as public.{sink.table}"
    if sink.mode == "upsert" and not sink.keys:
        yield (*place, "keys"), "is required for an upsert: the columns that identify a row"
    if sink.mode != "upsert" and sink.keys:
        yield (*place, "keys"), f"is only allowed with mode: upsert. The mode is {sink.mode}"


def _job(config: Config, place: Place, job: Job) -> Iterator[Problem]:
    if job.sink.connection:
        for number, step in enumerate(job.steps):
            if step.convert:
                yield (*place, "steps", number, "convert"), "applies to files, but the sink is a database"
    subnets = {network.subnet for network in _networks(config, job)}
    if len(subnets) > 1:
        message = f"its connections are in several subnets ({', '.join(sorted(subnets))}). Glue runs a job in one"
        yield place, message


def _networks(config: Config, job: Job) -> Iterator[Network]:
    for name in connections_of(config, job):
        connection = config.connections.get(name)
        if connection and connection.network:
            yield connection.network


def _known(config: Config, place: Place, name: str | None) -> Iterator[Problem]:
    databases = [key for key, connection in config.connections.items() if connection.type != "network"]
    if name is not None and name not in databases:
        yield place, f"there is no connection to a database named {name!r}. {allowed(name, databases)}"


def _only(place: Place, given: set[str], fitting: set[str], why: str) -> Iterator[Problem]:
    for field in sorted(given - fitting):
        yield (*place, field), f"is not allowed here: {why}. Allowed: {', '.join(sorted(fitting))}"

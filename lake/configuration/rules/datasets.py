"""Rules between the fields of a dataset: how its table comes to be, and what each format takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lake.configuration.formats import CLASSIFIED, READ_BY_JOBS
from lake.configuration.model import Config, Dataset, Projection
from lake.configuration.place import Problem
from lake.configuration.suggest import allowed

Told = Iterator[tuple[str, str]]
"""The field of a dataset (dotted), and what is wrong there."""

PROJECTIONS = {
    "integer": (("range",), ("interval", "digits"), ("string", "int", "bigint")),
    "enum": (("values",), (), ("string",)),
    "date": (("range", "format"), ("interval", "interval_unit"), ("string", "date", "timestamp")),
    "injected": ((), (), ("string", "int", "bigint")),
}
"""By type: the fields it needs, those it may have, and the types of partition key that Athena allows for it."""


def violations(config: Config) -> Iterator[Problem]:
    """Every rule that a well-typed dataset breaks, or a job that reads it."""
    for name, dataset in config.datasets.items():
        if dataset.in_database:
            continue  # lake/configuration/rules/databases.py
        rules = (_partitions, _format, _columns, _crawl, _index, _crawled if _is_crawled(dataset) else _declared)
        for rule in rules:
            for field, message in rule(dataset):
                yield ("datasets", name, *field.split(".")), message
    yield from _unreadable(config)
    yield from _without_crawler(config)


def _is_crawled(dataset: Dataset) -> bool:
    return dataset.catalog == "crawled"


def _partitions(dataset: Dataset) -> Told:
    both = sorted(set(dataset.partitions) & set(dataset.columns))
    if both:
        yield "partitions", f"{', '.join(both)} cannot be a partition key and a column. Remove it from one of the two"
    if len(set(dataset.partitions)) < len(dataset.partitions):
        yield "partitions", f"a key is there twice. Given: {', '.join(dataset.partitions)}"


def _format(dataset: Dataset) -> Told:
    given = {"csv", "json_", "grok", "xml"} & dataset.model_fields_set
    for field in sorted(given):
        kind = field.rstrip("_")
        if dataset.format != kind:
            yield kind, f"only a {kind} dataset takes it. Its format is {dataset.format}"
    if dataset.format in CLASSIFIED and getattr(dataset, dataset.format) is None:
        yield "format", f"{dataset.format} needs its classifier: add {dataset.format}: {CLASSIFIED[dataset.format]}"


def _columns(dataset: Dataset) -> Told:
    if dataset.csv.multiline and dataset.csv.serde != "OpenCSVSerDe":
        yield "csv.multiline", f"only OpenCSVSerDe knows quotes. Given: csv.serde: {dataset.csv.serde}"
    if dataset.format == "csv" and not dataset.csv.header and not dataset.columns:
        yield "columns", "is required where csv.header is false: the file does not name them"


def _crawl(dataset: Dataset) -> Told:
    crawl = dataset.crawl
    if crawl.recrawl == "new_folders" and (crawl.on_update, crawl.on_delete) != ("log", "log"):
        yield (
            "crawl.recrawl",
            "new_folders is only allowed with on_update: log and on_delete: log (AWS rejects all else). "
            f"Given: on_update: {crawl.on_update}, on_delete: {crawl.on_delete}",
        )
    if crawl.recrawl == "events" and dataset.zone != "raw":
        yield "crawl.recrawl", f"events come from the raw zone only. The dataset is in the {dataset.zone} zone"


def _index(dataset: Dataset) -> Told:
    index = dataset.partition_index
    if "partition_index" not in dataset.model_fields_set or index is False:
        return
    if not dataset.partitions:
        yield "partition_index", "the dataset has no partitions"
    elif dataset.catalog == "projected":
        yield "partition_index", "Athena computes the partitions of a projected table: there is nothing to index"
    elif not isinstance(index, bool):
        strange = [key for key in index.keys if key not in dataset.partitions]
        if strange:
            hint = allowed(strange[0], dataset.partitions)
            yield "partition_index.keys", f"{', '.join(strange)} is no partition key. {hint}"
        if _is_crawled(dataset):
            yield (
                "partition_index",
                "a crawler makes its index over all partition keys. Write true, or declare the table",
            )


def _crawled(dataset: Dataset) -> Told:
    way_out = "Give a list of names, or choose catalog: projected or catalog: declared"
    if isinstance(dataset.columns, dict):
        yield "columns", f"the crawler finds the types. {way_out}"
    elif dataset.format != "csv" and dataset.columns:
        yield "columns", f"only a csv dataset takes columns. Its format is {dataset.format}"
    if isinstance(dataset.partitions, dict):
        yield "partitions", f"a crawler makes every partition key a string. {way_out}"
    if dataset.projection:
        yield "projection", "only a table with catalog: projected has it"


def _declared(dataset: Dataset) -> Told:
    """A table that no crawler finds."""
    if dataset.format in CLASSIFIED:
        yield "catalog", f"only a crawler makes a table of {dataset.format}. Allowed: crawled"
    if dataset.json_:
        yield "json", "only the table that a crawler makes has a path. Use catalog: crawled"
    if not isinstance(dataset.columns, dict) or not dataset.columns:
        yield "columns", f"a {dataset.catalog} table needs its columns with their types: {{name: type}}"
    elif dataset.format == "csv":
        yield from _csv_types(dataset, dataset.columns)
    if "crawl" in dataset.model_fields_set:
        yield "crawl", f"a {dataset.catalog} table has no crawler. Remove it, or choose catalog: crawled"
    if dataset.catalog == "projected":
        yield from _projections(dataset)
    elif dataset.projection:
        yield "projection", "only a table with catalog: projected has it"


def _csv_types(dataset: Dataset, columns: dict[str, str]) -> Told:
    if dataset.csv.serde == "None":
        yield "csv.serde", "only a crawler can choose. Allowed: OpenCSVSerDe, LazySimpleSerDe"
    for name, type_ in columns.items():
        if "<" in type_:
            yield f"columns.{name}", f"a CSV file holds no {type_}"
        elif type_ in ("date", "timestamp") and dataset.csv.serde == "OpenCSVSerDe":
            yield (
                f"columns.{name}",
                f"OpenCSVSerDe takes a {type_} for a number since 1970. Use string, or csv.serde: LazySimpleSerDe",
            )


def _projections(dataset: Dataset) -> Told:
    keys = dataset.keys
    if not keys:
        yield "partitions", "a projected table needs its partition keys"
    for key in keys:
        if key not in dataset.projection:
            yield "projection", f"the partition key {key} has none. Add {key}: {{type: ...}}"
    for key, projection in dataset.projection.items():
        if key not in keys:
            yield f"projection.{key}", f"is no partition key. {allowed(key, keys)}"
        else:
            for field, message in _projection(projection, keys[key]):
                yield f"projection.{key}{field}", message


def _projection(projection: Projection, key_type: str) -> Told:
    kind, given = projection.type, set(projection.model_fields_set) - {"type"}
    needed, optional, types = PROJECTIONS[kind]
    for field in needed:
        if field not in given:
            yield "", f"type {kind} needs {field}"
    if strange := sorted(given - {*needed, *optional}):
        hint = allowed(strange[0], (*needed, *optional), "none")
        yield "", f"type {kind} takes no {', '.join(strange)}. {hint}"
    if key_type not in types:
        yield "", f"type {kind} is not for a partition key of type {key_type}. Allowed: {', '.join(types)}"
    if kind == "integer" and projection.range and not all(isinstance(end, int) for end in projection.range):
        yield "", f"type integer needs two whole numbers as its range. Given: {projection.range}"
    elif _is_reversed(projection):
        yield ".range", f"ends before it begins. Given: {projection.range}"
    finer = kind == "date" and re.search(r"[Hhms]", re.sub(r"'[^']*'", "", projection.format or ""))
    if finer and not {"interval", "interval_unit"} <= given:
        yield "", f"the format {projection.format} is finer than a day, so interval and interval_unit are needed"


def _is_reversed(projection: Projection) -> bool:
    """Whether the range ends before it begins; of dates, where their text has the order of time and no end is NOW."""
    first, last = projection.range or (0, 0)
    if isinstance(first, int) and isinstance(last, int):
        return last < first
    ordered = (projection.format or "").startswith("yyyy") and "NOW" not in f"{first}{last}".upper()
    return ordered and str(last) < str(first)


def _unreadable(config: Config) -> Iterator[Problem]:
    for name, job in config.jobs.items():
        for place, dataset in job.datasets().items():
            format_ = config.datasets[dataset].format if dataset in config.datasets else "csv"
            if format_ not in READ_BY_JOBS:
                readable = ", ".join(READ_BY_JOBS)
                yield ("jobs", name, *place), f"{dataset!r} is {format_}, which jobs do not read. Allowed: {readable}"


def _without_crawler(config: Config) -> Iterator[Problem]:
    for name, workflow in config.workflows.items():
        for number, step in enumerate(workflow.steps):
            for at, dataset in enumerate(step.crawl):
                found = config.datasets.get(dataset)
                if found and not _is_crawled(found):
                    message = f"{dataset!r} has no crawler: its table is {found.catalog}. Remove it"
                    yield ("workflows", name, "steps", number, "crawl", at), message

"""Rules between the fields of a dataset: how its table is made, and which settings each format takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lake.configuration.formats import CLASSIFIED, READ_BY_JOBS
from lake.configuration.model import Config, Dataset, Projection
from lake.configuration.place import Problem
from lake.configuration.suggest import allowed

Violations = Iterator[tuple[str, str]]
"""(dotted field of the dataset, what is wrong)."""

PROJECTIONS = {
    "integer": (("range",), ("interval", "digits"), ("string", "int", "bigint")),
    "enum": (("values",), (), ("string",)),
    "date": (("range", "format"), ("interval", "interval_unit"), ("string", "date", "timestamp")),
    "injected": ((), (), ("string", "int", "bigint")),
}
"""Type -> required fields, optional fields, and the partition key types that Athena allows for it."""


def violations(config: Config) -> Iterator[Problem]:
    """Every rule that a well-typed dataset, or a job that reads it, breaks."""
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


def _partitions(dataset: Dataset) -> Violations:
    both = sorted(set(dataset.partitions) & set(dataset.columns))
    if both:
        yield "partitions", f"{', '.join(both)} cannot be a partition key and a column. Remove it from one of the two"
    if len(set(dataset.partitions)) < len(dataset.partitions):
        yield "partitions", f"a key appears twice. Given: {', '.join(dataset.partitions)}"


def _format(dataset: Dataset) -> Violations:
    given = {"csv", "json_", "grok", "xml"} & dataset.model_fields_set
    for field in sorted(given):
        kind = field.rstrip("_")
        if dataset.format != kind:
            yield kind, f"is only for {kind} datasets. The format is {dataset.format}"
    if dataset.format in CLASSIFIED and getattr(dataset, dataset.format) is None:
        yield "format", f"{dataset.format} needs its classifier: add {dataset.format}: {CLASSIFIED[dataset.format]}"


def _columns(dataset: Dataset) -> Violations:
    if dataset.csv.multiline and dataset.csv.serde != "OpenCSVSerDe":
        yield "csv.multiline", f"only OpenCSVSerDe supports quotes. Given: csv.serde: {dataset.csv.serde}"
    if dataset.format == "csv" and not dataset.csv.header and not dataset.columns:
        yield "columns", "is required if csv.header is false, because the files do not name their columns"


def _crawl(dataset: Dataset) -> Violations:
    crawl = dataset.crawl
    if crawl.recrawl == "new_folders" and (crawl.on_update, crawl.on_delete) != ("log", "log"):
        yield (
            "crawl.recrawl",
            "new_folders is only allowed with on_update: log and on_delete: log (AWS rejects anything else). "
            f"Given: on_update: {crawl.on_update}, on_delete: {crawl.on_delete}",
        )
    if crawl.recrawl == "events" and dataset.zone != "raw":
        yield "crawl.recrawl", f"events come from the raw zone only. The dataset is in the {dataset.zone} zone"


def _index(dataset: Dataset) -> Violations:
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
            yield "partition_index.keys", f"{', '.join(strange)} is not a partition key. {hint}"
        if _is_crawled(dataset):
            yield (
                "partition_index",
                "a crawler indexes all partition keys. Write true, or declare the table",
            )


def _crawled(dataset: Dataset) -> Violations:
    fix = "Give a list of names, or choose catalog: projected or catalog: declared"
    if isinstance(dataset.columns, dict):
        yield "columns", f"the crawler finds the types. {fix}"
    elif dataset.format != "csv" and dataset.columns:
        yield "columns", f"is only for csv datasets. The format is {dataset.format}"
    if isinstance(dataset.partitions, dict):
        yield "partitions", f"a crawler makes every partition key a string. {fix}"
    if dataset.projection:
        yield "projection", "is only for tables with catalog: projected"


def _declared(dataset: Dataset) -> Violations:
    """Rules for a table that no crawler makes."""
    if dataset.format in CLASSIFIED:
        yield "catalog", f"a table of format {dataset.format} needs a crawler. Allowed: crawled"
    if dataset.json_:
        yield "json", "only a crawler supports a JSON path. Use catalog: crawled"
    if not isinstance(dataset.columns, dict) or not dataset.columns:
        yield "columns", f"a {dataset.catalog} table needs its columns with types: {{name: type}}"
    elif dataset.format == "csv":
        yield from _csv_types(dataset, dataset.columns)
    if "crawl" in dataset.model_fields_set:
        yield "crawl", f"a {dataset.catalog} table has no crawler. Remove it, or choose catalog: crawled"
    if dataset.catalog == "projected":
        yield from _projections(dataset)
    elif dataset.projection:
        yield "projection", "is only for tables with catalog: projected"


def _csv_types(dataset: Dataset, columns: dict[str, str]) -> Violations:
    if dataset.csv.serde == "None":
        yield "csv.serde", "only a crawler can choose a SerDe. Allowed: OpenCSVSerDe, LazySimpleSerDe"
    for name, type_ in columns.items():
        if "<" in type_:
            yield f"columns.{name}", f"a CSV file cannot hold {type_}"
        elif type_ in ("date", "timestamp") and dataset.csv.serde == "OpenCSVSerDe":
            yield (
                f"columns.{name}",
                f"OpenCSVSerDe reads a {type_} as a number since 1970. Use string, or csv.serde: LazySimpleSerDe",
            )


def _projections(dataset: Dataset) -> Violations:
    keys = dataset.keys
    if not keys:
        yield "partitions", "a projected table needs its partition keys"
    for key in keys:
        if key not in dataset.projection:
            yield "projection", f"the partition key {key} has no projection. Add {key}: {{type: ...}}"
    for key, projection in dataset.projection.items():
        if key not in keys:
            yield f"projection.{key}", f"is not a partition key. {allowed(key, keys)}"
        else:
            for field, message in _projection(projection, keys[key]):
                yield f"projection.{key}{field}", message


def _projection(projection: Projection, key_type: str) -> Violations:
    kind, given = projection.type, set(projection.model_fields_set) - {"type"}
    needed, optional, types = PROJECTIONS[kind]
    for field in needed:
        if field not in given:
            yield "", f"type {kind} needs {field}"
    if strange := sorted(given - {*needed, *optional}):
        hint = allowed(strange[0], (*needed, *optional), "none")
        yield "", f"type {kind} does not take {', '.join(strange)}. {hint}"
    if key_type not in types:
        yield "", f"type {kind} does not fit a partition key of type {key_type}. Allowed: {', '.join(types)}"
    if kind == "integer" and projection.range and not all(isinstance(end, int) for end in projection.range):
        yield "", f"type integer needs a range of two integers. Given: {projection.range}"
    elif _is_reversed(projection):
        yield ".range", f"ends before it begins. Given: {projection.range}"
    finer = kind == "date" and re.search(r"[Hhms]", re.sub(r"'[^']*'", "", projection.format or ""))
    if finer and not {"interval", "interval_unit"} <= given:
        yield "", f"the format {projection.format} is finer than a day and needs interval and interval_unit"


def _is_reversed(projection: Projection) -> bool:
    """Whether the range ends before it begins. Dates are compared only if they sort as text and neither is NOW."""
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
                yield (
                    ("jobs", name, *place),
                    f"{dataset!r} has the format {format_}, which jobs cannot read. Allowed: {readable}",
                )


def _without_crawler(config: Config) -> Iterator[Problem]:
    for name, workflow in config.workflows.items():
        for number, step in enumerate(workflow.steps):
            for at, dataset in enumerate(step.crawl):
                found = config.datasets.get(dataset)
                if found and not _is_crawled(found):
                    message = f"{dataset!r} has no crawler: its table is {found.catalog}. Remove it"
                    yield ("workflows", name, "steps", number, "crawl", at), message

"""The specification and arguments of a job, for the etl stack and for previews."""

from __future__ import annotations

from lake.configuration.connections import databases_of
from lake.configuration.expectations import rules
from lake.configuration.model import Dataset, Job, Sink
from lake.configuration.names import Names
from lake.configuration.reading import Lake


def job_spec(lake: Lake, name: str, job: Job) -> dict[str, object]:
    """What glue_scripts/run_job.py reads: the steps of lake.yaml, and the raw table of each dataset."""
    config, names = lake.config, lake.names(account="")
    databases = databases_of(config, job)
    in_databases = {
        dataset: {"connection": names.connection(found.connection), "table": found.table}
        for dataset, found in config.datasets.items()
        if found.connection in databases and found.connection
    }
    multiline = [dataset for dataset, found in config.datasets.items() if _in_raw(found) and found.csv.multiline]
    return {
        "job": name,
        "source": job.source,
        **({"incremental": True} if job.incremental else {}),
        **({"feature_group": _group_spec(lake, names, group)} if (group := job.sink.feature_group) else {}),
        "tables": {dataset: dataset for dataset, found in config.datasets.items() if _in_raw(found)},
        **({"databases": in_databases} if in_databases else {}),
        **({"multiline": multiline} if multiline else {}),
        "steps": [step.model_dump(by_alias=True, exclude_unset=True) for step in job.steps],
        **({"expect": rules(job)} if job.expect else {}),
        "cast_nulls": job.cast_nulls.model_dump(),
        "sink": _sink_spec(names, job.sink),
    }


def places(names: Names) -> dict[str, str]:
    """The arguments of every job: the databases and buckets of the lake."""
    return {
        "--raw_database": names.database("raw"),
        "--curated_database": names.database("curated"),
        "--raw_bucket": names.bucket("raw"),
        "--curated_bucket": names.bucket("curated"),
        "--quarantine_bucket": names.bucket("quarantine"),
    }


def _sink_spec(names: Names, sink: Sink) -> dict[str, object]:
    """The fields of a file sink, or of a database sink."""
    in_database = {"connection", "mode", "keys", "batch_size"}
    if sink.connection is None:
        return sink.model_dump(exclude={*in_database, "feature_group"})
    return sink.model_dump(include={"table", *in_database}) | {"connection": names.connection(sink.connection)}


def _group_spec(lake: Lake, names: Names, name: str) -> dict[str, object]:
    group = lake.config.feature_groups[name]
    place = {"name": name, "database": names.database("ml")}
    return {**place, **group.model_dump(include={"identifier", "time", "features"})}


def _in_raw(dataset: Dataset) -> bool:
    return dataset.zone == "raw" and not dataset.in_database

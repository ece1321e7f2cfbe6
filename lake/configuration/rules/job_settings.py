"""Rules for the settings of Glue jobs: combinations that Glue would later refuse or ignore."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lake.configuration.model import Config, Job, JobSettings, ScriptJob
from lake.configuration.place import Place, Problem
from lake.configuration.suggest import allowed

FLEXIBLE = ("G.1X", "G.2X")
OF_THE_LAKE = {
    "--TempDir": "it is a folder of the etl bucket",
    "--additional-python-modules": "use python_modules",
    "--class": "it is GlueApp",
    "--conf": "use spark_conf",
    "--custom-logGroup-prefix": "the etl stack owns the log groups",
    "--enable-auto-scaling": "use autoscaling",
    "--enable-metrics": "metrics are always on",
    "--enable-observability-metrics": "metrics are always on",
    "--extra-py-files": "use py_files",
    "--job-language": "it follows from the script",
    **dict.fromkeys(("--JOB_NAME", "--debug", "--mode", "--endpoint"), "Glue reserves it"),
    **dict.fromkeys(("--aws_region", "--spec"), "the lake sets it"),
    **dict.fromkeys((f"--{database}_database" for database in ("raw", "curated")), "the lake sets it"),
    **dict.fromkeys((f"--{zone}_bucket" for zone in ("raw", "curated", "quarantine")), "the lake sets it"),
}
"""Arguments that users cannot set -> why, or what to use instead."""
OF_THE_STEPS = (
    "spark.sql.adaptive.optimizer.excludedRules",
    "spark.sql.legacy.timeParserPolicy",
    "spark.sql.mapKeyDedupPolicy",
    "spark.sql.optimizer.dynamicPartitionPruning.enabled",
    "spark.sql.optimizer.excludedRules",
    "spark.sql.optimizer.runtime.bloomFilter.enabled",
    "spark.sql.parquet.datetimeRebaseModeInRead",
    "spark.sql.parquet.datetimeRebaseModeInWrite",
    "spark.sql.parquet.int96RebaseModeInRead",
    "spark.sql.parquet.int96RebaseModeInWrite",
    "spark.sql.session.timeZone",
    "spark.sql.sources.ignoreDataLocality",
    "spark.sql.sources.parallelPartitionDiscovery.threshold",
)
"""Spark settings that the script of the steps sets itself, because its counts, times and values depend on them."""
_OF_SPARK = ("autoscaling", "flex", "glue_version", "py_files", "spark_conf", "worker_type", "workers")


def violations(config: Config) -> Iterator[Problem]:
    """Every rule about the settings of jobs that a well-typed configuration breaks."""
    for name, job in config.every_job.items():
        place = ("jobs", name)
        yield from _arguments(place, job)
        yield from _spark_conf(place, job)
        yield from _connections(config, place, job)
        yield from _script(config, place, job) if isinstance(job, ScriptJob) else _steps(place, job)


def missing_scripts(config: Config, root: Path) -> Iterator[Problem]:
    """Every script that does not exist, relative to lake.yaml's folder `root`."""
    for name, job in config.scripts.items():
        if not (root / job.script).is_file():
            yield ("jobs", name, "script"), f"there is no file {job.script!r} in {root}"


def _arguments(place: Place, job: JobSettings) -> Iterator[Problem]:
    for argument in job.arguments:
        if argument in OF_THE_LAKE:
            yield (*place, "arguments", argument), f"cannot be set here: {OF_THE_LAKE[argument]}"


def _spark_conf(place: Place, job: JobSettings) -> Iterator[Problem]:
    for setting, value in job.spark_conf.items():
        if "--conf" in value:
            yield (
                (*place, "spark_conf", setting),
                f"takes a single setting, so its value cannot contain --conf. Given: {value!r}",
            )


def _connections(config: Config, place: Place, job: JobSettings) -> Iterator[Problem]:
    for number, name in enumerate(job.connections):
        if name not in config.connections:
            hint = allowed(name, config.connections)
            yield (*place, "connections", number), f"there is no connection {name!r}. {hint}"


def _steps(place: Place, job: Job) -> Iterator[Problem]:
    yield from _batch(place, job)
    for setting in job.spark_conf:
        if setting in OF_THE_STEPS:
            yield (*place, "spark_conf", setting), "cannot be set here: the script that runs the steps sets it"
        if setting.startswith("spark.sql.parser."):
            yield (
                (*place, "spark_conf", setting),
                "cannot be set here: it would change how Spark parses the SQL of the steps",
            )
    if job.max_concurrent_runs > 1:
        yield (
            (*place, "max_concurrent_runs"),
            "must be 1 for a job of steps: two runs at once would overwrite each other's table",
        )
    if job.glue_version == "6.0":
        yield (
            (*place, "glue_version"),
            "6.0 is only for your own scripts. Allowed for steps, which need Spark 3.5: 5.0, 5.1",
        )


def _batch(place: Place, job: Job | ScriptJob) -> Iterator[Problem]:
    """Rules for Spark jobs that are not streaming jobs."""
    if job.worker_type == "G.025X":
        yield (*place, "worker_type"), "G.025X is only for streaming jobs. Allowed in a batch job: all other types"
    if job.flex and job.worker_type not in FLEXIBLE:
        yield (*place, "flex"), f"is only allowed with the worker types {_any(FLEXIBLE)}. Given: {job.worker_type}"


def _script(config: Config, place: Place, job: ScriptJob) -> Iterator[Problem]:
    if job.language == "scala":
        yield from _scala(place, job)
    if job.type == "batch":
        yield from _batch(place, job)
    if job.type == "streaming":
        yield from _streaming(place, job)
    if job.type == "shell":
        yield from _shell(place, job)


def _scala(place: Place, job: ScriptJob) -> Iterator[Problem]:
    for field in ("py_files", "python_modules"):
        if getattr(job, field):
            yield (*place, field), f"is for Python jobs, but {job.script} is Scala. Remove it"


def _streaming(place: Place, job: ScriptJob) -> Iterator[Problem]:
    if job.flex:
        yield (*place, "flex"), "is only for batch jobs, not for streaming jobs. Remove it, or use type: batch"


def _shell(place: Place, job: ScriptJob) -> Iterator[Problem]:
    if job.language == "scala":
        yield (*place, "type"), f"a shell job must be Python, but {job.script} is Scala. Use type: batch or streaming"
    for field in _OF_SPARK:
        if field in job.model_fields_set:
            yield (*place, field), "is for Spark jobs, but a shell job has no Spark. Remove it, or use type: batch"


def _any(names: tuple[str, ...]) -> str:
    return ", ".join(names)

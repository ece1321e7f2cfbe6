"""The settings of a job as arguments of aws_glue_job, and as job arguments that Glue reads."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from cdktf_cdktf_provider_aws.glue_job import GlueJobExecutionProperty, GlueJobNotificationProperty

from lake.configuration.model import JobSettings, ScriptJob
from lake.configuration.names import Names
from stacks.base import literal, literals

DEFAULT_MINUTES, STREAMING_MINUTES = 60, 10_080
SHELL_DPU = 0.0625
MATCHING = ("duckdb",)
"""The packages that find_matches needs on Glue."""


def properties(names: Names, job: JobSettings) -> dict[str, Any]:
    """The arguments of aws_glue_job, except its name, command and job arguments."""
    notification = GlueJobNotificationProperty(notify_delay_after=job.notify_minutes)
    return _size(job) | {
        "timeout": job.timeout_minutes or (STREAMING_MINUTES if _is_streaming(job) else DEFAULT_MINUTES),
        "max_retries": job.retries,
        "execution_property": GlueJobExecutionProperty(max_concurrent_runs=job.max_concurrent_runs),
        "notification_property": notification if job.notify_minutes else None,
        "security_configuration": names.security_configuration if job.encryption else None,
    }


def arguments(names: Names, name: str, job: JobSettings, modules: list[str]) -> dict[str, str]:
    """The job arguments for the settings. `modules` are Python packages in addition to the job's own."""
    conf = " --conf ".join(f"{setting}={value}" for setting, value in job.spark_conf.items())
    packages = ",".join([*modules, *job.python_modules])
    spark = {
        "--enable-auto-scaling": str(job.autoscaling).lower(),
        "--enable-metrics": "true",
        "--enable-observability-metrics": "true",
        "--custom-logGroup-prefix": names.log_group("glue", name),
    }
    return {
        **(spark if _is_spark(job) else {}),
        **({"--conf": literal(conf)} if conf else {}),
        **({"--additional-python-modules": packages} if packages else {}),
        **literals(job.arguments),
    }


def modules_of_matching() -> list[str]:
    """The Python packages that find_matches needs on Glue, in the version that is installed here and tested."""
    return [f"{name}=={version(name)}" for name in MATCHING]


def _size(job: JobSettings) -> dict[str, Any]:
    if not _is_spark(job):
        # Python 3.9 is the newest for shell jobs, and needs Glue 3.0.
        return {"glue_version": "3.0", "max_capacity": SHELL_DPU}
    return {
        "glue_version": job.glue_version,
        "worker_type": job.worker_type,
        "number_of_workers": job.workers,
        "execution_class": "FLEX" if job.flex else None if _is_streaming(job) else "STANDARD",
    }


def _is_spark(job: JobSettings) -> bool:
    return not (isinstance(job, ScriptJob) and job.type == "shell")


def _is_streaming(job: JobSettings) -> bool:
    return isinstance(job, ScriptJob) and job.type == "streaming"

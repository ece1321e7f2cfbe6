"""The settings of jobs in lake.yaml: what is valid, and the message for each wrong combination."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lake.configuration.model import Job, ScriptJob
from lake.configuration.reading import ConfigError, load
from lake.configuration.rules.job_settings import OF_THE_STEPS

LAKE = """\
project: shop
environments: {local: {endpoint: "http://127.0.0.1:4566", region: us-east-1}}
datasets: {orders: {format: csv}}
jobs:
  totals:
    source: orders
    sink: {table: totals}
    workers: 3
  hello:
    script: jobs/hello.py
    workers: 4
"""
STEPS, SCRIPT = "    workers: 3", "    workers: 4"


def written(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in LAKE
    (folder / "jobs").mkdir(exist_ok=True)
    (folder / "jobs" / "hello.py").write_text("print(1)\n")
    (folder / "jobs" / "Hello.scala").write_text("object GlueApp\n")
    (folder / "lake.yaml").write_text(LAKE.replace(old, new, 1))
    return folder / "lake.yaml"


def test_a_job_is_steps_or_a_script(tmp_path: Path) -> None:
    config = load(written(tmp_path)).config

    assert {name: type(job) for name, job in config.every_job.items()} == {"totals": Job, "hello": ScriptJob}
    assert (list(config.jobs), list(config.scripts)) == (["totals"], ["hello"])
    assert config.scripts["hello"].language == "python"


def test_every_job_setting_is_valid(tmp_path: Path) -> None:
    settings = """\
    worker_type: G.4X
    workers: 20
    autoscaling: false
    timeout_minutes: 90
    notify_minutes: 30
    retries: 2
    max_concurrent_runs: 3
    arguments: {--threshold: "3"}
    python_modules: [holidays==0.83, "pyarrow>=14,<26", "pandas[excel]"]
    spark_conf: {spark.sql.shuffle.partitions: "64"}
    encryption: true
    glue_version: "6.0"
"""
    job = load(written(tmp_path, SCRIPT, settings.rstrip())).config.scripts["hello"]

    assert (job.worker_type, job.autoscaling, job.arguments) == ("G.4X", False, {"--threshold": "3"})


@pytest.mark.parametrize("script", ["lake_etl/job.py", "scala/job.scala"])
def test_settings_that_the_script_sets_itself_are_refused(script: str) -> None:
    code = (Path(__file__).parents[2] / "glue_scripts" / script).read_text()
    given = re.findall(r'^    "(spark[\w.]+)"(?: ->|:) ', code, re.MULTILINE)

    assert sorted(given) == sorted(OF_THE_STEPS)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (STEPS, "    worker_type: G.025X", "totals.worker_type: G.025X is only for streaming jobs"),
        (SCRIPT, "    worker_type: G.025X", "hello.worker_type: G.025X is only for streaming jobs"),
        (STEPS, "    worker_type: G.3X", "totals.worker_type: should be 'G.025X', 'G.1X'.* Given: 'G.3X'"),
        (
            STEPS,
            "    flex: true\n    worker_type: G.4X",
            "totals.flex: is only allowed with the worker types G.1X, G.2X. Given: G.4X",
        ),
        (SCRIPT, "    type: streaming\n    flex: true", "hello.flex: is only for batch jobs, not for streaming jobs"),
        (SCRIPT, "    worker_type: R.1X", "hello.worker_type: should be 'G.025X', 'G.1X'.* Given: 'R.1X'"),
        (
            SCRIPT,
            '    glue_version: "2.0"',
            r"hello.glue_version: Glue 2.0 ended on 2026-04-01: AWS no longer creates or runs such",
        ),
        (STEPS, '    glue_version: "0.9"', r"totals.glue_version: Glue 0.9 ended on 2026-04-01"),
        (STEPS, '    glue_version: "4.0"', "totals.glue_version: should be '5.0', '5.1' or '6.0'. Given: '4.0'"),
        (STEPS, '    glue_version: "6.0"', "totals.glue_version: 6.0 is only for your own scripts. Allowed for steps"),
        (STEPS, "    max_concurrent_runs: 2", "totals.max_concurrent_runs: must be 1 for a job of steps"),
        (STEPS, "    timeout_minutes: 10081", "totals.timeout_minutes: should be less than or equal to 10080"),
        (STEPS, "    retries: -1", "totals.retries: should be greater than or equal to 0"),
        (STEPS, "    arguments: {--conf: a=b}", "totals.arguments.--conf: cannot be set here: use spark_conf"),
        (
            SCRIPT,
            "    arguments: {--raw_bucket: x}",
            "hello.arguments.--raw_bucket: cannot be set here: the lake sets it",
        ),
        (
            SCRIPT,
            "    arguments: {--JOB_NAME: x}",
            "arguments.--JOB_NAME: cannot be set here: Glue reserves it",
        ),
        (SCRIPT, "    arguments: {threshold: '3'}", "arguments.*Allowed: --name, such as --threshold"),
        (SCRIPT, "    arguments: {--threshold: 3}", "arguments.--threshold: should be a valid string. Given: 3"),
        (SCRIPT, "    spark_conf: {driver.memory: 4g}", "spark_conf.*Allowed: a Spark setting, such as spark.sql"),
        (
            SCRIPT,
            "    spark_conf: {spark.a: 1 --conf spark.b=2}",
            "spark_conf.spark.a: takes a single setting, so its value cannot",
        ),
        (
            SCRIPT,
            "    python_modules: ['rm -rf']",
            "python_modules.0: is not allowed. Allowed: a package, with its version",
        ),
        (SCRIPT, "    type: shell\n    workers: 2", "hello.workers: is for Spark jobs, but a shell job has no Spark"),
        (
            SCRIPT,
            "    type: shell\n    spark_conf: {spark.a: b}",
            "hello.spark_conf: is for Spark jobs, but a shell job",
        ),
        (
            STEPS,
            "    spark_conf: {spark.sql.parser.escapedStringLiterals: 'true'}",
            "totals.spark_conf.spark.sql.parser.escapedStringLiterals: cannot be set here: it would change how Spark",
        ),
        (
            STEPS,
            "    spark_conf: {spark.sql.session.timeZone: CET}",
            "totals.spark_conf.spark.sql.session.timeZone: cannot be set here: the script that runs the steps sets it",
        ),
        (SCRIPT, "    type: ray", "hello.type: should be 'batch', 'streaming' or 'shell'. Given: 'ray'"),
        (
            SCRIPT,
            "    connections: [shop]",
            "hello.connections.0: there is no connection 'shop'. Allowed: none is decl",
        ),
        (SCRIPT, "    source: orders", "hello.source: is not a valid field here. Allowed: arguments, autoscaling"),
        (SCRIPT, "    sink: {table: t}", "hello.sink: is not a valid field here. Allowed: arguments, autoscaling"),
        (STEPS, "    type: streaming", "totals.type: is not a valid field here. Allowed: arguments, autoscaling"),
        ("hello.py", "none.py", "line 10: jobs.hello.script: there is no file 'jobs/none.py' in"),
        ("hello.py", "hello.sh", "jobs.hello.script: is not allowed. Allowed: a Python or Scala file"),
        (
            "hello.py\n    workers: 4",
            "Hello.scala\n    type: shell",
            "hello.type: a shell job must be Python, but jobs/Hello.scala is Scala. Use type: batch or streaming",
        ),
        (
            "hello.py\n    workers: 4",
            "Hello.scala\n    python_modules: [holidays]",
            "hello.python_modules: is for Python jobs, but jobs/Hello.scala is Scala. Remove it",
        ),
        ("sink: {table: totals}", "steps: []", "line 5: jobs.totals.sink: is required but missing"),
    ],
)
def test_a_wrong_combination_is_reported_with_its_place_and_fix(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected) as raised:
        load(written(tmp_path, old, new))
    assert len(str(raised.value).splitlines()) == 1, raised.value

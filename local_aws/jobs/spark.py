"""Spark's configuration for one run: `s3://` and `s3a://` paths are the bucket folders of that run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from local_aws.jobs.drivers import jars

_VIEW = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
_COMMITTER = "org.apache.hadoop.mapreduce.lib.output.FileOutputCommitterFactory"
# Most runs end before Java's second compiler or a parallel garbage collector pays off: it begins four times later here.
_JAVA = (
    "-XX:+UseSerialGC",
    "-XX:Tier4InvocationThreshold=20000",
    "-XX:Tier4MinInvocationThreshold=2400",
    "-XX:Tier4CompileThreshold=60000",
    "-XX:Tier4BackEdgeThreshold=160000",
)
_LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss} %p %c{1}: %m%n%ex
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
"""


def write_configuration(folder: Path, work: Path, buckets: Mapping[str, Path], conf: str) -> None:
    """Write Spark's settings and those of its log.

    Args:
        folder: where, as `spark-defaults.conf` and `log4j2.properties`.
        work: the run's own folder, for the warehouse and temporary files.
        buckets: the folder of every bucket.
        conf: the job's `--conf` argument in Glue's form, `a=b --conf c=d`.
    """
    folder.mkdir(parents=True)
    settings = _defaults(work) | _given(conf) | _fixed() | _mounts(buckets)
    lines = (f"{key} {_escaped(value)}" for key, value in settings.items())
    (folder / "spark-defaults.conf").write_text("\n".join(lines) + "\n")
    (folder / "log4j2.properties").write_text(_LOGGING)


def _defaults(work: Path) -> dict[str, str]:
    java = {
        "java.io.tmpdir": work / "tmp",
        "user.home": work / "home",
        "derby.system.home": work / "derby",
        "user.timezone": "UTC",
    }
    return {
        "spark.master": "local[2]",
        "spark.driver.memory": "1536m",
        "spark.driver.extraJavaOptions": " ".join([*_JAVA, *(f'"-D{name}={value}"' for name, value in java.items())]),
        "spark.sql.session.timeZone": "UTC",
        **({"spark.driver.extraClassPath": os.pathsep.join(map(str, jars()))} if jars() else {}),
        # The default of 200 shuffle partitions suits a cluster.
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.warehouse.dir": (work / "warehouse").as_uri(),
    }


def _given(conf: str) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for pair in re.split(r"(?:^|\s)--conf\s", conf))
    return {key.strip(): value.strip() for key, _, value in pairs if key}


def _fixed() -> dict[str, str]:
    return {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }


def _mounts(buckets: Mapping[str, Path]) -> dict[str, str]:
    """The schemes have no fallback file system, so a path in a missing bucket fails."""
    schemes = {f"spark.hadoop.fs.{scheme}.impl": _VIEW for scheme in ("s3", "s3a")}
    committers = {f"spark.hadoop.mapreduce.outputcommitter.factory.scheme.{s}": _COMMITTER for s in ("s3", "s3a")}
    table = "spark.hadoop.fs.viewfs.mounttable"
    links = {f"{table}.{bucket}.linkFallback": f"{folder.as_uri()}/" for bucket, folder in buckets.items()}
    return schemes | committers | links


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\")

"""The JVM of a running application: its command line, settings and environment."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.context import Context
from local_aws.streams.flink.home import Home

HEAP = "256m"
"""For an application that needs more, set LAKE_FLINK_HEAP=1g."""
_OPENED = (
    *("java.lang", "java.lang.reflect", "java.net", "java.io", "java.nio", "java.text", "java.time", "java.util"),
    *("java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks", "sun.nio.ch"),
)
"""Java packages that Flink's serializers access by reflection."""
_ADDRESSES = (
    "rest.address",
    "rest.bind-address",
    "jobmanager.rpc.address",
    "jobmanager.bind-host",
    "taskmanager.bind-host",
)
_LOG = """
rootLogger.level = {level}
rootLogger.appenderRef.out.ref = Out
# At each start it tells of hundreds of classes that they are fine.
logger.types.name = org.apache.flink.api.java.typeutils.TypeExtractor
logger.types.level = WARN
appender.out.name = Out
appender.out.type = CONSOLE
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss,SSS}} %-5p %c{{1}} - %m%n
"""
_KEPT = ("PATH", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Order:
    """What a start of an application runs, and from where it resumes.

    Attributes:
        id: the id of this start; the session token in its processes' environment.
        work: a folder for this start only.
        state: the folder of the application's checkpoints.
        restore: the checkpoint or snapshot to restore, if any.
        began: the time of the application's first start, in seconds: LATEST means this time.
    """

    id: str
    detail: dict[str, Any]
    region: str
    work: Path
    state: Path
    port: int
    began: float
    restore: str | None
    allow_non_restored: bool

    @property
    def flink(self) -> dict[str, Any]:
        described: dict[str, Any] = self.detail["ApplicationConfigurationDescription"]
        return described["FlinkApplicationConfigurationDescription"]  # type: ignore[no-any-return]

    @property
    def code(self) -> Path:
        return self.work / "code"


def configuration(order: Order, home: Home) -> dict[str, str]:
    """Return Flink's settings, which the service sets on AWS. One task computes everything, with any parallelism."""
    checkpoints = order.flink["CheckpointConfigurationDescription"]
    settings = {
        "execution.target": "local",
        "execution.attached": "true",
        # Shards are merged by arrival within a task: the events of two tasks would overtake each other.
        "parallelism.default": "1",
        **dict.fromkeys(_ADDRESSES, "127.0.0.1"),
        "rest.port": str(order.port),
        "rest.bind-port": str(order.port),
        "web.submit.enable": "false",
        "io.tmp.dirs": str(order.work / "tmp"),
        "python.client.executable": str(home.python),
        "taskmanager.memory.network.min": "32m",
        "taskmanager.memory.network.max": "32m",
        "taskmanager.memory.managed.size": "32m",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.max-backoff": "10 s",
        "execution.checkpointing.num-retained": "2",
    }
    if checkpoints.get("CheckpointingEnabled", True):
        settings |= {
            "execution.checkpointing.interval": f"{checkpoints.get('CheckpointInterval', 60000)} ms",
            "execution.checkpointing.min-pause": f"{checkpoints.get('MinPauseBetweenCheckpoints', 5000)} ms",
            "execution.checkpointing.dir": order.state.as_uri(),
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            # On a full disk a checkpoint fails, not the application: the next one may succeed.
            "execution.checkpointing.tolerable-failed-checkpoints": "1000000",
        }
    if order.restore:
        settings["execution.state-recovery.path"] = order.restore
        settings["execution.state-recovery.ignore-unclaimed-state"] = str(order.allow_non_restored).lower()
    return settings


def spawn(order: Order, context: Context, home: Home, jars: list[Path], script: str) -> subprocess.Popen[bytes]:
    """Start the JVM, which logs to `work/log`. It ends when its standard input is closed."""
    for folder in ("tmp", "home", "opt/python"):
        (order.work / folder).mkdir(parents=True, exist_ok=True)
    groups = order.detail["ApplicationConfigurationDescription"].get("EnvironmentPropertyDescriptions", {})
    _write(order.work / "application_properties.json", groups.get("PropertyGroupDescriptions", []))
    _write(order.work / "flink.json", configuration(order, home))
    level = order.flink["MonitoringConfigurationDescription"].get("LogLevel", "INFO")
    (order.work / "log4j.properties").write_text(_LOG.format(level=level))
    words = [*_java(order, home, jars), str(order.work / "flink.json"), str(order.code / script)]
    # It ends with this process, through the pipe: a parent-death signal would come when the starting thread ends.
    with (order.work / "log").open("xb") as log:
        return subprocess.Popen(
            words, cwd=order.code, env=_environment(order, context, home), stdin=subprocess.PIPE, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def _java(order: Order, home: Home, jars: list[Path]) -> list[str]:
    return [
        home.java,
        f"-Xmx{os.environ.get('LAKE_FLINK_HEAP', HEAP)}",
        "-Xss512k",
        "-XX:+UseSerialGC",
        # The second compiler takes more processor time than it saves in the first millions of events.
        "-XX:TieredStopAtLevel=1",
        # Most memory is of records that are gone soon.
        "-XX:NewRatio=1",
        # Else the heap is collected whole each time that the space for classes grows.
        "-XX:MetaspaceSize=128m",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.net.preferIPv4Stack=true",
        f"-Djava.io.tmpdir={order.work / 'tmp'}",
        f"-Dlog4j.configurationFile={order.work / 'log4j.properties'}",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
        "-cp",
        os.pathsep.join(map(str, [*home.jars, *jars])),
        "local_aws.flink.Application",
    ]


def _environment(order: Order, context: Context, home: Home) -> dict[str, str]:
    """Return the application's environment: of this process's variables only those in `_KEPT`, and its own."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {
        "AWS_ENDPOINT_URL": context.endpoint,
        "AWS_ACCESS_KEY_ID": context.keys.id,
        "AWS_SECRET_ACCESS_KEY": context.keys.secret,
        "AWS_SESSION_TOKEN": context.keys.token,
        "AWS_REGION": order.region,
        "AWS_DEFAULT_REGION": order.region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "APPLICATION_PROPERTIES": str(order.work / "application_properties.json"),
        "PYFLINK_CLIENT_EXECUTABLE": str(home.python),
        "FLINK_OPT_DIR": str(order.work / "opt"),
        "HOME": str(order.work / "home"),
        "STARTED_AT": str(order.began),
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        # By default, glibc gives each native thread an arena of 64 MB.
        "MALLOC_ARENA_MAX": "2",
    }


def _write(file: Path, document: object) -> None:
    file.write_text(json.dumps(document))

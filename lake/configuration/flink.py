"""What a Flink application needs besides lake.yaml: a jar with the connector on AWS, an installed Flink locally."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from lake.configuration.reading import Lake
from lake.shipped import FLINK_APP, PACKAGES

JAR = "LAKE_FLINK_JAR"
"""The variable that names the jar, if it is not where Maven builds it (`make flink-jar` in a checkout)."""
HOME = "LAKE_FLINK_HOME"
_BUILT = FLINK_APP / "target/pyflink-dependencies.jar"
APPLICATION = "aws_kinesisanalyticsv2_application"
"""How Terraform calls an application."""
_PARTS = {
    "the Kinesis connector": "org/apache/flink/connector/kinesis/",
    "the format of the events": "lake/events/EventFormatFactory.class",
}


def jar() -> Path:
    """The path of the jar with AWS's connector and the event format, whether or not it exists."""
    return Path(os.environ.get(JAR) or _BUILT)


def missing(lake: Lake, *, deployed: bool = False) -> str:
    """Why this environment is deployed without its Flink applications; empty if nothing is missing.

    Args:
        deployed: there are applications, which a deploy would destroy.
    """
    streams = [name for name, stream in lake.config.streams.items() if stream.windows]
    if not streams or lake.environment.endpoint:
        return ""
    wrong = _wrong_with(jar())
    if not wrong:
        return ""
    whose = "the windows of " + ", ".join(streams)
    ends = "are deployed, and a deploy from here would destroy them, with their savepoints"
    what = ends if deployed else "are not deployed"
    return f"{whose} {what}: {wrong}. Build the jar with `mvn -f {FLINK_APP / 'pom.xml'} package`, or set {JAR}"


def _wrong_with(file: Path) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except FileNotFoundError:
        return f"{file} does not exist"
    except (OSError, zipfile.BadZipFile):
        return f"{file} is not a jar"
    lacks = [part for part, path in _PARTS.items() if not any(name.startswith(path) for name in names)]
    return f"{file} lacks {' and '.join(lacks)}" if lacks else ""


def is_installed() -> bool:
    """Whether Flink is installed on this machine. If not, the first start of an application downloads it."""
    folder = Path(os.environ.get(HOME) or PACKAGES / ".tools/flink")
    return any(folder.glob("lib/python*/site-packages/pyflink/lib"))

"""What a Flink application needs besides lake.yaml: a jar with the connector on AWS, an installed Flink locally."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from lake.configuration.reading import Lake
from lake.shipped import FLINK_APP, PACKAGES

JAR = "LAKE_FLINK_JAR"
"""The variable that names the jar, if it is not where `make flink-jar` builds it."""
HOME = "LAKE_FLINK_HOME"
_BUILT = FLINK_APP / "target/pyflink-dependencies.jar"
_PARTS = {
    "the Kinesis connector": "org/apache/flink/connector/kinesis/",
    "the format of the events": "lake/events/EventFormatFactory.class",
}


def jar() -> Path:
    """The path of the jar with AWS's connector and the event format, whether or not it exists."""
    return Path(os.environ.get(JAR) or _BUILT)


def missing(lake: Lake) -> str:
    """Why this environment is deployed without its Flink applications; empty if nothing is missing."""
    streams = [name for name, stream in lake.config.streams.items() if stream.windows]
    if not streams or lake.environment.endpoint:
        return ""
    wrong = _wrong_with(jar())
    if not wrong:
        return ""
    whose = "the windows of " + ", ".join(streams)
    return f"{whose} are not deployed: {wrong}. Build the jar with `make flink-jar` (needs Maven), or set {JAR}"


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

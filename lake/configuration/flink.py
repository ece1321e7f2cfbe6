"""What a Flink application needs beside lake.yaml: on AWS a jar with the connector, here an installed Flink."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from lake.configuration.reading import Lake
from lake.shipped import FLINK_APP, PACKAGES

JAR = "LAKE_FLINK_JAR"
"""Names the jar, if it is not where `make flink-jar` leaves it."""
HOME = "LAKE_FLINK_HOME"
_BUILT = FLINK_APP / "target/pyflink-dependencies.jar"
_PARTS = {
    "the Kinesis connector": "org/apache/flink/connector/kinesis/",
    "the format of the events": "lake/events/EventFormatFactory.class",
}


def jar() -> Path:
    """Where the jar of AWS's connector and of the events' format is, or would be."""
    return Path(os.environ.get(JAR) or _BUILT)


def missing(lake: Lake) -> str:
    """Why the applications of this environment are left out of its deploy; empty where nothing is missing."""
    streams = [name for name, stream in lake.config.streams.items() if stream.windows]
    if not streams or lake.environment.endpoint:
        return ""
    wrong = _wrong_with(jar())
    if not wrong:
        return ""
    whose = "the windows of " + ", ".join(streams)
    return f"{whose} are left out on AWS: {wrong}. `make flink-jar` builds one with Maven, or {JAR} names one"


def _wrong_with(file: Path) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except FileNotFoundError:
        return f"there is no {file}"
    except (OSError, zipfile.BadZipFile):
        return f"{file} is no jar"
    lacks = [part for part, path in _PARTS.items() if not any(name.startswith(path) for name in names)]
    return f"{file} lacks {' and '.join(lacks)}" if lacks else ""


def is_installed() -> bool:
    """Whether the embedded AWS finds a Flink on this machine, so that a start does not begin with a long download."""
    folder = Path(os.environ.get(HOME) or PACKAGES / ".tools/flink")
    return any(folder.glob("lib/python*/site-packages/pyflink/lib"))

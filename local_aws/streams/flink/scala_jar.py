"""Builds the jar of a folder: its compiled `scala/*.scala`, and its `resources`."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
import zipfile
from pathlib import Path

from local_aws.streams.flink.home import Home

_ERROR = re.compile(r"\S*?([^/\s]+\.scala:\d+: error: .*)")


class CannotCompile(Exception):
    """The compiler failed; the message is its first error, with file and line."""


def jar_of(folder: Path, home: Home, cache: Path) -> Path:
    """Return the jar of a folder, from the cache if already compiled. Raises CannotCompile."""
    sources, resources = sorted((folder / "scala").rglob("*.scala")), folder / "resources"
    files = [*sources, *sorted(file for file in resources.rglob("*") if file.is_file())]
    content = b"\0".join(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes() for file in files)
    jar = cache / f"{hashlib.sha256(home.version.encode() + content).hexdigest()[:32]}.jar"
    if not jar.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            built = Path(scratch) / "classes.jar"
            _compile(sources, home, built)
            _add(resources, built)
            built.replace(jar)
    return jar


def _compile(sources: list[Path], home: Home, jar: Path) -> None:
    """Compile with Flink's own Scala compiler, which needs only a Java runtime."""
    # Halves the time: the compiler ends before Java's C2 compiler would pay off.
    compiler = [home.java, "-XX:TieredStopAtLevel=1", "-cp", str(home.scala), "scala.tools.nsc.Main", "-nobootcp"]
    words = [*compiler, "-cp", os.pathsep.join(map(str, home.jars)), "-d", str(jar), *map(str, sources)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        errors = _ERROR.findall(done.stdout + done.stderr)
        raise CannotCompile(errors[0] if errors else "the Scala compiler failed and did not say why")


def _add(resources: Path, jar: Path) -> None:
    with zipfile.ZipFile(jar, "a") as archive:
        for file in sorted(resources.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(resources).as_posix())

"""The process of a Scala run: compiles the script, unless that is already done, and then becomes its Spark job.

`python scala.py SCRIPT CACHE CLASS [ARGUMENT ...]`, with the compiler and the Spark inside pyspark.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark

SPARK = Path(pyspark.__file__).parent
_ERROR = re.compile(r"\S*?([^/\s]+\.scala:\d+: error: .*)")


def main() -> None:
    script, cache, class_, *arguments = sys.argv[1:]
    command = submit(compiled(Path(cache), Path(script)), class_, arguments)
    os.execve(command[0], command, {**os.environ, "SPARK_HOME": str(SPARK)})


def compiled(cache: Path, *scripts: Path) -> Path:
    """Return the jar of these scripts, from the cache if already compiled. Exits with the first compile error.

    Only one process at a time compiles into a cache: another may want the same jar.
    """
    content = b"".join(script.read_bytes() for script in scripts)
    jar = cache / f"{hashlib.sha256(pyspark.__version__.encode() + content).hexdigest()}.jar"
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache):
        if not jar.exists():
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                _compile(scripts, Path(folder) / "script.jar").replace(jar)
    return jar


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def submit(jar: Path, class_: str, arguments: list[str]) -> list[str]:
    """Return the command that runs a jar's main class; it needs SPARK_HOME.

    Its options are those that pyspark would give to spark-submit.
    """
    *options, _ = shlex.split(os.environ.get("PYSPARK_SUBMIT_ARGS", "pyspark-shell"))
    return [str(SPARK / "bin/spark-submit"), *options, "--class", class_, str(jar), *arguments]


def _compile(scripts: tuple[Path, ...], jar: Path) -> Path:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin/java") if home else "java"
    # Halves the time: the compiler ends before Java's C2 compiler would pay off.
    compiler = [java, "-XX:TieredStopAtLevel=1", "-cp", f"{SPARK}/jars/*", "scala.tools.nsc.Main", "-usejavacp"]
    done = subprocess.run(
        [*compiler, "-d", str(jar), *map(str, scripts)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    sys.stderr.write(done.stdout)
    if done.returncode:
        errors = _ERROR.findall(done.stdout) or ["the Scala compiler failed"]
        sys.exit(errors[0])
    return jar


if __name__ == "__main__":
    main()

"""Java's archive of the classes that Spark loads: a small run with it takes about two thirds of the processor time.

`python -m local_aws.jobs.class_archive FILE` makes it, for the Java, the Spark and the JDBC drivers of this machine.
Spark uses it where `SPARK_SUBMIT_OPTS` has `-XX:SharedArchiveFile=FILE`. Java ignores an archive of other jars.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from local_aws.credentials import Keys
from local_aws.jobs.process import environment
from local_aws.jobs.spark import write_configuration


def make(file: Path) -> None:
    """Write the archive.

    Raises:
        RuntimeError: the run of Spark failed. The message is what it printed.
    """
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        work = Path(folder)
        for name in ("tmp", "home"):
            (work / name).mkdir()
        archive = work / "classes.jsa"
        done = _typical_run(work, archive)
        if done.returncode or not archive.exists():
            raise RuntimeError(done.stdout)
        archive.replace(file)


def _typical_run(work: Path, archive: Path) -> subprocess.CompletedProcess[str]:
    write_configuration(work / "conf", work, {}, "")
    env = environment("http://127.0.0.1:9", Keys("none", "none"), "us-east-1", work, [])
    env |= {"SPARK_SUBMIT_OPTS": f"-XX:ArchiveClassesAtExit={archive}"}
    command = [sys.executable, str(Path(__file__).with_name("typical_run.py")), str(work)]
    # It ends when Java has closed its output, and so has written the archive.
    return subprocess.run(command, env=env, cwd=work, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def main() -> None:
    parser = argparse.ArgumentParser(prog="class_archive", description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="the archive to write, for example spark.jsa")
    file = parser.parse_args().file.absolute()
    try:
        make(file)
    except RuntimeError as error:
        log = file.with_suffix(".log")
        log.write_text(str(error))
        sys.exit(f"{file}: Spark does not run with this Java; its output is in {log}")


if __name__ == "__main__":
    main()

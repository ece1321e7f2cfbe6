"""A job's script as a child process: its command line, its environment, and its outcome."""

from __future__ import annotations

import ctypes
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from local_aws.credentials import Keys
from local_aws.job_user import JobUser

_SCALA = Path(__file__).with_name("scala.py")
_KEPT = ("PATH", "LD_LIBRARY_PATH", "JAVA_HOME", "SPARK_SUBMIT_OPTS")
_PR_SET_PDEATHSIG = 1
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
_PREFIX = re.compile(r'^(Exception in thread "main" |Caused by: |: )')
_EXCEPTION = re.compile(r"(Caused by: |: )?[\w.]*(Error|Exception|Exit|Interrupt)\b")
_FRAME = re.compile(r"\s+(at |\.\.\. \d+ more)")
_LOGGED = re.compile(r"[\d/-]+[T ][\d:]+ ")


class JobError(Exception):
    """The reason that a run failed; becomes its ErrorMessage."""


def command(script: Path, arguments: Mapping[str, str]) -> list[str]:
    """Return the command line as Glue makes it: every argument is a `--KEY value` pair."""
    return [sys.executable, str(script), *_words(arguments)]


def scala_command(script: Path, cache: Path, class_: str, arguments: Mapping[str, str]) -> list[str]:
    """Return the command for the Scala object `class_`; the compiled script is kept in the folder `cache`."""
    # -P: modules in this folder must not shadow Python's own.
    return [sys.executable, "-P", str(_SCALA), str(script), str(cache), class_, *_words(arguments)]


def environment(endpoint: str, keys: Keys, region: str, work: Path, libraries: list[Path]) -> dict[str, str]:
    """Nothing of the person's reaches a job but the variables in `_KEPT`: a home of its own, and this AWS only.

    It is in the session of its keys.
    """
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": keys.id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_SESSION_TOKEN": keys.token,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(work / "home"),
        "PYTHONPATH": os.pathsep.join(map(str, libraries)),
        "PYTHONUNBUFFERED": "1",
        "PYSPARK_PYTHON": sys.executable,
        # Not SPARK_CONF_DIR: Java shares no classes with a Spark that has a folder among its jars.
        "PYSPARK_SUBMIT_ARGS": f"--properties-file {shlex.quote(str(work / 'conf/spark-defaults.conf'))} pyspark-shell",
        "LOG4J_CONFIGURATION_FILE": str(work / "conf/log4j2.properties"),
        "SPARK_LOCAL_DIRS": str(work / "tmp"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "TMPDIR": str(work / "tmp"),
        "TZ": "UTC",
        # In other locales, Java silently finds no file with a non-ASCII name.
        "LC_ALL": "C.UTF-8",
    }


def require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if not (home and (Path(home) / "bin/java").exists()) and not shutil.which("java"):
        raise JobError("Spark needs Java and none was found: put a JDK 17 on the PATH or set JAVA_HOME to one.")


def require_modules(wanted: str) -> None:
    """Check the packages of --additional-python-modules, such as `duckdb==1.4.0,holidays`, which Glue would install.

    Raises:
        JobError: a package is not installed here in the wanted version.
    """
    for text in filter(None, (text.strip() for text in wanted.split(","))):
        found = _installed(text)
        if found != "":
            problem = f"its version here is {found}" if found else "it is not installed here"
            refusal = f"--additional-python-modules: {text}: {problem}, and the embedded AWS installs no packages."
            raise JobError(f"{refusal} Install it beside the project: pip install '{text}'")


def _installed(text: str) -> str | None:
    """Return empty if the package is installed as wanted; else the installed version, or None."""
    try:
        wanted = Requirement(text)
        installed = version(wanted.name)
    except (InvalidRequirement, PackageNotFoundError):
        return None
    return "" if wanted.specifier.contains(installed, prereleases=True) else installed


def spawn(words: list[str], env: Mapping[str, str], work: Path, user: JobUser | None = None) -> subprocess.Popen[bytes]:
    """Start a process group that ends with this process, and writes to `work/stdout` and `work/stderr`."""
    identity: dict[str, Any] = {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}
    # "x": create new files; never follow links that another process of the job's user made there.
    with (work / "stdout").open("xb") as out, (work / "stderr").open("xb") as err:
        return subprocess.Popen(
            words, cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            start_new_session=True, preexec_fn=_die_with_parent if _PRCTL else None, **identity,
        )  # fmt: skip


def wait(process: subprocess.Popen[bytes], seconds: float, tick: Callable[[], None]) -> bool:
    """Wait for the end, calling `tick` every second. After `seconds`, kill the process and return False."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        with suppress(subprocess.TimeoutExpired):
            process.wait(min(1.0, left))
            return True
        tick()
    kill(process)
    process.wait()
    return False


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its group: a script and the Java of its Spark."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def failure(status: int, stderr: str) -> str:
    """Return one line for ErrorMessage.

    Example:
        >>> failure(1, "Traceback ...\\nValueError: no such column\\n")
        'ValueError: no such column (exit code 1)'
    """
    if status < 0:
        return f"the process was killed by signal {-status} ({signal.Signals(-status).name})"
    lines = [line.rstrip() for line in stderr.splitlines() if line.strip() and not _LOGGED.match(line)]
    errors = _error_lines(_after_stacks(lines)) or _error_lines(lines)
    reason = _PREFIX.sub("", errors[-1]) if errors else "the script ended with an error"
    return f"{reason} (exit code {status})"


def _error_lines(lines: list[str]) -> list[str]:
    return [line for line in lines if _EXCEPTION.match(line)] or [line for line in lines if not line[0].isspace()]


def _after_stacks(lines: list[str]) -> list[str]:
    """Return the script's own last lines, after the stack traces that Java printed for earlier errors."""
    return lines[max((n for n, line in enumerate(lines, 1) if _FRAME.match(line)), default=0) :]


def _words(arguments: Mapping[str, str]) -> list[str]:
    return [word for pair in arguments.items() for word in pair]


def _die_with_parent() -> None:
    assert _PRCTL is not None
    _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)

"""`make scan`: checkov over every environment. A finding is mended, or stands in scan.toml with its reason.

The jar of the Flink applications need not be there: a synth looks at the names in it alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENVIRONMENTS = ("local", "dev", "prod")
SKIPS = Path(__file__).with_name("scan.toml")
_IN_THE_JAR = ("org/apache/flink/connector/kinesis/Source.class", "lake/events/EventFormatFactory.class")


@dataclass(frozen=True)
class Finding:
    """What checkov says of a resource in an environment."""

    env: str
    check: str
    name: str
    resource: str


@dataclass(frozen=True)
class Skip:
    """A check that may fail on some resources of some environments, and why."""

    check: str
    reason: str
    resources: str = ""
    environments: Sequence[str] = ENVIRONMENTS

    def covers(self, finding: Finding) -> bool:
        is_here = self.check == finding.check and finding.env in self.environments
        return is_here and bool(re.search(self.resources, finding.resource))


def skips(file: Path = SKIPS) -> list[Skip]:
    return [Skip(**entry) for entry in tomllib.loads(file.read_text())["skip"]]


def problems(findings: Sequence[Finding], allowed: Sequence[Skip]) -> list[str]:
    """What is wrong: findings that no skip covers, and skips that cover none."""
    left = [finding for finding in findings if not any(skip.covers(finding) for skip in allowed)]
    idle = [skip for skip in allowed if not any(skip.covers(finding) for finding in findings)]
    return [
        *(f"{f.env}: {f.resource}: {f.check} {f.name}. Mend it, or give a reason in {SKIPS.name}" for f in left),
        *(f"{SKIPS.name}: {skip.check} fails nowhere now: take the entry out" for skip in idle),
    ]


def scanned(env: str, root: Path, folder: Path) -> tuple[list[Finding], int]:
    """The findings in an environment, and how many checks passed. Raises SystemExit where a stack is not parsed."""
    out = folder / env
    surroundings = os.environ | {"LAKE_ENV": env, "CDKTF_OUTDIR": str(out), "LAKE_FLINK_JAR": str(_jar(folder))}
    _run([sys.executable, "main.py"], root, surroundings)
    command = ["checkov", "-d", str(out), "--framework", "terraform_json", "--skip-download", "-o", "json"]
    report = json.loads(_run(command, root, surroundings | {"LOG_LEVEL": "ERROR"}))
    summary = report["summary"]
    if summary["parsing_errors"]:
        sys.exit(f"{env}: checkov does not parse {', '.join(report['results']['parsing_errors'])}")
    return list(_findings(env, report["results"]["failed_checks"])), int(summary["passed"])


def _findings(env: str, failed: Iterable[dict[str, Any]]) -> Iterable[Finding]:
    for each in failed:
        yield Finding(env, each["check_id"], each["check_name"], each["resource"])


def _run(command: Sequence[str], root: Path, surroundings: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=root, env=surroundings, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):  # checkov ends with 1 where it finds something
        sys.exit(f"{' '.join(command)} ended with {done.returncode}")
    return done.stdout


def _jar(folder: Path) -> Path:
    jar = folder / "flink.jar"
    if not jar.exists():
        with zipfile.ZipFile(jar, "w") as archive:
            for name in _IN_THE_JAR:
                archive.writestr(name, "")
    return jar


def main() -> None:
    root, findings = Path.cwd(), list[Finding]()
    with tempfile.TemporaryDirectory() as folder:
        for env in ENVIRONMENTS:
            found, passed = scanned(env, root, Path(folder))
            findings += found
            print(f"{env}: {passed} passed, {len(found)} failed with a reason or without one", flush=True)
    wrong = problems(findings, skips())
    print("\n".join(wrong) or "No finding without a reason.")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

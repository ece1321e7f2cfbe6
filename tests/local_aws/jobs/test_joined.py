"""Line references to a script that was joined from several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_aws.jobs.joined import Joined

SCRIPT = """\
// Joined from scala/imports.scala
import scala.util.Try

// Joined from scala/transforms/filter.scala
/** The rows for which a condition is true. */
object Filter
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "RunJob.scala").write_text(SCRIPT)
    return tmp_path / "RunJob.scala"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("RunJob.scala:2: error: no", "scala/imports.scala:1: error: no"),
        ("RunJob.scala:6: error: no", "scala/transforms/filter.scala:2: error: no"),
        ("{folder}/RunJob.scala:5: warning: no", "scala/transforms/filter.scala:1: warning: no"),
        ("\tat Filter$.apply(RunJob.scala:6)", "\tat Filter$.apply(scala/transforms/filter.scala:2)"),
        ("count at RunJob.scala:6, RunJob.scala:2", "count at scala/transforms/filter.scala:2, scala/imports.scala:1"),
        ("MyRunJob.scala:6", "MyRunJob.scala:6"),
        ("other/RunJob.scala:6", "other/RunJob.scala:6"),
        ("RunJob.scala", "RunJob.scala"),
    ],
)
def test_a_line_of_the_script_is_reported_as_a_line_of_its_file(script: Path, said: str, told: str) -> None:
    assert Joined(script).located(said.format(folder=script.parent)) == told


def test_a_script_of_one_file_is_reported_unchanged(tmp_path: Path) -> None:
    (tmp_path / "Job.scala").write_text("object Job\n")
    assert Joined(tmp_path / "Job.scala").located("Job.scala:1: error: no") == "Job.scala:1: error: no"

"""Compiling Scala scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_aws.jobs.scala import compiled


def test_a_script_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, cache = tmp_path / "Job.scala", tmp_path / "cache"
    script.write_text("object Job { def main(args: Array[String]): Unit = println(1) }\n")
    jar = compiled(cache, script)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    assert compiled(cache, script) == jar
    assert list(cache.iterdir()) == [jar]
    script.write_text("object Job { def main(args: Array[String]): Unit = println(2) }\n")
    with pytest.raises(FileNotFoundError):
        compiled(cache, script)


def test_the_first_error_of_a_script_has_its_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "Job.scala"
    script.write_text("object Job {\n  val one: Int = none\n  val two: Int = nil\n}\n")
    with pytest.raises(SystemExit, match=r"^Job\.scala:2: error: not found: value none$"):
        compiled(tmp_path / "cache", script)
    assert "not found: value nil" in capfd.readouterr().err
    assert list((tmp_path / "cache").iterdir()) == []

"""`lake down` stops what works, and waits for its end before anything is destroyed."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lake.configuration.names import Names
from lake.configuration.reading import load
from lake.deploying import stopping
from lake.deploying.progress import Progress
from lake.errors import LakeError
from tests.lake.test_needs import answers
from tests.lake.test_workflows import LAKE


class Glue:
    """Glue with one crawl and one run, each of which takes some looks to end after it was stopped."""

    def __init__(self, looks: int) -> None:
        self.calls: list[str] = []
        self.left: dict[str, int] = defaultdict(lambda: looks)

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> dict[str, Any]:
            self.calls.append(operation)
            return {"Runs": [], "JobRuns": [], "Crawlers": []}

        return call

    def _state(self, what: str, going_on: str, ended: str) -> str:
        if what not in self.calls:
            return going_on
        self.left[what] -= 1
        return "STOPPING" if self.left[what] >= 0 else ended

    def batch_get_crawlers(self, **request: Any) -> dict[str, Any]:
        return {
            "Crawlers": [{"Name": request["CrawlerNames"][0], "State": self._state("stop_crawler", "RUNNING", "READY")}]
        }

    def get_job_runs(self, **request: Any) -> dict[str, Any]:
        return {"JobRuns": [{"Id": "jr_1", "JobRunState": self._state("batch_stop_job_run", "RUNNING", "STOPPED")}]}


def lake(folder: Path, glue: Any) -> Any:
    (folder / "lake.yaml").write_text(LAKE)
    return SimpleNamespace(lake=load(folder / "lake.yaml"), names=Names("shop", "local", "eu", "1"), glue=glue)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "POLL_SECONDS", 0)


def test_down_waits_until_crawls_and_runs_have_ended(tmp_path: Path) -> None:
    glue, shown = Glue(looks=3), set[str]()

    def show(progress: Progress) -> None:
        shown.update(progress.working)

    stopping.stop_work(lake(tmp_path, glue), ["catalog", "etl"], show)
    assert glue.left["stop_crawler"] < 0 and glue.left["batch_stop_job_run"] < 0
    assert shown == {"the crawler shop-local-orders stops", "the run jr_1 stops"}


def test_schedules_and_triggers_are_stopped_first(tmp_path: Path) -> None:
    glue = Glue(looks=0)
    stopping.stop_work(lake(tmp_path, glue), ["catalog", "etl"], lambda progress: None)
    assert "get_workflow_runs" in glue.calls
    assert glue.calls.index("stop_trigger") < glue.calls.index("get_workflow_runs") < glue.calls.index("stop_crawler")


def test_triggers_of_other_stacks_are_not_stopped(tmp_path: Path) -> None:
    glue = Glue(looks=0)
    stopping.stop_work(lake(tmp_path, glue), ["catalog"], lambda progress: None)
    assert "stop_trigger" not in glue.calls


def test_work_that_does_not_stop_is_listed_and_nothing_is_destroyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "STOP_SECONDS", -1)
    with pytest.raises(LakeError, match=r"the crawler shop-local-orders: still running .* Nothing was destroyed"):
        stopping.stop_work(lake(tmp_path, Glue(looks=9)), ["catalog"], lambda progress: None)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException"])
def test_a_refused_stop_is_reported(tmp_path: Path, code: str) -> None:
    class Refusing(Glue):
        def stop_crawler(self, **request: Any) -> None:
            raise answers(code)

    with pytest.raises(ClientError, match=code):
        stopping.stop_work(lake(tmp_path, Refusing(looks=0)), ["catalog"], lambda progress: None)


@pytest.mark.parametrize("code", ["EntityNotFoundException", "CrawlerNotRunningException", "CrawlerStoppingException"])
def test_work_that_is_not_running_needs_no_stop(tmp_path: Path, code: str) -> None:
    class Idle(Glue):
        def stop_crawler(self, **request: Any) -> None:
            self.calls.append("stop_crawler")
            raise answers(code)

    stopping.stop_work(lake(tmp_path, Idle(looks=0)), ["catalog"], lambda progress: None)

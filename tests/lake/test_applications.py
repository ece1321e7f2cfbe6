"""`lake stream stop` says so if an application runs on, as its savepoint failed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lake.configuration.names import Names
from lake.configuration.reading import load
from lake.errors import LakeError
from lake.running import applications
from tests.lake.test_windows import written


class Flink:
    """An application that is stopped, and whose operation ends so after some looks."""

    def __init__(self, status: str, after: str) -> None:
        self._states = ["RUNNING", "STOPPING", after]
        self._operations = ["IN_PROGRESS", status]

    def describe_application(self, **_: str) -> Any:
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        return {"ApplicationDetail": {"ApplicationStatus": state}}

    def stop_application(self, **_: Any) -> Any:
        return {"OperationId": "o1"}

    def describe_application_operation(self, **_: str) -> Any:
        status = self._operations.pop(0) if len(self._operations) > 1 else self._operations[0]
        details = {"OperationFailureDetails": {"ErrorInfo": {"ErrorString": "the disk is full"}}}
        return {"ApplicationOperationInfoDetails": {"OperationStatus": status, **details}}


def aws(folder: Path, flink: Flink) -> Any:
    lake = load(written(folder, "{seconds: 60}"))
    return SimpleNamespace(lake=lake, names=Names("shop", "local", "eu", "1"), flink=flink)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applications, "POLL_SECONDS", 0)


@pytest.mark.parametrize("state", ["RUNNING", "READY"])
def test_a_stop_whose_savepoint_failed_is_an_error_that_names_the_way_out(tmp_path: Path, state: str) -> None:
    with pytest.raises(LakeError) as refusal:
        applications.stop(aws(tmp_path, Flink("FAILED", state)), "orders", lambda *_: None, force=False)
    assert str(refusal.value) == (
        f"orders is {state}: the disk is full. Stop it without a savepoint: `lake stream stop orders --force`"
    )


def test_a_stop_that_took_its_savepoint_is_ready(tmp_path: Path) -> None:
    flink = Flink("SUCCESSFUL", "READY")
    assert applications.stop(aws(tmp_path, flink), "orders", lambda *_: None, force=False) == "READY"

"""Flink's REST interface of an application that runs here."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

_TIMEOUT = 10.0
_PATIENCE = 300.0
"""Seconds for which a Flink that is too busy to answer is asked for a snapshot."""


class NotAnswering(Exception):
    """The application's Flink does not answer: it has ended or not started yet."""


class Refused(NotAnswering):
    """Flink's answer is a refusal, which is the same however often it is asked."""


class SnapshotFailed(Exception):
    """The reason that Flink took no snapshot."""


class Rest:
    """Calls one application's Flink on a loopback port."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> Any:
        return self._answer(urllib.request.Request(self._base + path))

    def post(self, path: str, payload: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        return self._answer(urllib.request.Request(self._base + path, json.dumps(payload).encode(), headers))

    def _answer(self, request: urllib.request.Request) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
                return json.load(answer)
        except (OSError, HTTPException, ValueError) as error:
            is_refusal = isinstance(error, HTTPError) and error.code < HTTPStatus.INTERNAL_SERVER_ERROR
            raise (Refused if is_refusal else NotAnswering)(str(error)) from None

    def job(self) -> dict[str, Any] | None:
        """Return the job's overview: `jid`, `state`, `tasks`. None if no job was submitted yet."""
        jobs: list[dict[str, Any]] = self.get("/jobs/overview")["jobs"]
        return jobs[0] if jobs else None

    def snapshot(self, job: str, folder: str, *, stop: bool, is_alive: Callable[[], bool]) -> str:
        """Take a savepoint in a folder; with `stop`, also stop the job. Returns the savepoint's path.

        Args:
            is_alive: while it is true, a Flink that does not answer is asked again.

        Raises:
            NotAnswering: Flink has ended, or was silent for too long.
            SnapshotFailed: Flink reports a failure.
        """
        path = f"/jobs/{job}/{'stop' if stop else 'savepoints'}"
        wanted = {"targetDirectory": folder, "drain": False} if stop else {"target-directory": folder}
        wanted["triggerId"] = request = uuid.uuid4().hex  # the same snapshot, however often it is asked for
        self._patiently(lambda: self.post(path, wanted), is_alive)
        place = f"/jobs/{job}/savepoints/{request}"
        while (answer := self._patiently(lambda: self.get(place), is_alive))["status"]["id"] != "COMPLETED":
            time.sleep(0.1)
        if "location" not in answer["operation"]:
            raise SnapshotFailed(str(answer["operation"].get("failure-cause", {}).get("stack-trace", "")))
        return str(answer["operation"]["location"])

    def _patiently(self, ask: Callable[[], Any], is_alive: Callable[[], bool]) -> Any:
        """Raises NotAnswering."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return ask()
            except Refused:
                raise
            except NotAnswering:
                if not is_alive() or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def values(self, path: str, names: list[str]) -> dict[str, float]:
        """Return metrics under a path by name, without missing and non-numeric ones."""
        if not names:
            return {}
        found = self.get(f"{path}?get={','.join(map(quote, names))}")
        return {entry["id"]: float(entry["value"]) for entry in found if _is_number(entry.get("value", ""))}


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False

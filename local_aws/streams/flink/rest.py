"""Flink's REST interface of an application that runs here."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any
from urllib.parse import quote

_TIMEOUT = 10.0


class NotAnswering(Exception):
    """The application's Flink does not answer: it has ended or not started yet."""


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
        except (OSError, ValueError) as error:
            raise NotAnswering(str(error)) from None

    def job(self) -> dict[str, Any] | None:
        """Return the job's overview: `jid`, `state`, `tasks`. None if no job was submitted yet."""
        jobs: list[dict[str, Any]] = self.get("/jobs/overview")["jobs"]
        return jobs[0] if jobs else None

    def snapshot(self, job: str, folder: str, *, stop: bool) -> str:
        """Take a savepoint in a folder; with `stop`, also stop the job. Returns the savepoint's path.

        Raises:
            SnapshotFailed: Flink reports a failure.
        """
        path = f"/jobs/{job}/{'stop' if stop else 'savepoints'}"
        wanted = {"targetDirectory": folder, "drain": False} if stop else {"target-directory": folder}
        request = self.post(path, wanted)["request-id"]
        while (answer := self.get(f"/jobs/{job}/savepoints/{request}"))["status"]["id"] != "COMPLETED":
            time.sleep(0.1)
        if "location" not in answer["operation"]:
            raise SnapshotFailed(str(answer["operation"].get("failure-cause", {}).get("stack-trace", "")))
        return str(answer["operation"]["location"])

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

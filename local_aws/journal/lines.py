"""The journal of log lines: one line in a file per call, instead of a whole state.

Lines are merged into the state of their service before the emulator next loads it, with the acknowledged times. A
file of lines is deleted once a state that includes them is on disk.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from local_aws.context import ACCOUNT
from local_aws.journal.state import State, encoded, write
from local_aws.protocol import Document

MARK = "journal"
"""In a state: the number of the first file whose lines it does not include. The emulator ignores it."""


class Unreadable(Exception):
    """A state that lines belong to cannot be read; the message is one sentence with the way out."""


class Lines:
    """The files of lines of one service, `<key>.<number>.jsonl`. The last always exists: no number is used twice."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder, self._key = folder, key
        self._number = max((number for number, _ in _files(folder, key)), default=1)
        self._file: int | None = None
        self.size = 0

    def append(self, line: Document) -> None:
        """Append a line, all of it or nothing.

        Raises:
            OSError: the disk is full, or another failure.
        """
        if self._file is None:
            self._file = os.open(_path(self._folder, self._key, self._number), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        text = json.dumps(line).encode() + b"\n"
        written = 0
        try:
            while written < len(text):
                written += os.write(self._file, text[written:])
        except OSError:
            os.ftruncate(self._file, self.size)
            raise
        self.size += written

    def taken(self, state: State) -> Callable[[], None]:
        """Record that a state with all lines so far was taken. Returns the function to call once it is on disk."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._number, self.size = self._number + 1, 0
        _path(self._folder, self._key, self._number).touch()
        state[MARK] = number = self._number
        return lambda: _remove_before(self._folder, self._key, number)

    def are_in_a_state_since(self, moment: float) -> bool:
        """Whether the emulator wrote the state since `moment`: it then includes all lines, though it has no MARK."""
        path = self._folder / f"{self._key}.json"
        if not path.exists() or path.stat().st_mtime < moment:
            return False
        return MARK not in json.loads(path.read_text())["payload"]

    def drop(self) -> None:
        """Delete all lines: the emulator has stopped and its state is on disk."""
        self.taken({})()


def merge_all(folder: Path) -> None:
    """Merge the lines written since the last state, for every service that has any."""
    for key, merge in MERGES.items():
        files = _files(folder, key)
        if any(path.stat().st_size for _, path in files):
            state = _loaded(folder, key)
            first = state.get(MARK, 0)
            merge(state, [line for number, path in files if number >= first for line in _lines(path)])
            state[MARK] = number = files[-1][0] + 1
            _path(folder, key, number).touch()
            write(folder, key, encoded(key, state))
            _remove_before(folder, key, number)


def _loaded(folder: Path, key: str) -> State:
    """Load with the emulator's own reader, which may only be imported after its settings are set."""
    state: State | None = import_module("ministack.core.persistence").load_state(key)
    if state is None and (file := folder / f"{key}.json").exists():
        raise Unreadable(f"{file} cannot be read: put it back from a copy, or move it away to begin without it")
    return state or {}


def log_line(action: str, region: str, asked: Document) -> Document:
    """Return the line of a CreateLogStream or PutLogEvents call."""
    return {
        "region": region,
        "group": asked["logGroupName"],
        "stream": asked["logStreamName"],
        "time": int(time.time() * 1000),
        "id": uuid.uuid4().hex,
        "events": asked.get("logEvents", []),
        "creates": action == "CreateLogStream",
    }


def _merge_logs(state: State, lines: list[Document]) -> None:
    for line in lines:
        group = _kept(state, "log_groups", line["region"], line["group"])
        if group is None:
            continue
        if line["creates"]:
            group["streams"].setdefault(line["stream"], _new_stream(line["time"]))
        elif line["stream"] in group["streams"]:
            _merge_events(state, group["streams"][line["stream"]], line)


def _new_stream(time: int) -> Document:
    empty = ("firstEventTimestamp", "lastEventTimestamp", "lastIngestionTime")
    return {"events": [], "uploadSequenceToken": "1", "creationTime": time, **dict.fromkeys(empty)}


def _merge_events(state: State, stream: Document, line: Document) -> None:
    for number, event in enumerate(line["events"]):
        pointer, at, message = f"{line['id']}-{number}", event.get("timestamp", line["time"]), event.get("message", "")
        stored = {"timestamp": at, "message": message, "ingestionTime": line["time"], "eventId": pointer}
        stream["events"].append(stored)
        record = {"@ptr": pointer, "@timestamp": _written_out(at), "@message": message, "_timestamp_ms": at}
        record |= {"@log": line["group"], "@logStream": line["stream"]}
        state["log_records"].set_scoped(ACCOUNT, line["region"], pointer, record)
    if line["events"]:
        stream["events"].sort(key=lambda event: event["timestamp"])
        stream["firstEventTimestamp"] = stream["events"][0]["timestamp"]
        stream["lastEventTimestamp"] = stream["events"][-1]["timestamp"]
        stream["lastIngestionTime"] = line["time"]
    stream["uploadSequenceToken"] = str(int(stream["uploadSequenceToken"]) + 1)


def _written_out(milliseconds: int) -> str:
    """Format a time like Logs Insights: `2026-11-27 05:21:14.000`."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(seconds))}.{rest:03d}"


MERGES: dict[str, Callable[[State, list[Document]], None]] = {
    "cloudwatch_logs": _merge_logs,
}


def _kept(state: State, place: str, region: str, name: str) -> Any:
    return state[place].get_scoped(ACCOUNT, region, name) if place in state else None


def _path(folder: Path, key: str, number: int) -> Path:
    return folder / f"{key}.{number}.jsonl"


def _files(folder: Path, key: str) -> list[tuple[int, Path]]:
    """Return the files of lines in the order they were written."""
    return sorted((int(path.name.split(".")[-2]), path) for path in folder.glob(f"{key}.*.jsonl"))


def _lines(path: Path) -> Iterator[Document]:
    """Yield every complete line: the last one may be cut off, and was then not acknowledged."""
    for text in path.read_bytes().splitlines(keepends=True):
        if text.endswith(b"\n"):
            yield json.loads(text)


def _remove_before(folder: Path, key: str, number: int) -> None:
    for old, path in _files(folder, key):
        if old < number:
            path.unlink(missing_ok=True)

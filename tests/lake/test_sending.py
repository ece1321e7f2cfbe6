"""`lake send`: at its rate, each event once, whatever comes between."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from lake.data import sending
from lake.data.events import Event, at_a_rate, at_their_pace, time_column
from lake.data.records import Key
from lake.data.sending import Ledger, Sender, due_together
from lake.errors import BadInput, LakeError

HERE = EndpointConnectionError(endpoint_url="http://here")


class Clock:
    """Time that passes only where somebody waits for it, or a call takes it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


class Kinesis:
    """A stream of one shard. `answers` are what comes of the next calls: an error, or the places that are refused.

    An error of the kind `(True, error)` comes after the records were written; they are there after `delay` seconds.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.lines: list[int] = []
        self.arrived: list[float] = []
        self.answers: list[Any] = []
        self.is_silent = 0
        self.delay = 0.0
        self.calls = 0

    def put(self, stream: str, records: list[dict[str, Any]]) -> list[dict[str, str]]:
        self.calls += 1
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        was_written, answer = answer if isinstance(answer, tuple) else (False, answer)
        results = []
        for place, record in enumerate(records):
            is_refused = not was_written and place in answer
            if not is_refused:
                self.lines.append(Key.line_of(record["PartitionKey"]) or 0)
                self.arrived.append(self.clock() + (self.delay if was_written else 0))
            results.append({"ErrorCode": "Throttled"} if is_refused else {"SequenceNumber": "1"})
        if was_written:
            raise answer
        return results


@pytest.fixture
def kinesis() -> Kinesis:
    return Kinesis()


@pytest.fixture
def begin(tmp_path: Path, kinesis: Kinesis, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sender]:
    """`begin(resume)`: what a command has that sends the file `events.jsonl`."""
    lake = SimpleNamespace(root=tmp_path, deployment="local")
    aws: Any = SimpleNamespace(lake=lake, names=SimpleNamespace(stream=str), once=lambda service: kinesis)
    monkeypatch.setattr(sending.time, "sleep", kinesis.clock.pause)
    monkeypatch.setattr(sending.time, "time", kinesis.clock)
    monkeypatch.setattr(sending, "Puts", lambda client: client)

    def stored(aws: Any, stream: str, since: float) -> Any:
        if kinesis.is_silent:
            kinesis.is_silent -= 1
            raise HERE
        run = Ledger(aws, "s").runs[-1].id
        found = [
            line for line, at in zip(kinesis.lines, kinesis.arrived, strict=True) if since <= at <= kinesis.clock()
        ]
        return (("shard", {"PartitionKey": str(Key(run, line))}) for line in found)

    monkeypatch.setattr(sending, "records", stored)

    def begun(*, resume: bool = False) -> Sender:
        ledger, file = Ledger(aws, "s"), tmp_path / "events.jsonl"
        run = ledger.unfinished(file) if resume else ledger.begin(file)
        return Sender(aws, "s", ledger, run)

    return begun


def written(path: Path, count: int) -> Path:
    file = path / "events.jsonl"
    file.write_text("".join(json.dumps({"n": number}) + "\n" for number in range(1, count + 1)))
    return file


def test_slow_calls_do_not_change_the_rate() -> None:
    clock = Clock()
    events = (Event(number, b"", number / 1000) for number in range(3000))
    calls, sent = 0, 0
    for batch in due_together(events, clock, clock.pause):
        clock.pause(0.05)
        calls, sent = calls + 1, sent + len(batch)
    assert sent == 3000
    assert 2.9 < clock.now - 100 < 3.1
    assert calls < 70


def test_due_events_are_sent_in_batches_of_500() -> None:
    clock = Clock()
    sizes = [len(batch) for batch in due_together((Event(n, b"", 0.0) for n in range(1200)), clock, clock.pause)]
    assert sizes == [500, 500, 200]


def test_a_call_does_not_exceed_the_size_limit_of_kinesis() -> None:
    clock = Clock()
    events = (Event(number, b"x" * 1_000_000, 0.0) for number in range(10))
    assert [len(batch) for batch in due_together(events, clock, clock.pause)] == [4, 4, 2]


def test_events_at_their_pace_are_spaced_by_their_times(tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    times = ["2013-01-01T05:00:00Z", "2013-01-01T05:00:30+00:00", "2013-01-01 05:00:15", "2013-01-01T05:02:00Z"]
    file.write_text("".join(json.dumps({"t": time}) + "\n" for time in times))
    assert [event.due for event in at_their_pace(file, "t", 10)] == [0.0, 3.0, 1.5, 12.0]
    assert [event.due for event in at_their_pace(file, "t", 10, start=2)] == [0.0, 10.5]


def test_every_event_is_sent_once_in_order(tmp_path: Path, begin: Callable[..., Sender], kinesis: Kinesis) -> None:
    file = written(tmp_path, 1200)
    sender = begin()
    assert list(sender.send(at_a_rate(file, 1e9))) == [500, 1000, 1200]
    assert kinesis.lines == list(range(1, 1201))


def test_refused_records_are_sent_again_first(tmp_path: Path, begin: Callable[..., Sender], kinesis: Kinesis) -> None:
    kinesis.answers = [{1, 3}, {0}, set()]
    file = written(tmp_path, 600)
    sender = begin()
    list(sender.send(at_a_rate(file, 1e9)))
    assert kinesis.lines[:500] == [1, 3, *range(5, 501), 4, 2]
    assert kinesis.lines[500:] == list(range(501, 601))
    assert sender.retried == 3


@pytest.mark.parametrize("was_written", [False, True])
@pytest.mark.parametrize("silent", [0, 3])
def test_an_unanswered_call_is_repeated_only_for_missing_records(
    tmp_path: Path, begin: Callable[..., Sender], kinesis: Kinesis, was_written: bool, silent: int
) -> None:
    """Also where the stream does not say at first what is there, as it is still away."""
    kinesis.answers = [set(), (True, HERE) if was_written else HERE]
    kinesis.is_silent = silent
    file = written(tmp_path, 1200)
    list(begin().send(at_a_rate(file, 1e9)))
    assert kinesis.lines == list(range(1, 1201))


@pytest.mark.parametrize("killed_after_writing", [False, True])
def test_a_killed_send_is_resumed_without_loss_or_duplicates(
    tmp_path: Path, begin: Callable[..., Sender], kinesis: Kinesis, killed_after_writing: bool
) -> None:
    file = written(tmp_path, 1700)
    kill = KeyboardInterrupt()
    kinesis.answers = [set(), (True, kill) if killed_after_writing else HERE]
    monkey = begin()
    if not killed_after_writing:
        monkey._missing = lambda batch: (_ for _ in ()).throw(kill)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        list(monkey.send(at_a_rate(file, 1e9)))
    again = begin(resume=True)
    list(again.send(at_a_rate(file, 1e9, again._run.done)))
    assert kinesis.lines == list(range(1, 1701))
    with pytest.raises(BadInput, match="without --resume"):
        begin(resume=True)


def test_a_send_that_is_interrupted_twice_is_resumed_without_loss_or_duplicates(
    tmp_path: Path, begin: Callable[..., Sender], kinesis: Kinesis
) -> None:
    file, kill = written(tmp_path, 1200), KeyboardInterrupt()
    kinesis.answers = [(True, kill)]
    with pytest.raises(KeyboardInterrupt):
        list(begin().send(at_a_rate(file, 1e9)))
    kinesis.clock.pause(3600)
    kinesis.answers = [(True, kill)]
    with pytest.raises(KeyboardInterrupt):
        list((again := begin(resume=True)).send(at_a_rate(file, 1e9, again._run.done)))
    kinesis.clock.pause(3600)

    last = begin(resume=True)
    list(last.send(at_a_rate(file, 1e9, last._run.done)))

    assert kinesis.lines == list(range(1, 1201))


def test_a_call_that_was_lost_and_is_carried_out_later_is_not_repeated(
    tmp_path: Path, begin: Callable[..., Sender], kinesis: Kinesis
) -> None:
    file = written(tmp_path, 600)
    kinesis.answers, kinesis.delay = [(True, HERE)], 3.0
    list(begin().send(at_a_rate(file, 1e9)))
    assert kinesis.lines == list(range(1, 601))


def test_a_changed_file_is_not_resumed(tmp_path: Path, begin: Callable[..., Sender], kinesis: Kinesis) -> None:
    file = written(tmp_path, 600)
    kinesis.answers = [set(), (True, KeyboardInterrupt())]
    with pytest.raises(KeyboardInterrupt):
        list(begin().send(at_a_rate(file, 1e9)))
    written(tmp_path, 700)
    with pytest.raises(BadInput, match="was changed after 500 of its lines were sent"):
        begin(resume=True)


def test_a_stream_that_refuses_all_events_is_given_up(
    tmp_path: Path, begin: Callable[..., Sender], kinesis: Kinesis
) -> None:
    kinesis.answers = [{0}] * 50
    file = written(tmp_path, 10)
    with pytest.raises(LakeError, match="did not accept 1 events: it accepts fewer events per second"):
        list(begin().send(at_a_rate(file, 1e9)))
    assert kinesis.calls == sending.ATTEMPTS


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [("ResourceNotFoundException", 400, "lake up streaming"), ("AccessDeniedException", 400, "refuses events: no")],
)
def test_a_permanent_error_is_not_retried(
    tmp_path: Path, begin: Callable[..., Sender], kinesis: Kinesis, code: str, status: int, says: str
) -> None:
    error: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    kinesis.answers = [ClientError(error, "PutRecords")]
    file = written(tmp_path, 10)
    with pytest.raises(LakeError, match=says):
        list(begin().send(at_a_rate(file, 1e9)))
    assert kinesis.calls == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "line 2: is not JSON from character 2 on"),
        (b'{"a": 1}{"a": 2}', "line 2: is not JSON from character 9 on"),
        (b"", "line 2: is not JSON from character 1 on"),
        (b"[1]", "line 2: an event must be a JSON object. Given: [1]"),
        (b"\xff", "line 2: is not UTF-8 text"),
        (json.dumps({"x": "y" * 1024 * 1024}).encode(), "line 2: has 1,048,585 bytes. Kinesis allows at most"),
    ],
)
def test_an_invalid_line_is_reported(tmp_path: Path, line: bytes, says: str) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(b'{"a": 1}\n' + line + b"\n")
    with pytest.raises(BadInput) as refused:
        list(at_a_rate(file, 1))
    assert says in str(refused.value)


def test_an_event_without_a_time_is_refused_with_pace(tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_text('{"t": "soon"}\n')
    with pytest.raises(BadInput, match="line 1: t is not a time: 'soon'"):
        list(at_their_pace(file, "t", 1))


def test_pace_uses_the_first_timestamp_column() -> None:
    stream: Any = SimpleNamespace(columns={"a": "int", "b": "timestamp", "c": "timestamp"})
    assert time_column("s", stream) == "b"
    with pytest.raises(BadInput, match="Use --rate"):
        time_column("s", SimpleNamespace(columns={"a": "int"}))  # type: ignore[arg-type]

"""The log of a shard in its files: old files are deleted, and what a kill cut off is dropped."""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path

import pytest

from local_aws.streams.kinesis import log as logs
from local_aws.streams.kinesis.log import Log

HOUR = 3_600_000


def pairs(numbers: range) -> list[tuple[bytes, bytes]]:
    return [(b"k%d" % number, b"%d" % number) for number in numbers]


def numbers(log: Log, position: int = 1, horizon: int = 0) -> list[int]:
    return [int(data) for block in log.read(position, horizon) for _, data in block.pairs()]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time in milliseconds, as the only element."""
    moment = [1_000 * HOUR]
    monkeypatch.setattr(logs, "now", lambda: moment[0])
    return moment


def test_another_process_reads_the_log_and_appends_to_it(tmp_path: Path) -> None:
    first = Log(tmp_path)
    assert [first.append(pairs(range(3))), first.append(pairs(range(3, 5)))] == [1, 4]
    first.close()
    second = Log(tmp_path)
    assert second.append(pairs(range(5, 6))) == 6
    assert numbers(second) == list(range(6))


@pytest.mark.parametrize("cut", [1, 20, 29, 40])
def test_a_block_cut_off_by_a_kill_is_dropped_and_its_position_reused(tmp_path: Path, cut: int) -> None:
    log = Log(tmp_path)
    log.append(pairs(range(3)))
    (file,) = tmp_path.glob("*.log")
    whole = file.stat().st_size
    log.append(pairs(range(3, 6)))
    log.close()
    os.truncate(file, whole + cut)
    again = Log(tmp_path)
    assert numbers(again) == [0, 1, 2]
    assert again.append(pairs(range(7, 8))) == 4
    again.close()
    assert numbers(Log(tmp_path)) == [0, 1, 2, 7]


def test_a_corrupt_block_ends_the_log(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.append(pairs(range(3)))
    log.append(pairs(range(3, 6)))
    log.close()
    (file,) = tmp_path.glob("*.log")
    with file.open("r+b") as bytes_:
        bytes_.seek(-1, os.SEEK_END)
        bytes_.write(b"?")
    assert numbers(Log(tmp_path)) == [0, 1, 2]


def test_files_are_deleted_when_all_records_have_expired_and_positions_stay(tmp_path: Path, clock: list[int]) -> None:
    log = Log(tmp_path)
    for hour in range(5):
        log.append(pairs(range(hour * 10, hour * 10 + 10)))
        clock[0] += HOUR
    assert len(list(tmp_path.glob("*.log"))) == 5
    horizon = clock[0] - 2 * HOUR
    log.expire(horizon)
    assert len(list(tmp_path.glob("*.log"))) == 2
    assert numbers(log) == numbers(log, 35 - 34) == list(range(30, 50))
    assert numbers(log, 36) == list(range(35, 50))
    log.expire(clock[0] + HOUR)
    assert numbers(log, horizon=clock[0]) == []
    assert log.append(pairs(range(50, 51))) == 51


def test_expired_records_are_not_read_though_their_file_exists(tmp_path: Path, clock: list[int]) -> None:
    log = Log(tmp_path)
    for number in range(6):
        log.append(pairs(range(number, number + 1)))
        clock[0] += HOUR // 10
    horizon = 1_000 * HOUR + 3 * HOUR // 10
    assert numbers(log, horizon=horizon) == [3, 4, 5]
    assert log.position_at(horizon) == 4
    assert log.position_at(clock[0]) == log.end == 7


def test_a_clock_that_goes_back_keeps_the_order_of_records(tmp_path: Path, clock: list[int]) -> None:
    log = Log(tmp_path)
    log.append(pairs(range(1)))
    clock[0] -= HOUR
    log.append(pairs(range(1, 2)))
    arrived = [block.arrived for block in log.read(1, 0)]
    assert arrived == [1_000 * HOUR] * 2


def test_any_position_of_a_large_log_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "SEGMENT_BYTES", 100_000)
    log = Log(tmp_path)
    for start in range(0, 2000, 7):
        log.append([(b"k", b"%d" % number + b" " * 200) for number in range(start, min(2000, start + 7))])
    assert len(list(tmp_path.glob("*.log"))) > 3
    for position in (1, 2, 7, 8, 500, 1001, 1999, 2000):
        assert numbers(log, position) == list(range(position - 1, 2000))
    assert numbers(log, log.end) == []


def test_a_call_on_a_full_disk_stores_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(tmp_path)
    log.append(pairs(range(2)))
    write = os.write

    def half(file: int, data: bytes) -> int:
        if len(data) < 60:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space left"):
        log.append(pairs(range(2, 20)))
    monkeypatch.setattr(os, "write", write)
    assert log.append(pairs(range(2, 3))) == 3
    log.close()
    assert numbers(Log(tmp_path)) == [0, 1, 2]


def test_no_record_is_passed_over_that_arrives_while_a_time_is_looked_up(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.append(pairs(range(1)))
    looked_up, is_over, interval = list[tuple[int, int]](), threading.Event(), sys.getswitchinterval()

    def look_up() -> None:
        while not is_over.is_set():
            at = logs.now()
            looked_up.append((at, log.position_at(at)))

    reader = threading.Thread(target=look_up)
    sys.setswitchinterval(1e-6)
    try:
        reader.start()
        for _ in range(4000):
            log.append(pairs(range(1)))
    finally:
        is_over.set()
        reader.join()
        sys.setswitchinterval(interval)
    arrivals = [block.arrived for block in log.read(1, 0)]
    assert [found for at, found in looked_up if found > 1 and arrivals[found - 2] >= at] == []

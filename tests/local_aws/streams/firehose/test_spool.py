"""The files of a delivery stream's buffer."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from local_aws.streams.block import Block
from local_aws.streams.firehose.records import Record
from local_aws.streams.firehose.spool import Spool
from local_aws.streams.firehose.takeover import take_over
from local_aws.streams.kinesis.shard import sequence_number

SOURCES = [f"49{1_700_000_000_000 + number:014d}{number:012d}" for number in range(2)]


def block(numbers: range, arrived: int = 5) -> Block:
    """Return a block whose records hold their positions."""
    return Block.of(((b"key", b"%d" % number) for number in numbers), numbers.start, arrived)


def reopened(folder: Path) -> list[Record]:
    return [record for segment in Spool(folder).waiting() for record in segment.records()]


def test_blocks_are_records_again_with_shard_and_sequence_number(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([block(range(1, 3)), block(range(3, 4))], SOURCES[0])
    spool.append([block(range(9, 10), arrived=6)], SOURCES[1])
    spool.append([block(range(1))])
    spool.close_segment()
    (segment,) = spool.waiting()

    assert [(record.data, record.arrived) for record in segment.records()] == [
        *((b"1", 5), (b"2", 5), (b"3", 5)),
        *((b"9", 6), (b"0", 5)),
    ]
    assert [record.sequence for record in segment.records()] == [
        *(sequence_number(SOURCES[0], position) for position in (1, 2, 3)),
        *(sequence_number(SOURCES[1], 9), ""),
    ]
    assert segment.last_places() == {
        "shardId-000000000000": sequence_number(SOURCES[0], 3),
        "shardId-000000000001": sequence_number(SOURCES[1], 9),
    }


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_block_cut_off_by_a_kill_is_none_of_the_records(tmp_path: Path, cut: int) -> None:
    spool = Spool(tmp_path)
    spool.append([block(range(3))])
    (file,) = tmp_path.iterdir()
    whole = file.stat().st_size
    spool.append([block(range(3, 6))])
    os.truncate(file, whole + cut)

    assert [record.data for record in reopened(tmp_path)] == [b"0", b"1", b"2"]


def test_records_of_an_earlier_version_are_delivered(tmp_path: Path) -> None:
    places = [f"shardId-000000000001:{sequence_number(SOURCES[1], 7)}", ""]
    written = [struct.pack(">QHI", 5, len(place), 2) + place.encode() + b"ab" for place in places]
    (tmp_path / "000000000001-x.records").write_bytes(b"".join(written) + written[0][:-1])
    take_over(tmp_path)

    assert reopened(tmp_path) == [Record(5, b"ab", SOURCES[1], 7), Record(5, b"ab")]
    assert [path.name for path in tmp_path.iterdir()] == ["000000000001-x.blocks"]


def test_a_part_of_a_block_keeps_its_positions() -> None:
    whole = block(range(5, 10))

    assert whole.between(5, 10) is whole
    assert whole.between(7, 9) == block(range(7, 9))
    assert whole.between(1, 6).pairs() == [(b"key", b"5")]
    assert (whole.end, whole.size) == (10, 5 * 4)

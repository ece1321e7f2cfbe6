"""Folders from when the emulator kept the streams: the first start moves them to our files."""

from __future__ import annotations

import ast
import base64
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local_aws.protocol import Document
from local_aws.streams.kinesis.lifecycle import DEFAULT_RECORD_KIB, PROVISIONED
from local_aws.streams.kinesis.registry import Streams
from local_aws.streams.kinesis.stream import Stream

_BATCH = 1000

Pair = tuple[bytes, bytes]


def take_over(streams: Streams, state: Path) -> None:
    """Run before the emulator reads its state. If it is interrupted, the next start repeats it.

    Sequence numbers are new, and the records' retention starts again.
    """
    file = state / "kinesis.json"
    lines = sorted(state.glob("kinesis.*.jsonl"), key=lambda path: int(path.name.split(".")[1]))
    if file.exists():
        document = json.loads(file.read_text()).get("payload", {})
        first = document.get("journal", 0)
        later = [line for path in lines if int(path.name.split(".")[1]) >= first for line in _lines(path)]
        for place, old in document.get("streams", {}).get("data", {}).items():
            _, region, name = place.split("\0", 2)
            _move(streams, region, ast.literal_eval(name), old, later)
    for path in (file, *lines):
        path.unlink(missing_ok=True)


def _move(streams: Streams, region: str, name: str, old: Document, later: list[Document]) -> None:
    for half_moved in [stream for stream in streams.all(region) if stream.name == name]:
        streams.delete(half_moved)
    stream = streams.create(
        region,
        name,
        len(old["shards"]),
        mode=old.get("StreamModeDetails", {}).get("StreamMode", PROVISIONED),
        retention_hours=old["RetentionPeriodHours"],
        encryption=old.get("EncryptionType", "NONE"),
        key_id=old.get("KeyId", ""),
        tags=old.get("tags", {}),
        metrics=[],
        record_kib=DEFAULT_RECORD_KIB,
    )
    pairs = [pair for shard in old["shards"].values() for pair in _kept(shard)]
    lines = [line for line in later if (line["region"], line["stream"]) == (region, name)]
    newer = [_pair(key, data) for line in lines for *_, key, data in line["records"]]
    _append(stream, [*pairs, *newer])


def _append(stream: Stream, pairs: list[Pair]) -> None:
    by_shard: defaultdict[int, list[Pair]] = defaultdict(list)
    for key, data in pairs:
        by_shard[stream.shard_of_key(key).number].append((key, data))
    for shard in stream.open_shards:
        mine = by_shard[shard.number]
        for start in range(0, len(mine), _BATCH):
            shard.log.append(mine[start : start + _BATCH])


def _kept(shard: Document) -> Iterator[Pair]:
    return (_pair(record["PartitionKey"], record["Data"]) for record in shard["records"])


def _pair(key: str, data: str) -> Pair:
    return key.encode(), base64.b64decode(data)


def _lines(path: Path) -> Iterator[Any]:
    """Yield the lines. The last one may be cut off, and was then not acknowledged."""
    return (json.loads(text) for text in path.read_bytes().splitlines(keepends=True) if text.endswith(b"\n"))

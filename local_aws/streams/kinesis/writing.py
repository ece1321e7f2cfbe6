"""PutRecord and PutRecords: when they answer, the records are in the logs of their shards."""

from __future__ import annotations

import binascii
import errno
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from local_aws.context import ACCOUNT
from local_aws.disk import no_space, not_kept
from local_aws.protocol import AwsError, Call, Document
from local_aws.streams.kinesis.hashing import SPACE, hash_key
from local_aws.streams.kinesis.limits import Allowance
from local_aws.streams.kinesis.metrics import Metrics
from local_aws.streams.kinesis.registry import Streams
from local_aws.streams.kinesis.shard import Shard
from local_aws.streams.kinesis.stream import Stream

MOST_RECORDS = 500
MOST_BYTES = 10 * 1024 * 1024
LONGEST_KEY = 256
_NUMBER = re.compile(r"0|[1-9]\d{0,38}")
_THROTTLED = "ProvisionedThroughputExceededException"


class _Entry(NamedTuple):
    """A record to write: its hash key, its partition key in UTF-8, its data, and the bytes of both."""

    hash: int
    key: bytes
    data: bytes
    size: int


class Writer:
    """Puts records into streams.

    Args:
        limited: whether shards of a provisioned stream refuse what exceeds their throughput.
    """

    def __init__(self, streams: Streams, metrics: Metrics, *, limited: bool) -> None:
        self._streams, self._metrics, self._limited = streams, metrics, limited
        self._allowances: defaultdict[tuple[Path, int], Allowance] = defaultdict(Allowance)

    def put_record(self, call: Call) -> Document:
        stream = self._streams.of(call)
        (result,) = self._put(stream, [_entry(call.payload, _most(stream))])
        if "ErrorCode" in result:
            raise AwsError(result["ErrorCode"], result["ErrorMessage"])
        return {**result, "EncryptionType": stream.settings["encryption"]}

    def put_records(self, call: Call) -> Document:
        stream = self._streams.of(call)
        given = call.payload.get("Records") or []
        if not 1 <= len(given) <= MOST_RECORDS:
            raise _invalid("records", f"Member must have length between 1 and {MOST_RECORDS}")
        most = _most(stream)
        entries = [_entry(record, most) for record in given]
        if sum(entry.size for entry in entries) > MOST_BYTES:
            raise AwsError("InvalidArgumentException", f"Records size exceeds {MOST_BYTES // 1024**2} MiB.")
        results = self._put(stream, entries)
        failed = sum("ErrorCode" in result for result in results)
        return {"FailedRecordCount": failed, "Records": results, "EncryptionType": stream.settings["encryption"]}

    def _put(self, stream: Stream, entries: list[_Entry]) -> list[Document]:
        """Return a result for each entry, in order."""
        results: list[Document] = [{}] * len(entries)
        taken: defaultdict[int, list[int]] = defaultdict(list)
        with stream.lock:
            stream.need_there()
            self._streams.need_room(sum(entry.size for entry in entries))
            is_limited = self._limited and stream.settings["mode"] == "PROVISIONED"
            for place, entry in enumerate(entries):
                shard = stream.shard_of(entry.hash)
                if is_limited and not self._takes(stream, shard, entry):
                    results[place] = _throttled(stream, shard)
                else:
                    taken[shard.number].append(place)
            for shard in stream.open_shards:
                if places := taken.get(shard.number):
                    first = _append(self._streams.root, shard, [entries[place] for place in places])
                    for position, place in enumerate(places, first):
                        results[place] = {"SequenceNumber": shard.sequence(position), "ShardId": shard.id}
        written = [entries[place] for places in taken.values() for place in places]
        self._metrics.wrote(stream, len(written), sum(entry.size for entry in written), len(entries) - len(written))
        return results

    def _takes(self, stream: Stream, shard: Shard, entry: _Entry) -> bool:
        return self._allowances[stream.folder, shard.number].takes(entry.size)


def _most(stream: Stream) -> int:
    """Return the maximum bytes of a record."""
    return int(stream.settings["record_kib"]) * 1024


def _entry(record: dict[str, Any], most: int) -> _Entry:
    """Raises AwsError for a record that AWS would refuse."""
    key = record.get("PartitionKey") or ""
    if not 1 <= len(key) <= LONGEST_KEY:
        raise _invalid("partitionKey", f"Member must have length between 1 and {LONGEST_KEY}")
    encoded, data = key.encode(), _bytes(record.get("Data", b""))
    size = len(encoded) + len(data)
    if size > most:
        raise _invalid("data", f"Member must have length less than or equal to {most}")
    return _Entry(_hash(encoded, record.get("ExplicitHashKey")), encoded, data, size)


def _hash(key: bytes, explicit: str | None) -> int:
    if explicit is None:
        return hash_key(key)
    if not _NUMBER.fullmatch(explicit) or int(explicit) >= SPACE:
        message = "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was"
        raise AwsError("InvalidArgumentException", f"{message} {explicit}")
    return int(explicit)


def _bytes(data: str | bytes) -> bytes:
    """Decode the data: JSON has Base64, CBOR has bytes."""
    if isinstance(data, bytes):
        return data
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except ValueError:
        raise AwsError("SerializationException", "Data is not Base64.") from None


def _append(root: Path, shard: Shard, entries: list[_Entry]) -> int:
    """Raises AwsError if the disk does not accept them."""
    try:
        return shard.log.append([(entry.key, entry.data) for entry in entries])
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_space(root) from None
        raise not_kept(f"{root} cannot be written: {error.strerror}") from None


def _throttled(stream: Stream, shard: Shard) -> Document:
    message = f"Rate exceeded for shard {shard.id} in stream {stream.name} under account {ACCOUNT}."
    return {"ErrorCode": _THROTTLED, "ErrorMessage": message}


def _invalid(field: str, rule: str) -> AwsError:
    message = f"1 validation error detected: Value at '{field}' failed to satisfy constraint: {rule}"
    return AwsError("ValidationException", message)

"""The first start of this version takes over the streams that the emulator kept before."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from local_aws.store import Store
from local_aws.streams.kinesis.registry import Streams
from local_aws.streams.kinesis.takeover import take_over


def record(number: int) -> dict[str, Any]:
    data = base64.b64encode(b"%d" % number).decode()
    return {"SequenceNumber": f"{number:030d}", "PartitionKey": str(number), "Data": data}


def old_folder(folder: Path) -> Path:
    stream = {
        "StreamName": "s",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "RetentionPeriodHours": 48,
        "EncryptionType": "KMS",
        "KeyId": "alias/k",
        "tags": {"a": "b"},
        "shards": {
            "shardId-000000000000": {"records": [record(1), record(2)]},
            "shardId-000000000001": {"records": []},
        },
    }
    streams = {"__account_region_scoped__": True, "data": {"000000000000\0eu-west-1\0's'": stream}}
    folder.mkdir()
    (folder / "kinesis.json").write_text(json.dumps({"payload": {"streams": streams, "journal": 2}}))
    old, new = (
        {"region": "eu-west-1", "stream": "s", "records": [["shard", "1", str(n), record(n)["Data"]]]} for n in (2, 3)
    )
    (folder / "kinesis.1.jsonl").write_text(json.dumps(old) + "\n")
    (folder / "kinesis.2.jsonl").write_text(json.dumps(new) + "\n" + '{"cut off')
    return folder


def test_streams_of_an_older_version_are_taken_over_once_with_their_records(tmp_path: Path) -> None:
    state, store = old_folder(tmp_path / "state"), Store(tmp_path / "engines.sqlite")
    streams = Streams(store, tmp_path / "kinesis")
    take_over(streams, state)
    take_over(streams, state)
    (stream,) = Streams(store, tmp_path / "kinesis").all()
    found = [int(data) for shard in stream.shards for block in shard.log.read(1, 0) for _, data in block.pairs()]
    assert (stream.region, stream.name, len(stream.open_shards), sorted(found)) == ("eu-west-1", "s", 2, [1, 2, 3])
    settings = {name: stream.settings[name] for name in ("retention_hours", "encryption", "key_id", "tags")}
    assert settings == {"retention_hours": 48, "encryption": "KMS", "key_id": "alias/k", "tags": {"a": "b"}}
    assert list(state.iterdir()) == []

#!/usr/bin/env bash
# ministack 1.5.33 (PyPI): UpdateShardCount discards the records of a Kinesis stream.
#
# On AWS, a reshard closes the old shards and keeps their records readable until the retention ends: a consumer reads
# the parents to their end, then the children. The emulator replaces the shards with new, empty ones of the same names,
# so a consumer that then reads from TRIM_HORIZON gets none of the records acknowledged before.
#
# Observed output:
#   before: 1 shards, 10 records
#   after: 2 shards, 0 records
set -euo pipefail
cd "$(mktemp -d)"
trap 'kill "$(cat pid)" 2>/dev/null || true; rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install ministack==1.5.33 hypercorn==0.18.0 boto3==1.43.106
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export GATEWAY_PORT=$port BIND_HOST=127.0.0.1 IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 DOCKER_HOST=unix:///nonexistent
venv/bin/hypercorn -b "127.0.0.1:$port" ministack.app:app >log 2>&1 &
echo $! >pid
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/_ministack/health" >/dev/null && break; sleep 0.1; done
cat >show.py <<'PY'
import sys

import boto3

keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
kinesis = boto3.client("kinesis", endpoint_url=f"http://127.0.0.1:{sys.argv[1]}", **keys)


def read():
    shards = kinesis.list_shards(StreamName="clicks")["Shards"]
    found = 0
    for shard in shards:
        place = {"StreamName": "clicks", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(**place)["ShardIterator"]
        found += len(kinesis.get_records(ShardIterator=iterator)["Records"])
    return f"{len(shards)} shards, {found} records"


kinesis.create_stream(StreamName="clicks", ShardCount=1)
kinesis.put_records(StreamName="clicks", Records=[{"Data": b"x", "PartitionKey": str(n)} for n in range(10)])
print("before:", read())
kinesis.update_shard_count(StreamName="clicks", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
print("after:", read())
PY
diff <(venv/bin/python show.py "$port") - <<'SEEN'
before: 1 shards, 10 records
after: 2 shards, 0 records
SEEN
echo "as stated"

#!/usr/bin/env bash
# ministack 1.5.33 (PyPI): GetPartitions ignores Expression and MaxResults and returns all partitions.
#
# Glue's GetPartitions takes an Expression over the partition keys and MaxResults, and returns pages. The emulator
# ignores both without an error. A reader that prunes by the catalog, as Athena and Spark do, then reads every
# partition, and one that trusts the response counts rows of partitions that it excluded. DeletePartition of a missing
# partition succeeds, where Glue raises EntityNotFoundException.
#
# Observed output:
#   Expression year = '2026': ['2025', '2026']
#   MaxResults 1: 2 partitions, a next page: False
#   DeletePartition of 1999: 200
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
glue = boto3.client("glue", endpoint_url=f"http://127.0.0.1:{sys.argv[1]}", **keys)
table = {"DatabaseName": "shop", "TableName": "orders"}
year = [{"Name": "year", "Type": "string"}]
glue.create_database(DatabaseInput={"Name": "shop"})
glue.create_table(DatabaseName="shop", TableInput={"Name": "orders", "PartitionKeys": year})
for value in ("2025", "2026"):
    glue.create_partition(**table, PartitionInput={"Values": [value]})
found = glue.get_partitions(**table, Expression="year = '2026'")["Partitions"]
print("Expression year = '2026':", [partition["Values"][0] for partition in found])
page = glue.get_partitions(**table, MaxResults=1)
print(f"MaxResults 1: {len(page['Partitions'])} partitions, a next page: {'NextToken' in page}")
gone = glue.delete_partition(**table, PartitionValues=["1999"])
print("DeletePartition of 1999:", gone["ResponseMetadata"]["HTTPStatusCode"])
PY
diff <(venv/bin/python show.py "$port") - <<'SEEN'
Expression year = '2026': ['2025', '2026']
MaxResults 1: 2 partitions, a next page: False
DeletePartition of 1999: 200
SEEN
echo "as stated"

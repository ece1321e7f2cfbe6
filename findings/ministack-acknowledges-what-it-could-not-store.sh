#!/usr/bin/env bash
# ministack 1.5.33 (PyPI): an upload that could not be written to disk is answered with 200.
#
# With S3_PERSIST=1 objects are files. When the write fails (a full disk, a quota, here a limit on the size of files),
# the emulator logs a warning, keeps the body in memory and acknowledges the upload. GET returns the object until the
# next start, after which it is lost. A test that reads an object back passes for as long as the process runs.
#
# Observed output:
#   PUT 200
#   GET 1000000 bytes
#   after a restart: 404
set -euo pipefail
cd "$(mktemp -d)"
trap 'kill "$(cat pid)" 2>/dev/null || true; rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install ministack==1.5.33 hypercorn==0.18.0
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
export GATEWAY_PORT=$port BIND_HOST=127.0.0.1 IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 DOCKER_HOST=unix:///nonexistent
export S3_PERSIST=1 S3_DATA_DIR=$PWD/s3 PERSIST_STATE=1 STATE_DIR=$PWD/state

start() {
    # Limits the server's files to 500 KB (ulimit counts blocks of 1,024 bytes).
    (ulimit -f 500; exec venv/bin/hypercorn -b "127.0.0.1:$port" ministack.app:app >>log 2>&1) &
    echo $! >pid
    for _ in $(seq 100); do curl -sf "$url/_ministack/health" >/dev/null && return; sleep 0.1; done
    cat log
    return 1
}

head -c 1000000 /dev/zero >body
start
curl -s -o /dev/null -X PUT "$url/bucket"
{
    echo "PUT $(curl -s -o /dev/null -w '%{http_code}' -T body "$url/bucket/object")"
    echo "GET $(curl -s "$url/bucket/object" | wc -c) bytes"
} >seen
kill "$(cat pid)"
wait "$(cat pid)" 2>/dev/null || true
start
echo "after a restart: $(curl -s -o /dev/null -w '%{http_code}' "$url/bucket/object")" >>seen
diff seen - <<'SEEN'
PUT 200
GET 1000000 bytes
after a restart: 404
SEEN
echo "as stated"

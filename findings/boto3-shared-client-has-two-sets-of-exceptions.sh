#!/usr/bin/env bash
# boto3 1.43.106: two threads that are the first to use `client.exceptions` get different classes of the same name.
#
# boto3's guide says that threads may share a client. A client makes its exception classes when `exceptions` is first
# read, without a lock. Threads that read it at the same time each make a set, and the client keeps the last one. So a
# thread may hold `client.exceptions.ResourceNotFoundException` while the client raises another class of that name, and
# `except` or `contextlib.suppress` lets it through. It is rare, and only at the first error of a new client. Reading
# `client.exceptions` once before the client is shared, or comparing `error.response["Error"]["Code"]`, avoids it.
#
# Observed output:
#   read by 8 threads: some errors were not caught
#   read once before: all errors were caught
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install boto3==1.43.106 botocore==1.43.106
cat >show.py <<'PY'
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import boto3
from botocore.awsrequest import AWSResponse

THREADS = 8
sys.setswitchinterval(1e-6)  # Threads meet often, so that one run shows what is rare


class Body:
    def stream(self, *_, **__):
        yield b'{"__type": "ResourceNotFoundException", "message": "no such group"}'


def answer(**_):
    return AWSResponse("http://logs", 400, {"content-type": "application/x-amz-json-1.1"}, Body())


def caught(read_before):
    client = boto3.client("logs", region_name="eu-west-1", aws_access_key_id="k", aws_secret_access_key="s")
    client.meta.events.register("before-send.*", answer)
    if read_before:
        client.exceptions
    together = Barrier(THREADS)

    def call(_):
        together.wait()
        missing = client.exceptions.ResourceNotFoundException
        try:
            client.delete_log_group(logGroupName="g")
        except missing:
            return True
        except Exception as error:
            assert type(error).__name__ == missing.__name__, error
            return False

    with ThreadPoolExecutor(THREADS) as pool:
        return all(list(pool.map(call, range(THREADS))))


def seen(read_before, trials=40):
    return "all errors were" if all(caught(read_before) for _ in range(trials)) else "some errors were not"


print(f"read by {THREADS} threads: {seen(False)} caught")
print(f"read once before: {seen(True)} caught")
PY
diff <(venv/bin/python show.py) - <<'SEEN'
read by 8 threads: some errors were not caught
read once before: all errors were caught
SEEN
echo "as stated"

"""Files into the raw zone: whatever their size and name, and however often a server says no at first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lake.aws import Aws
from lake.configuration.reading import load
from lake.data import zones
from lake.data.uploads import SMALL, Uploads
from lake.data.zones import Upload
from lake.errors import LakeError
from tests.embedded import lend_keys


def _login(folder: Path, endpoint: str) -> Aws:
    (folder / "lake.yaml").write_text(
        f"project: uploads\nenvironments: {{local: {{endpoint: '{endpoint}', region: us-east-1}}}}\n"
        "datasets: {notes: {format: csv}}\n"
    )
    return Aws(load(folder / "lake.yaml"))


@pytest.fixture
def login(tmp_path: Path, endpoint: str) -> Aws:
    lend_keys(endpoint, tmp_path)
    return _login(tmp_path, endpoint)


def test_small_and_large_files_with_any_name_are_uploaded_unchanged(
    login: Aws, aws: Callable[[str], Any], tmp_path: Path
) -> None:
    bodies = {"empty": b"", "a b+c%2F~é?#.csv": b"1\n", "n" * 240: b"2\n", "big": b"x" * (SMALL + 1)}
    s3, bucket = aws("s3"), login.names.bucket("raw")
    s3.create_bucket(Bucket=bucket)
    for name, body in bodies.items():
        (tmp_path / name).write_bytes(body)
    list(zones.put(login, [Upload(tmp_path / name, f"notes/{name}") for name in bodies]))
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert {o["Key"]: s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read() for o in listed} == {
        f"notes/{name}": body for name, body in bodies.items()
    }
    head = s3.head_object(Bucket=bucket, Key="notes/empty", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == "AAAAAA=="
    assert zones.empty(login, bucket) == len(bodies)
    s3.delete_bucket(Bucket=bucket)


def test_a_missing_bucket_is_reported(login: Aws, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"does not exist\. Deploy it first: `lake up storage`"):
        list(zones.put(login, [Upload(tmp_path / "lake.yaml", "notes/a.csv")]))


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[tuple[str, list[bytes]]]:
    """An S3 that has no time for the first two requests, and what it has taken since."""
    taken: list[bytes] = []
    asked = iter(range(100))

    class Busy(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_busy = next(asked) < 2
            if not is_busy:
                taken.append(body)
            self.send_response(503 if is_busy else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()
    server.server_close()


def test_a_busy_server_is_retried(busy: tuple[str, list[bytes]], endpoint: str, tmp_path: Path) -> None:
    address, taken = busy
    lend_keys(endpoint, tmp_path)
    (tmp_path / "a.csv").write_bytes(b"1,2\n")
    Uploads(_login(tmp_path, address), "any-bucket").put(tmp_path / "a.csv", "notes/a.csv")
    assert [body for body in taken if b"1,2\n" in body]


class Busy:
    """An S3 that is too busy for the first objects of each call, and lists versions of a thousand keys a page."""

    def __init__(self, keys: int, busy: int, code: str = "SlowDown") -> None:
        self.there = {f"k{number}" for number in range(keys)}
        self.busy, self.code, self.lock = busy, code, threading.Lock()

    def get_paginator(self, _: str) -> Busy:
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        keys = sorted(self.there)
        for start in range(0, len(keys), 1000):
            page = keys[start : start + 1000]
            yield {"Versions": [{"Key": key, "VersionId": "1", "IsLatest": True, "Size": 1} for key in page]}

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        with self.lock:
            refused = Delete["Objects"][: self.busy]
            self.busy = max(0, self.busy - len(refused))
            self.there -= {each["Key"] for each in Delete["Objects"][len(refused) :]}
            return {"Errors": [{**each, "Code": self.code, "Message": "Slow down."} for each in refused]}


@pytest.fixture
def slow(login: Aws, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Busy]:
    monkeypatch.setattr(zones, "BACKOFF_SECONDS", 0)

    def make(keys: int, busy: int, code: str = "SlowDown") -> Busy:
        login.__dict__["s3"] = Busy(keys, busy, code)
        return login.s3  # type: ignore[return-value]

    return make


def test_a_bucket_of_many_pages_is_emptied_and_tells_how_far_it_is(login: Aws, slow: Callable[..., Busy]) -> None:
    s3, told = slow(25_400, 0), list[int]()
    assert zones.empty(login, "b", told.append) == 25_400
    assert s3.there == set()
    assert told == sorted(told)
    assert (len(told), told[-1]) == (26, 25_400)


def test_objects_that_s3_was_too_busy_for_are_tried_again(login: Aws, slow: Callable[..., Busy]) -> None:
    s3 = slow(3000, 700)
    assert zones.empty(login, "b") == 3000
    assert s3.there == set()


@pytest.mark.parametrize(
    ("refused", "code", "message"),
    [
        (10**6, "SlowDown", "S3 is too busy to delete 1000 objects. Run the command again"),
        (1, "AccessDenied", "b: 1 objects were not deleted. First: k0: AccessDenied: Slow down"),
    ],
)
def test_objects_that_stay_are_named(
    login: Aws, slow: Callable[..., Busy], refused: int, code: str, message: str
) -> None:
    slow(1000, refused, code)
    with pytest.raises(LakeError, match=message):
        zones.empty(login, "b")

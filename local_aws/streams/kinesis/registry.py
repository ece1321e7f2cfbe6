"""All streams: their documents are in the store, their records in files."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_aws.context import ACCOUNT
from local_aws.disk import need_room
from local_aws.protocol import AwsError, Call
from local_aws.store import Store
from local_aws.streams.kinesis.stream import Stream, new_stream

_COLLECTION = "kinesis_streams"


class Streams:
    """The streams by region and name."""

    def __init__(self, store: Store, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._store, self._folder = store, folder
        self._lock = threading.Lock()
        self._streams = {key: self._restored(key, document) for key, document in store.all(_COLLECTION).items()}
        self._remove_the_nameless()

    def all(self, region: str | None = None) -> list[Stream]:
        """Return the streams, sorted by name."""
        with self._lock:
            found = [stream for stream in self._streams.values() if region in (None, stream.region)]
        return sorted(found, key=lambda stream: stream.name)

    def of(self, call: Call) -> Stream:
        """Return the stream that a call names, by StreamName or StreamARN. Raises AwsError if there is none."""
        arn = call.payload.get("StreamARN")
        name = call.payload.get("StreamName") or (arn and name_of(call, str(arn)))
        if not name:
            raise AwsError("InvalidArgumentException", "StreamName or StreamARN must be provided.")
        return self.named(call.region, name)

    def named(self, region: str, name: str) -> Stream:
        if stream := self._streams.get(_key(region, name)):
            return stream
        raise AwsError("ResourceNotFoundException", f"Stream {name} under account {ACCOUNT} not found.")

    def in_folder(self, folder: str) -> Stream:
        """Return the stream of an iterator. Raises AwsError if it was deleted."""
        region, _, life = folder.partition("/")
        stream = self.named(region, life.rpartition(".")[0])
        if str(stream.folder.relative_to(self._folder)) != folder:
            raise AwsError("ResourceNotFoundException", f"The stream {stream.name} was deleted and created again.")
        return stream

    def place(self, stream: Stream) -> str:
        """Return the key that `in_folder` finds it by."""
        return str(stream.folder.relative_to(self._folder))

    def create(self, region: str, name: str, count: int, **settings: object) -> Stream:
        """Raises AwsError if the name is taken or the disk is full."""
        self.need_room()
        with self._lock:
            if _key(region, name) in self._streams:
                raise AwsError("ResourceInUseException", f"Stream {name} under account {ACCOUNT} already exists.")
            stream = new_stream(self._folder, region, name, count, **settings)
            self.save(stream)
            self._streams[_key(region, name)] = stream
        return stream

    @property
    def root(self) -> Path:
        """Return the folder of the embedded AWS, for error messages."""
        return self._folder.parent

    def need_room(self, size: int = 0) -> None:
        """Raises AwsError if `size` bytes and a reserve are not free."""
        need_room(self.root, size)

    @contextmanager
    def changing(self, stream: Stream) -> Iterator[None]:
        """Change and save a stream, all or nothing. Raises AwsError if it was deleted or the disk is full."""
        with stream.lock, stream.whole_change():
            stream.need_there()
            yield
            self.save(stream)

    def save(self, stream: Stream) -> None:
        """Raises AwsError if the disk is full."""
        self.need_room()
        self._store.put(_COLLECTION, _key(stream.region, stream.name), stream.document())

    def expire(self, stream: Stream) -> None:
        """Drop what is older than the stream's retention."""
        with stream.lock:
            if stream.expire() and not stream.is_gone:
                self.save(stream)

    def delete(self, stream: Stream) -> None:
        """Delete the document first: after a kill, the next start removes records without one."""
        with self._lock, stream.lock:
            self._store.delete(_COLLECTION, _key(stream.region, stream.name))
            self._streams.pop(_key(stream.region, stream.name), None)
            stream.is_gone = True
            stream.close()
            shutil.rmtree(stream.folder, ignore_errors=True)

    def _restored(self, key: str, document: dict[str, object]) -> Stream:
        region, _, name = key.partition("/")
        return Stream(self._folder, region, name, **document)  # type: ignore[arg-type]

    def _remove_the_nameless(self) -> None:
        known = {stream.folder for stream in self._streams.values()}
        for folder in self._folder.glob("*/*"):
            if folder not in known:
                shutil.rmtree(folder, ignore_errors=True)


def name_of(call: Call, arn: str) -> str:
    """Return the name in a stream's ARN. Raises AwsError if it is not of this region and account."""
    prefix = f"arn:aws:kinesis:{call.region}:{ACCOUNT}:stream/"
    name = arn.removeprefix(prefix)
    if not arn.startswith(prefix) or "/" in name or not name:
        raise AwsError("ResourceNotFoundException", f"Stream {arn} under account {ACCOUNT} not found.")
    return name


def _key(region: str, name: str) -> str:
    return f"{region}/{name}"

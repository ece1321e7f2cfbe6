"""What every engine gets: clients of this AWS, the store, and the mirror of S3."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local_aws.credentials import Keys
from local_aws.events import Events
from local_aws.job_user import JobUser
from local_aws.mirror import Mirror, Source
from local_aws.store import Store

ACCOUNT = "000000000000"
BUFFER_SPEED = 60.0
"""The default: a minute of Firehose's buffers takes a second."""
_MAKING = threading.Lock()
"""boto3 sessions are not thread-safe while they make clients."""
_CONFIG = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 3}, max_pool_connections=32)


@dataclass(frozen=True)
class Context:
    """The environment of the engines.

    Attributes:
        endpoint: where this AWS listens, for example `http://127.0.0.1:4566`.
        folder: the one folder that holds all its data.
        keys: the keys that its own clients sign with.
        was_killed: whether the last process with this folder did not stop cleanly.
        job_user: the user that jobs run as, if not the user of this process.
        buffer_speed: how many times faster than AWS's the clock of Firehose's buffers runs.
    """

    endpoint: str
    folder: Path
    keys: Keys
    store: Store
    mirror: Mirror
    was_killed: bool = False
    events: Events = field(default_factory=Events)
    job_user: JobUser | None = None
    buffer_speed: float = BUFFER_SPEED

    @classmethod
    def at(
        cls,
        endpoint: str,
        folder: Path,
        keys: Keys,
        objects: Source | None = None,
        *,
        was_killed: bool = False,
        job_user: JobUser | None = None,
        buffer_speed: float = BUFFER_SPEED,
    ) -> Context:
        """Return a context. `objects`: where the mirror reads objects; by default from the endpoint."""
        store = Store(folder / "engines.sqlite")
        mirror = Mirror(client("s3", endpoint, keys), folder / "mirror", store, objects)
        return cls(endpoint, folder, keys, store, mirror, was_killed, job_user=job_user, buffer_speed=buffer_speed)

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """Return a boto3 client of this AWS."""
        return client(service, self.endpoint, self.keys, region)


@cache
def client(service: str, endpoint: str, keys: Keys, region: str = "us-east-1") -> Any:
    """Return a boto3 client, made once: creating one is slower than most calls, and threads can share it."""
    with _MAKING:
        return _session(keys).client(service, region, endpoint_url=endpoint, config=_CONFIG)


@cache
def _session(keys: Keys) -> Any:
    """Return one session for all clients, because each session holds AWS's full list of endpoints: several MB."""
    return boto3.session.Session(keys.id, keys.secret, region_name="us-east-1")

"""What every engine gets: clients of this AWS, the store, and the mirror of S3."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local_aws.credentials import Keys
from local_aws.events import Events
from local_aws.faults import OWN_CALLS
from local_aws.job_user import JobUser
from local_aws.keyring import Keyring
from local_aws.mirror import Mirror, Source
from local_aws.permissions.access import Access, denied
from local_aws.permissions.calls import Asked
from local_aws.permissions.mirror import CheckedMirror
from local_aws.permissions.principals import ACCOUNT as ACCOUNT
from local_aws.permissions.principals import AWS, Principal, role_arn
from local_aws.protocol import Document
from local_aws.store import Store

BUFFER_SPEED = 60.0
"""The default: a minute of Firehose's buffers takes a second."""
_MAKING = threading.Lock()
"""A session makes one client at a time."""
_CONFIG = Config(
    s3={"addressing_style": "path"},
    retries={"max_attempts": 3},
    max_pool_connections=32,
    user_agent_extra=OWN_CALLS,
)


@dataclass(frozen=True)
class Context:
    """The environment of the engines.

    Attributes:
        endpoint: where this AWS listens, for example `http://127.0.0.1:4566`.
        folder: the one folder that holds all its data.
        keys: what its own clients sign with: those of whoever the engine acts as.
        caller: whoever that is; the embedded AWS itself, where it is no other.
        keyring: gives out keys of others to act as; None outside the process that answers, which acts as one.
        access: evaluates what they may do; None where everybody may do everything.
        was_killed: the last process that had the folder did not stop cleanly.
        job_user: as whom jobs run, if that is not the user of this process.
        buffer_speed: how many times faster than AWS's the clock of Firehose's buffers runs.
    """

    endpoint: str
    folder: Path
    keys: Keys
    keyring: Keyring | None
    store: Store
    mirror: Mirror
    caller: Principal = AWS
    access: Access | None = None
    was_killed: bool = False
    events: Events = field(default_factory=Events)
    job_user: JobUser | None = None
    buffer_speed: float = BUFFER_SPEED
    _own: Context | None = field(default=None, repr=False)
    _sessions: dict[Principal, Context] = field(default_factory=dict, repr=False)

    @classmethod
    def at(
        cls,
        endpoint: str,
        folder: Path,
        keys: Keys,
        objects: Source | None = None,
        *,
        was_killed: bool = False,
        is_server: bool = False,
        enforces_iam: bool = False,
        job_user: JobUser | None = None,
        buffer_speed: float = BUFFER_SPEED,
    ) -> Context:
        """
        Args:
            objects: where the mirror reads them; by default the endpoint.
            is_server: the process is the one that answers at the endpoint, so its engines have keys of their own.
            enforces_iam: policies are evaluated.
        """
        store = Store(folder / "engines.sqlite")
        keyring = Keyring(keys, store, folder) if is_server else None
        own = keyring.issue(AWS) if keyring else keys
        mirror = Mirror(client("s3", endpoint, own), folder / "mirror", store, objects)
        access = Access(lambda service, region: client(service, endpoint, own, region)) if enforces_iam else None
        return cls(
            *(endpoint, folder, own, keyring, store, mirror),
            access=access,
            was_killed=was_killed,
            job_user=job_user,
            buffer_speed=buffer_speed,
        )

    def client(self, service: str, region: str = "us-east-1", *, seconds: int | None = None) -> Any:
        """Return a boto3 client of this AWS. With `seconds`, an answer may take so long, and no call is repeated."""
        return client(service, self.endpoint, self.keys, region, seconds)

    def acting(self, caller: Principal, token: str = "") -> Context:
        """The same for somebody else: its clients sign, and its mirror reads, as this caller with its token."""
        own = self.of_aws
        if self.keyring is None or caller == AWS or (caller.is_root and not token):
            return own
        if token:
            return own._for(caller, token)
        with _MAKING:  # One for all that a caller does: making clients takes long.
            if caller not in self._sessions:
                self._sessions[caller] = own._for(caller)
            return self._sessions[caller]

    def _for(self, caller: Principal, token: str = "") -> Context:
        assert self.keyring is not None
        mirror = CheckedMirror(self.mirror, self.access, caller) if self.access else self.mirror
        return replace(self, keys=self.keyring.issue(caller, token), caller=caller, mirror=mirror, _own=self)

    def need(self, action: str, region: str, resources: Iterable[str]) -> None:
        """As if the caller had asked AWS for these resources, by their ARNs. Raises ClientError."""
        if self.access and self.caller != AWS:
            self.access.check(self.caller, action, resources, region)

    def need_call(self, service: str, action: str, region: str, given: Document) -> None:
        """As if the caller had made this call, with these parameters. Raises ClientError."""
        if self.access and self.caller != AWS:
            self.access.check_call(self.caller, Asked(service, action, region, given))

    @property
    def of_aws(self) -> Context:
        """That of the services themselves: for what they ask no permission of anybody for."""
        return self._own or self

    def acting_as(self, role: str, service: str, session: str, *, source: str = "", token: str = "") -> Context:
        """As `acting`, in a session of a role that a service takes for a resource.

        Args:
            role: its ARN or name.
            service: for example `glue`.
            source: the ARN of the resource.

        Raises:
            ClientError: the role is not there, or does not let the service take it.
        """
        if self.access and (why := self.access.refused_role(role, service, source)):
            raise denied(why, "AssumeRole")
        return self.acting(Principal.of_session(role_arn(role), session), token)

    @contextmanager
    def in_session(self, role: str, service: str, session: str, source: str, token: str) -> Iterator[Context]:
        """As `acting_as`, with keys of its own that open nothing any more once the block ends."""
        acting = self.acting_as(role, service, session, source=source, token=token)
        try:
            yield acting
        finally:
            if acting.keyring and acting._own:
                acting.keyring.revoke(acting.keys)


@lru_cache(maxsize=256)
def client(service: str, endpoint: str, keys: Keys, region: str = "us-east-1", seconds: int | None = None) -> Any:
    """A boto3 client; made once, as making one takes longer than most calls and all threads can share it."""
    signing = {
        "aws_access_key_id": keys.id,
        "aws_secret_access_key": keys.secret,
        "aws_session_token": keys.token or None,
    }
    once = Config(read_timeout=seconds, retries={"total_max_attempts": 1}) if seconds else None
    config = _CONFIG.merge(once) if once else _CONFIG
    with _MAKING:
        made = _session().client(service, region, endpoint_url=endpoint, config=config, **signing)
    # Two threads that were the first to ask for them would get two sets of classes, of which one is never raised.
    made.exceptions  # noqa: B018
    return made


@cache
def _session() -> Any:
    """One for all clients, as each holds AWS's whole list of endpoints: several MB."""
    return boto3.session.Session(region_name="us-east-1")

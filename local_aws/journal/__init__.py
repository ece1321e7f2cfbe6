"""The journal: a call's changes are on disk before the call is answered.

The emulator writes its state only when it stops. This application stands directly in front of it, so that every call
passes through, including calls by engines. It holds an answer back until the state of its service is written or, for
log lines, until they are in a journal. A kill of the process at any time then loses nothing that was acknowledged.
(docs/adr/0019-state-before-the-answer.md)
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from local_aws.disk import no_space, not_kept
from local_aws.gateway import AsgiApp, Receive, Scope, Send, again, read_body
from local_aws.journal.lines import MERGES, Lines, log_line
from local_aws.journal.refusal import refuse
from local_aws.journal.requests import Effect, Request, has_form, request_of
from local_aws.journal.room import Room
from local_aws.journal.state import State, States, keys_of, loaded_states
from local_aws.journal.uploads import Uploads
from local_aws.owner import Owner
from local_aws.protocol import AwsError

SHARE = 0.05
"""The maximum share of time spent on saving what is not saved before an answer."""
LONGEST_LINES = 16 * 1024 * 1024
"""Bytes of lines from which on a full state replaces them, if they are also larger than it."""

log = logging.getLogger("local_aws.journal")


class Journal:
    """The emulator's ASGI application; it answers once the acknowledged changes are on disk."""

    def __init__(self, emulator: AsgiApp, folder: Path, owner: Owner) -> None:
        self._emulator = emulator
        self._folder = folder
        self._owner = owner
        # Created once: a folder that is moved while in use must not reappear.
        (folder / "state").mkdir(parents=True, exist_ok=True)
        self._lines = {key: Lines(folder / "state", key) for key in MERGES}
        self._states = States(folder / "state", self._taken)
        self._room = Room(folder)
        self._uploads = Uploads(folder / "s3")
        self._losses = Losses()
        self._changed = asyncio.Event()
        self._sweeper: asyncio.Task[None] | None = None
        self._unsaved_since: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._emulator(scope, self._saving_at_the_end(receive), send)
        elif scope["type"] != "http":
            await self._emulator(scope, receive, send)
        else:
            form = await read_body(receive) if has_form(scope) else None
            forward = receive if form is None else again(form, receive)
            await self._answer(request_of(scope, form or b""), scope, forward, send)

    def close(self) -> None:
        """After the emulator has stopped: drop the lines that the state includes."""
        for lines in self._lines.values():
            if self._unsaved_since is None or lines.are_in_a_state_since(self._unsaved_since):
                lines.drop()
        if self._unsaved_since is None:
            self._owner.release()

    async def _answer(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        if request.effect is Effect.NOTHING:
            await self._emulator(scope, receive, send)
            return
        try:
            with self._promised(request):
                await self._execute(request, scope, receive, send)
        except AwsError as error:
            await refuse(request, receive, send, error)

    def _promised(self, request: Request) -> AbstractContextManager[None]:
        """Reserve the room that a call needs.

        Raises:
            AwsError: there is no room.
        """
        if not self._owner.is_in_place():
            raise not_kept(
                f"{self._folder} was moved or deleted while its embedded AWS runs: stop it and start it again"
            )
        if request.gives_room:
            self._uploads.forget(request)
            self._room.of_the_last()
            return nullcontext()
        return self._room.of(self._uploads.size(request) if request.service == "s3" else request.body_size)

    async def _execute(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the emulator answer; hold back the first bytes until the changes that they acknowledge are on disk."""
        body = await read_body(receive) if request.effect is Effect.LINE else b""
        receive = again(body, receive) if request.effect is Effect.LINE else receive
        begun, start, refused = self._losses.count, None, False

        async def keeping(message: dict[str, Any]) -> None:
            nonlocal start, refused
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                held, start = start, None
                try:
                    await self._keep(request, held["status"], body, begun)
                except (OSError, AwsError) as error:
                    refused = True
                    log.error("%s %s could not be kept: %s", request.service, request.action or request.path, error)
                    await refuse(request, _nothing, send, self._refusal(error))
                else:
                    await send(held)
            if not refused:
                await send(message)

        await self._emulator(scope, receive, keeping)

    async def _keep(self, request: Request, status: int, asked: bytes, losses: int) -> None:
        if status < 400:
            await self._save(request, asked)
        if self._losses.count != losses:
            raise no_space(self._folder)
        self._changed.set()
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())

    async def _save(self, request: Request, asked: bytes) -> None:
        keys = keys_of(request.service)
        if request.effect is Effect.LINE and request.has_plain_json:
            self._lines["cloudwatch_logs"].append(log_line(request.action, request.region, json.loads(asked)))
        elif request.effect is Effect.EVERYTHING or not keys:
            await self._states.save(loaded_states())
        elif request.effect in (Effect.STATE, Effect.LINE):
            await self._states.save(keys)

    def _taken(self, key: str, state: State) -> Callable[[], None]:
        if key == "firehose":
            _forget_delivered(state)
        return self._lines[key].taken(state) if key in self._lines else lambda: None

    def _refusal(self, error: OSError | AwsError) -> AwsError:
        if isinstance(error, AwsError):
            return error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return no_space(self._folder)
        return not_kept(f"{self._folder} cannot be written: {error.strerror}")

    async def _sweep(self) -> None:
        """Save side effects of calls, such as S3 messages to a queue, but not all the time."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            begun = time.monotonic()
            try:
                await self._states.save([key for key in loaded_states() if self._is_due(key)])
            except Exception as error:
                log.error("State could not be saved, and will be tried again: %s", error)
                self._changed.set()
            await asyncio.sleep(max(1.0, (time.monotonic() - begun) / SHARE))

    def _is_due(self, key: str) -> bool:
        """Lines are already in their file; a state replaces them once they are larger than it."""
        lines = self._lines.get(key)
        return lines is None or lines.size > max(LONGEST_LINES, self._states.size(key))

    def _saving_at_the_end(self, receive: Receive) -> Receive:
        async def received() -> dict[str, Any]:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._save_at_the_end()
            return message

        return received

    async def _save_at_the_end(self) -> None:
        begun = time.time()
        try:
            await self._states.save(loaded_states())
        except (OSError, AwsError) as error:
            self._unsaved_since = begun
            log.error("Not all state could be saved; the next start goes by what was saved before: %s", error)


class Losses(logging.Handler):
    """Counts the objects that the emulator could not write or delete, which it only logs."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0
        logging.getLogger("s3").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.msg.startswith(("Failed to persist", "Failed to delete persisted"))


def _forget_delivered(state: State) -> None:
    """The emulator keeps every record that Firehose ever took, even delivered ones."""
    for stream in state["_streams"].to_dict().values():
        for destination in stream["destinations"]:
            destination["records"] = []


async def _nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}

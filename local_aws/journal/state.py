"""The emulator's state on disk: one file per service, written atomically, in the emulator's own format."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from local_aws.disk import not_kept

State = dict[str, Any]
log = logging.getLogger("local_aws.journal")
_TRIES = 5


class States:
    """Writes the state of the loaded services. Called only from the event loop, where their handlers run."""

    def __init__(self, folder: Path, taken: Callable[[str, State], Callable[[], None]]) -> None:
        """`taken(key, state)` is called when a state is taken, and returns what to call once the state is on disk."""
        self._folder = folder
        self._taken = taken
        self._savers: dict[str, _Saver] = {}

    async def save(self, keys: Iterable[str]) -> None:
        """Return once a state of each service that is at least as recent as this call is on disk.

        Raises:
            OSError: it could not be written; the previous state is intact.
        """
        loaded = loaded_states()
        await asyncio.gather(*(self._saver(key, loaded[key]).save() for key in keys if key in loaded))

    def size(self, key: str) -> int:
        """Return the size in bytes of a service's state as last written."""
        path = self._folder / f"{key}.json"
        return path.stat().st_size if path.exists() else 0

    def _saver(self, key: str, get_state: Callable[[], State | None]) -> _Saver:
        if key not in self._savers:
            self._savers[key] = _Saver(self._folder, key, get_state, self._taken)
        return self._savers[key]


class _Saver:
    """One service's file. Calls that arrive during a write share the next one."""

    def __init__(
        self,
        folder: Path,
        key: str,
        get_state: Callable[[], State | None],
        taken: Callable[[str, State], Callable[[], None]],
    ) -> None:
        self._folder, self._key, self._get_state, self._taken = folder, key, get_state, taken
        self._next: asyncio.Future[None] | None = None
        self._work: asyncio.Task[None] | None = None
        self._written = ""

    async def save(self) -> None:
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        waiting = self._next
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._write_all())
        await asyncio.shield(waiting)

    async def _write_all(self) -> None:
        while (waiting := self._next) is not None:
            self._next = None
            try:
                await self._write()
            except Exception as error:
                waiting.set_exception(error)
            else:
                waiting.set_result(None)

    async def _write(self) -> None:
        try:
            state = _steady(self._get_state)
            if state is None:
                return
            on_disk = self._taken(self._key, state)
            text = await asyncio.to_thread(encoded, self._key, state)
        except RuntimeError as error:
            raise not_kept(f"the state of {self._key} changes too fast to be kept: try again") from error
        except (TypeError, ValueError):
            # Some of the emulator's services cannot be saved, even by the emulator; they work until it ends.
            log.exception("The state of %s cannot be saved", self._key)
            return
        if text != self._written:
            await asyncio.to_thread(write, self._folder, self._key, text)
            self._written = text
        on_disk()


def _steady(get_state: Callable[[], State | None]) -> State | None:
    """Return a copy of a state. If a thread of the emulator changes the state meanwhile, retry."""
    for _ in range(_TRIES - 1):
        try:
            return get_state()
        except RuntimeError:
            continue
    return get_state()


def loaded_states() -> dict[str, Callable[[], State | None]]:
    """Return `get_state` of every service imported so far, by the name of its state file."""
    found = {}
    for key, module in _modules().items():
        loaded = sys.modules.get(f"ministack.services.{module}")
        if loaded is not None and hasattr(loaded, "get_state"):
            found[key] = loaded.get_state
    return found


def keys_of(service: str) -> list[str]:
    """Return the names of a service's state files; none if the emulator does not know the service."""
    entry = _registry().get(service)
    if entry is None:
        return []
    return [entry.get("state_key", entry["module"]), *entry.get("sub_modules", ())]


def _modules() -> dict[str, str]:
    """Return the module of every state file."""
    return {
        key: entry["module"] if key == entry.get("state_key", entry["module"]) else key
        for service, entry in _registry().items()
        for key in keys_of(service)
    }


def _registry() -> dict[str, dict[str, Any]]:
    """Return by service: module, and optionally state_key and sub_modules."""
    return import_module("ministack.app").SERVICE_REGISTRY  # type: ignore[no-any-return]


def write(folder: Path, key: str, text: str) -> None:
    """Write a state file atomically."""
    new = folder / f"{key}.json.new"
    try:
        new.write_text(text)
        new.replace(folder / f"{key}.json")
    except OSError:
        new.unlink(missing_ok=True)
        raise


def encoded(key: str, state: State) -> str:
    """Encode a state as the emulator's own `save_state` does, which takes seven times as long."""
    formats = import_module("ministack.core.persistence")
    version = formats.SERVICE_STATE_FORMAT_VERSIONS.get(key, formats.STATE_FORMAT_VERSION)
    return json.dumps({"__ministack_format__": version, "payload": state}, default=_plain)


def _plain(value: Any) -> Any:
    """Convert what JSON does not support: the emulator's dicts by account (and region), and bytes."""
    if isinstance(value, bytes | bytearray):
        return {"__bytes__": base64.b64encode(value).decode("ascii")}
    if not hasattr(value, "to_dict"):
        raise TypeError(f"a {type(value).__name__} has no place in a state file")
    entries = value.to_dict()
    kind = "__account_region_scoped__" if type(value).__name__ == "AccountRegionScopedDict" else "__scoped__"
    return {kind: True, "data": {"\x00".join((*key[:-1], repr(key[-1]))): kept for key, kept in entries.items()}}

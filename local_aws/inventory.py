"""Lists the whole store, so that tests can prove that nothing is left."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from local_aws.context import Context
from local_aws.gateway import AsgiApp, Receive, Scope, Send
from local_aws.protocol import Document

PATH, CALLS = "/_local/store", "/_local/calls"
_SERVICES = "ministack.services."
_EXPIRING = ("cloudwatch/metrics", "cloudwatch/alarm_history")
"""Collections that nobody can delete, on AWS either: their entries expire."""


def served(app: AsgiApp, context: Context, called: Callable[[], Document] = dict) -> AsgiApp:
    """The application, which now also answers `GET /_local/store` with `everything(context)`, and calls' permissions.

    Args:
        called: what `GET /_local/calls` gives.
    """
    answers = {PATH: lambda: everything(context), CALLS: called}

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") not in answers:
            await app(scope, receive, send)
            return
        body = json.dumps(answers[scope["path"]]()).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return wrapped


def everything(context: Context) -> dict[str, list[str]]:
    """Return every key held by the emulator's services, the engines and the S3 disk, by place."""
    listing = {f"engines/{name}": keys for name, keys in context.store.collections().items()}
    for name, module in sorted(sys.modules.items()):
        if name.startswith(_SERVICES) and hasattr(module, "get_state"):
            service = name.removeprefix(_SERVICES)
            listing |= {f"{service}/{place}": keys for place, keys in _places(module.get_state())}
    listing["s3/objects"] = _objects(context)
    return {place: keys for place, keys in listing.items() if keys and place not in _EXPIRING}


def _places(state: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield the keys with content: empty tag lists and zero counts do not count as left over."""
    for place, value in state.items():
        # The emulator's scoped dicts show one account and region; only this method shows all.
        held = value.to_dict() if hasattr(value, "to_dict") else value
        if isinstance(held, Mapping):
            yield place, [str(key) for key, kept in held.items() if kept not in ({}, [], 0)]
        elif isinstance(held, list | set | tuple):
            yield place, [str(item) for item in held]


def _objects(context: Context) -> list[str]:
    folder = context.folder / "s3"
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".meta.json"))
    return sorted(str(path.relative_to(folder)) for path in files)

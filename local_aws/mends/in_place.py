"""Updates that the emulator has no action for, in its own state: one assignment, so that a kill loses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from local_aws.protocol import AwsError, Document

Update = Callable[[Any, Document], None]
"""Takes the emulator's module and the payload. Raises AwsError before it changes anything."""


def updating(service: str, updates: Mapping[str, Update]) -> None:
    """Let the emulator's service answer these actions, by name."""
    emulator: Any = import_module(f"ministack.services.{service}")
    others = emulator.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        update = updates.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if update is None:
            return await others(method, path, headers, body, query)
        try:
            update(emulator, json.loads(body))
        except AwsError as error:
            return emulator.error_response_json(error.code, error.message, error.status)
        return emulator.json_response({})

    emulator.handle_request = handle_request

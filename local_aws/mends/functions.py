"""Lambda: a function signs its calls with keys that this AWS knows, as its role would let it on AWS.

The emulator gives it the account's number for a key, which opens no door.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from local_aws.context import Context
from local_aws.protocol import Handlers


def handlers(context: Context) -> Handlers:
    known = {"AWS_ACCESS_KEY_ID": context.keys.id, "AWS_SECRET_ACCESS_KEY": context.keys.secret}
    for module in ("core.lambda_runtime", "services.lambda_svc"):
        emulator: Any = import_module(f"ministack.{module}")
        emulator.execution_credentials = lambda config: dict(known)
    return {}

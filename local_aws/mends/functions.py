"""Lambda: a function signs its calls with keys of a session of its role, and may do what that role allows.

The emulator gives it the account's number for a key, which opens no door.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from local_aws.context import Context
from local_aws.protocol import Document, Handlers


def handlers(context: Context) -> Handlers:
    def credentials(config: Document) -> dict[str, str]:
        """Raises ClientError: the role is not there, or does not let Lambda take it."""
        name, arn = config["FunctionName"], config["FunctionArn"]
        keys = context.acting_as(config["Role"], "lambda", name, source=arn).keys
        return {"AWS_ACCESS_KEY_ID": keys.id, "AWS_SECRET_ACCESS_KEY": keys.secret}

    for module in ("core.lambda_runtime", "services.lambda_svc"):
        emulator: Any = import_module(f"ministack.{module}")
        emulator.execution_credentials = credentials
    return {}

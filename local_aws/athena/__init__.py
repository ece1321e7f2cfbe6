from __future__ import annotations

from local_aws.context import Context
from local_aws.protocol import Handlers


def handlers(context: Context) -> Handlers:
    return {}

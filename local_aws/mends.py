"""Answers the emulator forgets to give: what a Create or Update call said is kept, and given back in the Get."""

from __future__ import annotations

from local_aws.context import Context
from local_aws.protocol import Handlers


def handlers(context: Context) -> Handlers:
    return {}

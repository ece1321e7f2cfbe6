"""Where Terraform keeps the state of a stack: in a file of the checkout, or in the bucket that lake.yaml names."""

from __future__ import annotations

from pathlib import Path

from lake.configuration.reading import Lake

BUCKET_STACK = "state"
"""The stack that makes the bucket. It is none of those that `lake up` deploys, and its own state stays here."""

DESTROYS = "LAKE_DESTROYS"
"""The variable by which a synthesis is told what stacks are to go, separated by commas."""


def state_file(lake: Lake, stack: str) -> Path:
    return lake.root / ".state" / lake.deployment / f"{stack}.tfstate"


def state_key(lake: Lake, stack: str) -> str:
    return f"{lake.config.project}/{lake.deployment}/{stack}.tfstate"


def lock_key(lake: Lake, stack: str) -> str:
    """What is there while a Terraform has the state, and after one that was killed with it."""
    return f"{state_key(lake, stack)}.tflock"

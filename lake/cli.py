"""The `lake` command."""

from __future__ import annotations

from lake.commands import data, deploy, local, quality, quarantine, query, runs
from lake.commands.base import app
from lake.commands.output import fail
from lake.config import ConfigError
from lake.errors import LakeError

__all__ = ["app", "main"]

COMMANDS = (deploy, data, runs, quarantine, quality, query, local)
"""Importing a module registers its commands, in this order."""


def main() -> None:
    """Run the command. Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    try:
        app()
    except ConfigError as error:
        fail(str(error), 2)
    except LakeError as error:
        fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        fail("interrupted", 130)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("botocore", "boto3"):
            raise
        fail(f"AWS: {error}", 1)

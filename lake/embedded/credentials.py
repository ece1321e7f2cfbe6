"""The keys of an embedded AWS. It generates them at its first start, in a folder that only its user can read."""

from __future__ import annotations

import shlex
from configparser import ConfigParser
from configparser import Error as Unreadable
from dataclasses import dataclass, field
from pathlib import Path

from lake.configuration.reading import Lake
from lake.errors import BadInput

PROFILE = "embedded"
"""The section of the file that local_aws/credentials.py writes."""


@dataclass(frozen=True)
class Keys:
    """An access key: its id and its secret."""

    id: str
    secret: str = field(repr=False)


def credentials_file(lake: Lake) -> Path:
    """The shared credentials file, which exists after the first start."""
    return lake.root / ".local" / lake.env / "aws" / "credentials"


def config_file(lake: Lake) -> Path:
    """The shared config file with the endpoint, which is written at each start."""
    return credentials_file(lake).with_name("config")


def keys_of(lake: Lake) -> Keys:
    """The keys. Raises BadInput if the embedded AWS was never started, or the file has no keys."""
    file = credentials_file(lake)
    if not file.exists():
        raise BadInput(f"there are no keys in {file} yet. `lake local start` makes them")
    parser = ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(file.read_text())
        return Keys(parser[PROFILE]["aws_access_key_id"], parser[PROFILE]["aws_secret_access_key"])
    except (OSError, ValueError, KeyError, Unreadable):
        raise BadInput(
            f"{file} has no keys for [{PROFILE}], or cannot be read. Delete it and restart the embedded AWS, which "
            f"makes new keys"
        ) from None


def exported(lake: Lake) -> str:
    """Commands for a shell's `eval`: the keys, the endpoint and the region."""
    keys, environment = keys_of(lake), lake.environment
    variables = {
        "AWS_ACCESS_KEY_ID": keys.id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_ENDPOINT_URL": str(environment.endpoint),
        "AWS_REGION": environment.region,
        "AWS_DEFAULT_REGION": environment.region,
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*lines, "unset AWS_PROFILE AWS_SESSION_TOKEN"])


def profile(lake: Lake) -> str:
    """A section for ~/.aws/config."""
    keys, environment = keys_of(lake), lake.environment
    return (
        f"[profile {lake.config.project}-{lake.env}]\n"
        f"aws_access_key_id = {keys.id}\n"
        f"aws_secret_access_key = {keys.secret}\n"
        f"endpoint_url = {environment.endpoint}\n"
        f"region = {environment.region}\n"
        f"s3 =\n    addressing_style = path"
    )

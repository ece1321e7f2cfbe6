"""The user name and password of a connection, stored only in Secrets Manager."""

from __future__ import annotations

import json

from lake.aws import Aws
from lake.configuration.suggest import allowed
from lake.errors import BadInput, LakeError


def put_secret(aws: Aws, name: str, username: str, password: str) -> str:
    """Store the user name and password of a connection. Returns the secret's name.

    Raises:
        BadInput: the connection is not in lake.yaml, or is a network.
        LakeError: the secret is not deployed.
    """
    with_secret = [key for key, value in aws.lake.config.connections.items() if value.type != "network"]
    if name not in with_secret:
        hint = allowed(name, with_secret)
        raise BadInput(f"there is no connection with a password named {name!r} in lake.yaml. {hint}")
    if not username or not password:
        raise BadInput(f"the {'password' if username else 'user name'} of connection {name} is empty")
    secret = aws.names.secret(name)
    value = json.dumps({"username": username, "password": password})
    try:
        aws.secrets.put_secret_value(SecretId=secret, SecretString=value)
    except aws.secrets.exceptions.ResourceNotFoundException:
        raise LakeError(f"the secret {secret} does not exist. Deploy it first: `lake up catalog`") from None
    return secret

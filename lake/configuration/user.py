"""Whose a personal environment is: the part of every name that keeps two people apart."""

from __future__ import annotations

import getpass
import os
import re
import unicodedata
from contextlib import suppress

VARIABLE = "LAKE_USER"
SHARED = (
    *("admin", "codespace", "coder", "debian", "ec2-user", "gitpod"),
    *("jovyan", "node", "root", "ubuntu", "user", "vscode"),
)
"""Logins of machines and containers, which many people have."""


def is_shared() -> bool:
    """Whether the name is only a login that others have too."""
    return not os.environ.get(VARIABLE) and given().lower() in SHARED


def given() -> str:
    """What LAKE_USER says, else the login name; empty where the machine knows neither."""
    if named := os.environ.get(VARIABLE):
        return named
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""


def reduced(name: str) -> str:
    """What of it the names of AWS allow: lower-case letters, digits and single hyphens between them.

    >>> reduced("Ann.Lee@example.org"), reduced("José"), reduced("!?")
    ('ann-lee-example-org', 'jose', '')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")

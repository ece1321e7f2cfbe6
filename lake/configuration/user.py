"""The owner of a personal environment. Every name contains it, so that two people do not collide."""

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
"""Logins that are common on machines and in containers, and so not personal."""


def is_shared() -> bool:
    """Whether the name is only a common login."""
    return not os.environ.get(VARIABLE) and given().lower() in SHARED


def given() -> str:
    """LAKE_USER, else the login name; empty if neither is known."""
    if named := os.environ.get(VARIABLE):
        return named
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""


def reduced(name: str) -> str:
    """The name reduced to what AWS names allow: lower-case letters, digits and single hyphens between them.

    >>> reduced("Ann.Lee@example.org"), reduced("José"), reduced("!?")
    ('ann-lee-example-org', 'jose', '')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")

"""The keys of this AWS: made at its first start and kept in its folder, for whoever may read that."""

from __future__ import annotations

import os
import secrets
import string
import tempfile
from configparser import ConfigParser
from configparser import Error as Unreadable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

FILE, CONFIG = "credentials", "config"
PROFILE = "embedded"
"""Its one section. Not `default`: settings that a person has for that would be mixed in."""


class NoKeys(Exception):
    """Why there are no keys, in one sentence with the way out."""


@dataclass(frozen=True)
class Keys:
    """An access key: its id, the secret that signs and, of a session, its token."""

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def own_keys(folder: Path) -> Keys:
    """The keys of the embedded AWS in this folder; both are made where they are not there.

    Only this user may look into the folder (0700) and read the file (0600).

    Raises:
        NoKeys: the file is there and holds none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    file = folder / FILE
    if not file.exists():
        _make(file)
    file.chmod(0o600)
    return read_keys(file)


def tell_address(folder: Path, endpoint: str) -> None:
    """Write where this AWS answers, in AWS's format of shared configuration: Terraform's provider reads it."""
    _replace(folder / CONFIG, f"[profile {PROFILE}]\nendpoint_url = {endpoint}\n")


def read_keys(file: Path) -> Keys:
    """The keys in a file of AWS's format for shared credentials. Raises NoKeys."""
    parser = ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(file.read_text())
        section = parser[PROFILE]
        return Keys(section["aws_access_key_id"], section["aws_secret_access_key"])
    except (OSError, ValueError, KeyError, Unreadable):
        raise NoKeys(f"{file}: holds no keys for [{PROFILE}]. Delete it: the next start makes new ones") from None


def new_keys(token: str = "") -> Keys:
    """Keys that nobody has had before."""
    return Keys("LOCAL" + _random(string.ascii_uppercase, 15), _random(string.ascii_letters, 40), token)


def _make(file: Path) -> None:
    """All of it or nothing: a start that is killed leaves no half a file, and of two starts one makes it."""
    keys = new_keys()
    partial = _partial(file, f"[{PROFILE}]\naws_access_key_id = {keys.id}\naws_secret_access_key = {keys.secret}\n")
    with suppress(FileExistsError):
        os.link(partial, file)
    partial.unlink()


def _replace(file: Path, text: str) -> None:
    _partial(file, text).replace(file)


def _partial(file: Path, text: str) -> Path:
    """A file beside it with all of the text, on disk."""
    handle, partial = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(handle, "w") as written:
        written.write(text)
        written.flush()
        os.fsync(written.fileno())
    return Path(partial)


def _random(letters: str, length: int) -> str:
    return "".join(secrets.choice(letters + string.digits) for _ in range(length))

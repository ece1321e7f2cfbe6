"""A Glue connection to a real PostgreSQL database, as the catalog stack creates it and a user fills it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import boto3
import psycopg

from tests.postgres import PASSWORD, USER, Database


@dataclass(frozen=True)
class Shop:
    """`connection` is the name of the Glue connection; its secret has the same name."""

    database: Database
    connection: str

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        return self.database.run(statement)

    def login(self, user: str, password: str) -> None:
        self.secret_holds(json.dumps({"username": user, "password": password}))

    def secret_holds(self, value: str) -> None:
        boto3.client("secretsmanager").put_secret_value(SecretId=self.connection, SecretString=value)

    def at(self, port: int) -> None:
        """Point the connection to another port."""
        glue = boto3.client("glue")
        glue.delete_connection(ConnectionName=self.connection)
        glue.create_connection(ConnectionInput=self._input(port))

    def staging(self) -> list[str]:
        """Return the tables of running or failed loads."""
        return [name for name in self.database.tables() if name.startswith("_lake_") and name != "_lake_runs"]

    @contextmanager
    def power_cut(self) -> Iterator[None]:
        """Cut the server's power a second after a load begins; afterwards it is on again."""
        server = self.database.server

        def pull_the_plug() -> None:
            with suppress(psycopg.Error):
                while not self.staging():
                    time.sleep(0.05)
                time.sleep(1)
            server.stop(immediate=True)

        plug = threading.Thread(target=pull_the_plug)
        plug.start()
        try:
            yield
        finally:
            plug.join()
            server.start()

    @contextmanager
    def ending_reads(self, table: str) -> Iterator[None]:
        """The server ends the connection that reads the table, once its first rows are on their way."""
        reads = f"state IN ('active', 'idle in transaction') AND query LIKE 'SELECT%\"{table}\"%'"
        reads += " AND pid <> pg_backend_pid() AND query_start < clock_timestamp() - interval '0.3 s'"

        def end() -> None:
            for _ in range(1200):
                if self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {reads}"):
                    return
                time.sleep(0.05)

        ender = threading.Thread(target=end)
        ender.start()
        try:
            yield
        finally:
            ender.join()

    def _input(self, port: int) -> Any:
        return {
            "Name": self.connection,
            "ConnectionType": "JDBC",
            "ConnectionProperties": {
                "JDBC_CONNECTION_URL": f"jdbc:postgresql://127.0.0.1:{port}/{self.database.name}",
                "JDBC_ENFORCE_SSL": "false",
                "SECRET_ID": self.connection,
            },
        }

    @classmethod
    def new(cls, database: Database, connection: str = "") -> Shop:
        shop = cls.empty(database, connection)
        shop.login(USER, PASSWORD)
        return shop

    @classmethod
    def empty(cls, database: Database, connection: str = "") -> Shop:
        """Create it with a secret without a value, as Terraform does."""
        shop = cls(database, connection or f"connection-{database.name}")
        boto3.client("secretsmanager").create_secret(Name=shop.connection)
        boto3.client("glue").create_connection(ConnectionInput=shop._input(database.server.port))
        return shop

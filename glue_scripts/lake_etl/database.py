"""A database behind a Glue connection: its credentials, Spark's options for it, and JDBC statements.

Statements run through java.sql in Spark's own JVM, so a job needs no Python package for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import boto3
from botocore.exceptions import ClientError
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from lake_etl.connectors import POSTGRESQL
from lake_etl.errors import JobError, unknown
from lake_etl.names import double_quoted

READERS = ("jdbc.JDBCRDD", "jdbc.JdbcUtils$$anon")  # classes by which Spark reads rows of a database


class Refused(JobError):
    """The database refused a statement. state is its SQLSTATE."""

    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state


@dataclass(frozen=True)
class Database:
    """The address in a Glue connection, and the login that Secrets Manager holds for it."""

    connection: str
    url: str
    secret: str
    user: str
    password: str = field(repr=False)
    ssl: bool

    def properties(self) -> dict[str, str]:
        """Return the driver's properties, for Spark and for our own sessions."""
        mode = {"sslmode": "require"} if self.ssl else {}
        return {"user": self.user, "password": self.password, "tcpKeepAlive": "true", **mode}

    def options(self, rows: str) -> dict[str, str]:
        """Return Spark's options to read or write rows: a table or a subquery, as in FROM."""
        return {"url": self.url, "driver": POSTGRESQL.driver, "dbtable": rows, **self.properties()}


def find_database(connection: str) -> Database:
    """Return the database of a Glue connection. Raises JobError if the connection, secret or login is missing."""
    glue = boto3.client("glue")
    try:
        found = glue.get_connection(Name=connection)["Connection"]["ConnectionProperties"]
    except glue.exceptions.EntityNotFoundException:
        raise JobError(f"connection {connection} does not exist. Deploy the catalog stack first") from None
    secret = found["SECRET_ID"]
    user, password = _login(connection, secret)
    ssl = found.get("JDBC_ENFORCE_SSL") == "true"
    return Database(connection, found["JDBC_CONNECTION_URL"], secret, user, password, ssl)


def _login(connection: str, secret: str) -> tuple[str, str]:
    try:
        login = json.loads(boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
        return login["username"], login["password"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise JobError(f"connection {connection}: {error}") from error
        what = "has no value yet"
    except (ValueError, KeyError, TypeError):
        what = "is not JSON with username and password"
    raise JobError(f"connection {connection}: the secret {secret} {what}. Put one with `lake secret`") from None


class Session:
    """One connection to a database. Each statement is its own transaction, unless it runs inside `transaction`.

    Raises JobError if the database cannot be reached or refuses the login; Refused if it refuses a statement.
    """

    def __init__(self, spark: SparkSession, database: Database) -> None:
        self.database = database
        self._connection = _opened(spark, database)

    def close(self) -> None:
        self._translated(self._connection.close)

    def execute(self, statement: str, *values: str) -> int:
        """Run a statement, with a text for each `?`. Returns the number of rows it changed."""
        with self._prepared(statement, values) as prepared:
            return int(prepared.executeLargeUpdate())

    def rows(self, statement: str, *values: str) -> list[list[str | None]]:
        """Return the rows of a query, each value as text."""
        with self._prepared(statement, values) as prepared:
            found, rows = prepared.executeQuery(), []
            width = range(1, found.getMetaData().getColumnCount() + 1)
            while found.next():
                rows.append([found.getString(column) for column in width])
            return rows

    def commit(self) -> None:
        self._translated(self._connection.commit)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all statements of the block, or none of them."""
        self._connection.setAutoCommit(False)
        try:
            yield
            self.commit()
        except BaseException:
            with suppress(Py4JJavaError):  # the server itself rolls back a lost connection
                self._connection.rollback()
            raise
        finally:
            with suppress(Py4JJavaError):
                self._connection.setAutoCommit(True)

    @contextmanager
    def _prepared(self, statement: str, values: tuple[str, ...]) -> Iterator[Any]:
        prepared = self._translated(lambda: self._connection.prepareStatement(statement))
        for place, value in enumerate(values, 1):
            prepared.setString(place, value)
        try:
            yield prepared
        except Py4JJavaError as error:
            raise refusal(error, self.database) from None
        finally:
            self._translated(prepared.close)

    def _translated(self, call: Any) -> Any:
        try:
            return call()
        except Py4JJavaError as error:
            raise refusal(error, self.database) from None


def _opened(spark: SparkSession, database: Database) -> Any:
    jvm: Any = spark._jvm
    properties = jvm.java.util.Properties()
    for name, value in database.properties().items():
        properties.setProperty(name, value)
    try:
        driver = reduce(getattr, POSTGRESQL.driver.split("."), jvm)()
    except TypeError:  # py4j takes a missing class for a package
        raise JobError(
            f"connection {database.connection}: this Spark has no {POSTGRESQL.title} driver ({POSTGRESQL.driver}). "
            f"Glue has it built in. For the embedded AWS, install Debian's {POSTGRESQL.package} or name the jar in "
            "LAKE_JDBC_JARS, and start it again"
        ) from None
    try:
        connection = driver.connect(database.url, properties)
    except Py4JJavaError as error:
        raise refusal(error, database) from None
    if connection is None:
        raise JobError(f"connection {database.connection}: {database.url} is not a {POSTGRESQL.title} URL")
    return connection


def refusal(error: Py4JJavaError, database: Database) -> JobError:
    """Return the driver's message in one line, with a way out if there is a usual one. Refused if it has a SQLSTATE."""
    cause = _of_the_driver(error.java_exception)
    if cause is None:
        return JobError(f"connection {database.connection}: {error.java_exception.toString()}")
    state, message = cause.getSQLState() or "", _message(cause)
    at = f"the database at {database.url.partition('//')[2]}"
    if POSTGRESQL.is_state("wrong_login", state):
        message = f"{at} refuses the login of the secret {database.secret}: {message}. Put another with `lake secret`"
    elif POSTGRESQL.is_state("lost", state):
        message = f"{at} cannot be reached, or went away: {message}"
    return Refused(f"connection {database.connection}: {message}", state)


def is_of_the_driver(error: Py4JJavaError) -> bool:
    """Whether the database failed, rather than Spark or a step of the job."""
    return _of_the_driver(error.java_exception) is not None


def is_of_reading(error: Py4JJavaError) -> bool:
    """Whether the database failed while rows came from it, and not while rows went there."""
    cause = _of_the_driver(error.java_exception)
    frames = [] if cause is None else [frame.getClassName() for frame in cause.getStackTrace()]
    return any(reader in frame for frame in frames for reader in READERS)


def _of_the_driver(exception: Any) -> Any:
    """Return the innermost exception of the driver: the outer ones quote whole rows."""
    found = None
    while exception is not None:
        found = exception if exception.getClass().getName().endswith("SQLException") else found
        exception = exception.getCause()
    return found


def _message(exception: Any) -> str:
    """Return the first line without the severity, and the key that broke a constraint, but no whole row."""
    lines = [line.strip() for line in (exception.getMessage() or exception.toString()).splitlines() if line.strip()]
    detail = next((line.removeprefix("Detail: ") for line in lines[1:] if line.startswith("Detail: Key")), "")
    first = lines[0].removeprefix("FATAL: ").removeprefix("ERROR: ").rstrip(".")
    return f"{first} ({detail.rstrip('.')})" if detail else first


def quoted(name: str) -> str:
    """Quote `schema.table` for SQL, whatever characters it has.

    >>> quoted("public.Flights")
    '"public"."Flights"'
    """
    return ".".join(map(double_quoted, name.split(".")))


def check_table(session: Session, table: str, what: str) -> None:
    """Raise JobError if the database does not have the table or does not show it to this user."""
    if not exists(session, table):
        schema, name = table.split(".")
        tables = session.rows("SELECT tablename FROM pg_tables WHERE schemaname = ? ORDER BY 1", schema)
        hint = unknown("table", name, [str(row[0]) for row in tables]) if tables else f"schema {schema} has no table"
        raise JobError(f"{what}: connection {session.database.connection} has no table {table}: {hint}")


def exists(session: Session, table: str) -> bool:
    return session.rows("SELECT to_regclass(?)", quoted(table)) != [[None]]

"""What tests of several folders share."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from tests.postgres import Database, Postgres, new_database, running_postgres

# Spark is over with a few rows before the code of Java's second compiler, or several threads that collect, would pay.
os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def make_database(postgres: Postgres) -> Callable[[], Database]:
    numbers = itertools.count()
    return lambda: new_database(postgres, f"shop_{next(numbers)}")


@pytest.fixture
def database(make_database: Callable[[], Database]) -> Database:
    """A database of its own for each test."""
    return make_database()

"""Fixtures that several folders of tests share."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from tests.postgres import Database, Postgres, new_database, running_postgres

# With a few rows, Spark finishes before Java's second compiler or a parallel garbage collector would pay off. The first
# compiler alone has 48 MB for code. A session of many tests fills them, and methods are compiled again and again.
_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=240m -Xmn400m"
os.environ["SPARK_SUBMIT_OPTS"] = f"{os.environ.get('SPARK_SUBMIT_OPTS', '')} {_JAVA}"


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
    """A separate database for each test."""
    return make_database()

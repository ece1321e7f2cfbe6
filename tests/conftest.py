"""What tests of several folders share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.postgres import Database, Postgres, new_database, running_postgres


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

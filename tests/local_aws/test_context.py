"""Threads share the clients of the embedded AWS."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_aws import context
from tests.embedded import keys_of

THREADS = 8


@pytest.fixture
def often_interrupted() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("often_interrupted")
@pytest.mark.parametrize("region", [f"eu-test-{number}" for number in range(1, 7)])
def test_threads_that_share_a_new_client_catch_its_errors(endpoint: str, region: str) -> None:
    logs = context.client("logs", endpoint, keys_of(endpoint), region)
    together = threading.Barrier(THREADS)

    def create(_: int) -> str:
        together.wait()
        exists = logs.exceptions.ResourceAlreadyExistsException
        try:
            logs.create_log_group(logGroupName="shared")
        except exists:
            return "exists"
        return "created"

    with ThreadPoolExecutor(THREADS) as pool:
        ended = list(pool.map(create, range(THREADS)))

    assert sorted(ended) == ["created", *["exists"] * (THREADS - 1)]

"""Ctrl-C at a bad moment, and the same command again."""

from __future__ import annotations

import pytest

from lake.names import STACKS
from tests.e2e.conftest import Checkout

pytestmark = pytest.mark.e2e


def test_an_interrupted_up_and_down_finish_when_run_again(fresh: Checkout) -> None:
    stopped = fresh.interrupted("up", when="Deploying storage")
    assert stopped.returncode == 130, stopped.stdout
    assert "Run the same command again" in stopped.stdout

    fresh.lake("up")
    assert all(fresh.state(stack) for stack in STACKS)

    stopped = fresh.interrupted("down", "--delete-data", when="Destroying")
    assert stopped.returncode == 130, stopped.stdout

    fresh.lake("down", "--delete-data")
    assert all(fresh.state(stack) == [] for stack in STACKS)
    assert fresh.lake_json("leftovers")["leftovers"] == []

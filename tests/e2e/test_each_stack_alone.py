"""Each stack on an empty account, and a destroy in unusual orders."""

from __future__ import annotations

import pytest

from lake.configuration.names import STACKS
from tests.e2e.conftest import Checkout

pytestmark = pytest.mark.e2e


def test_every_stack_plans_on_an_empty_account(fresh: Checkout) -> None:
    for stack in STACKS:
        shown = fresh.run("cdktf", "plan", stack).stdout
        assert "0 to change, 0 to destroy" in shown, shown


def test_a_port_in_use_is_reported_in_one_sentence(fresh: Checkout) -> None:
    # Nobody has this folder, as far as it can be seen, but its port is taken.
    seen = fresh.root / ".local" / "local" / "aws" / "process.json"
    seen.rename(fresh.root / "process.json")

    done = fresh.lake("local", "start", code=2)

    assert done.stderr.count("\n") == 1
    assert "another program uses port" in done.stderr
    (fresh.root / "process.json").rename(seen)

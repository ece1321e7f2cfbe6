"""Waits for the end of what AWS does by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lake.errors import StillRunning
from lake.running.jobs import Show

POLL_SECONDS = 1.0
Look = Callable[[], tuple[Any, str, str]]
"""What is found, its state, and how far it is."""


def ended(look: Look, under_way: Callable[[str], bool], show: Show, continues: str) -> Any:
    """Look again and again, and show what is seen, while its state is under way. Returns what was found then.

    Raises:
        StillRunning: Ctrl-C. The message is `continues`: it goes on without this command.
    """
    try:
        while True:
            found, state, progress = look()
            show(state, progress)
            if not under_way(state):
                return found
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        raise StillRunning(continues) from None

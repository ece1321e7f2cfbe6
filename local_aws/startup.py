"""Tasks that wait until this AWS answers, because engines are created before it listens."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

log = logging.getLogger("local_aws.startup")


def once_answering(endpoint: str, task: Callable[[], None]) -> threading.Event:
    """Run a task in a thread as soon as the endpoint accepts connections. The event is set when it is done."""
    done = threading.Event()

    def run() -> None:
        while not _answers(endpoint):
            time.sleep(0.05)
        try:
            task()
        except Exception:
            log.exception("what was to be done at the start failed")
        finally:
            done.set()

    threading.Thread(target=run, name="startup", daemon=True).start()
    return done


def _answers(endpoint: str) -> bool:
    place = urlsplit(endpoint)
    try:
        socket.create_connection((place.hostname or "", place.port or 80), timeout=1).close()
    except OSError:
        return False
    return True

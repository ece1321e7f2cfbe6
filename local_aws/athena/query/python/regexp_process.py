"""Matches slow regular expressions in a process of their own: Python would stop all its threads while it matches."""

from __future__ import annotations

import pickle
import select
import subprocess
import sys
import threading

from local_aws.athena.errors import QueryFailed

SECONDS = 10.0
Spans = list[tuple[tuple[int, int], ...]]
"""(begin, end) of each group of each match; (-1, -1) for a group that took no part."""
_CODE = """
import pickle, re, sys
while True:
    try:
        pattern, text, start, first = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    found = []
    for match in re.compile(pattern).finditer(text, start):
        found.append(match.regs)
        if first:
            break
    pickle.dump(found, sys.stdout.buffer)
    sys.stdout.buffer.flush()
"""
_lock = threading.Lock()
_process: subprocess.Popen[bytes] | None = None


def matches(pattern: str, text: str, start: int, first: bool) -> Spans:
    """Return all matches of a pattern, or the first one.

    Raises:
        QueryFailed: it takes more than `SECONDS`.
    """
    global _process
    with _lock:
        if _process is None or _process.poll() is not None:
            _process = subprocess.Popen(
                [sys.executable, "-I", "-c", _CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        spans = _answer(_process, (pattern, text, start, first))
        if spans is None:
            _process.kill()
            _process.wait()
            _process = None
            raise QueryFailed(
                f"NOT_SUPPORTED: the regular expression {pattern!r} takes more than {SECONDS:g} seconds on one text; a "
                "repeat within a repeat, such as (a+)+, is slow: write one repeat"
            )
        return spans


def _answer(process: subprocess.Popen[bytes], question: tuple[str, str, int, bool]) -> Spans | None:
    assert process.stdin is not None and process.stdout is not None
    pickle.dump(question, process.stdin)
    process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], SECONDS)
    return pickle.load(process.stdout) if ready else None

"""The progress of Terraform in a stack, from its JSON events."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lake.deploying.diagnosis import in_words

PLANNING = "planning"


class Change(NamedTuple):
    """What a plan would do to a resource: `create`, `update`, `replace`, `delete`, ..."""

    action: str
    resource: str


@dataclass
class Progress:
    """The progress of a stack, in resources.

    Attributes:
        working: address -> start time (`time.monotonic`) of what Terraform is working on.
        notes: messages for the user, one sentence each.
        changes: the changes of a plan.
        drifted: the resources that differ from the state.
        skipped: nothing is applied: the stack is unchanged, another stack failed first, or it is only planned.
    """

    stack: str
    total: int = 0
    done: int = 0
    finished: bool = False
    skipped: bool = False
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    drifted: list[Change] = field(default_factory=list)
    working: dict[str, float] = field(default_factory=dict)

    @property
    def slowest(self) -> tuple[str, int] | None:
        """The resource that has taken longest so far, and its seconds."""
        if not self.working:
            return None
        address, since = min(self.working.items(), key=lambda work: work[1])
        return address, int(time.monotonic() - since)

    @property
    def failures(self) -> list[str]:
        """The errors. Those of an AWS that stopped answering become one sentence."""
        lost = [error for error in self.errors if "connection refused" in error or "connection reset" in error]
        if not lost:
            return self.errors
        sentence = (
            "AWS no longer answers. `lake local status` shows whether the embedded one runs. "
            "Run the same command again: it continues from here"
        )
        return [*(error for error in self.errors if error not in lost), sentence]

    def plan(self) -> None:
        """Terraform starts a plan: it refreshes the state."""
        self.working = {PLANNING: time.monotonic()}
        self.errors.clear()
        self.changes.clear()
        self.drifted.clear()

    def take(self, line: str) -> None:
        """Read one event of `terraform -json`."""
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            return
        if event["type"] in _READERS:
            _READERS[event["type"]](self, event)


OnProgress = Callable[[Progress], None]


def _planned(progress: Progress, event: Any) -> None:
    changes = event["changes"]
    if changes["operation"] == "plan":
        progress.working.pop(PLANNING, None)
        progress.total = progress.done + sum(changes[kind] for kind in ("add", "change", "remove"))


def _changes(progress: Progress, event: Any) -> None:
    progress.changes.append(_change(event))


def _drifts(progress: Progress, event: Any) -> None:
    progress.drifted.append(_change(event))


def _change(event: Any) -> Change:
    return Change(event["change"]["action"], event["change"]["resource"]["addr"])


def _began(progress: Progress, event: Any) -> None:
    progress.working.pop(PLANNING, None)
    progress.working[event["hook"]["resource"]["addr"]] = time.monotonic()


def _ended(progress: Progress, event: Any) -> None:
    progress.working.pop(event["hook"]["resource"]["addr"], None)
    if event["type"] == "apply_complete" and event["hook"]["action"] != "read":
        progress.done += 1


def _diagnosed(progress: Progress, event: Any) -> None:
    diagnostic = event["diagnostic"]
    if diagnostic["severity"] != "error":
        return
    if diagnostic["summary"] == "Error acquiring the state lock":
        progress.errors.append(_locked(progress.stack, diagnostic.get("detail", "")))
        return
    place = f" ({diagnostic['address']})" if diagnostic.get("address") else ""
    failure = f"{diagnostic['summary']}{place} {diagnostic.get('detail', '')}".strip()
    known = in_words(failure)
    progress.errors.append(f"{known}{place}" if known else failure)


def _locked(stack: str, detail: str) -> str:
    """Whose lock it is, in one sentence."""
    lock = dict(re.findall(r"^ *(ID|Who|Operation|Created): +(.+?) *$", detail, re.MULTILINE))
    if not lock:
        return in_words(detail) or f"Terraform cannot lock the state: {' '.join(detail.split())}"
    operation = lock.get("Operation", "").removeprefix("OperationType").lower() or "command"
    return (
        f"another Terraform holds the state lock: {operation} of {lock.get('Who')}, since {lock.get('Created')}. "
        "Wait for it with --wait. If it has died, free the lock: "
        f"`{unlock_command(stack, str(lock.get('ID')))}`"
    )


def unlock_command(stack: str, lock: str) -> str:
    """The command that releases the state lock of a Terraform that has died."""
    return f"terraform -chdir=cdktf.out/stacks/{stack} force-unlock {lock}"


_READERS: dict[str, Callable[[Progress, Any], None]] = {
    "change_summary": _planned,
    "planned_change": _changes,
    "resource_drift": _drifts,
    "apply_start": _began,
    "apply_complete": _ended,
    "apply_errored": _ended,
    "diagnostic": _diagnosed,
}

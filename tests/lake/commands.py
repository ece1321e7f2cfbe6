"""The `lake` command as a person types it, in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lake import cli


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Prompt:
    """A prompt in the folder of a lake.yaml."""

    file: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    def lake(self, *arguments: str) -> Done:
        self.patch.setattr("sys.argv", ["lake", "--file", str(self.file), *arguments])
        self.capture.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        shown = self.capture.readouterr()
        return Done(code, shown.out, shown.err)

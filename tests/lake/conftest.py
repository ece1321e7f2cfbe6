"""The embedded AWS, for the commands that ask it, and the prompt at which they are typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.embedded import lend_keys
from tests.lake.commands import Prompt
from tests.local_aws.conftest import aws, endpoint

__all__ = ["aws", "endpoint"]


@pytest.fixture
def prompt(
    tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str, str], Prompt]:
    """Make a lake.yaml of a project and its datasets, and jobs if any, for the embedded AWS: prompt("shop", "...")."""
    lend_keys(endpoint, tmp_path)

    def make(project: str, rest: str, destroyable: bool = True) -> Prompt:
        environment = f"{{endpoint: '{endpoint}', region: us-east-1, destroyable: {str(destroyable).lower()}}}"
        file = tmp_path / "lake.yaml"
        file.write_text(f"project: {project}\nenvironments: {{local: {environment}}}\n{rest}\n")
        return Prompt(file, monkeypatch, capsys)

    return make

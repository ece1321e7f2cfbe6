"""What a deploy waits for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lake.configuration.names import Names
from lake.configuration.reading import load
from lake.deploying.lifecycle import _crawlers_are_there
from tests.lake.test_workflows import LAKE


def aws(folder: Path, there: list[str], *, endpoint: bool = False) -> Any:
    """An account (or an embedded AWS) with these crawlers."""
    text = LAKE if endpoint else LAKE.replace('endpoint: "http://127.0.0.1:4566", ', "")
    (folder / "lake.yaml").write_text(text)

    def batch_get_crawlers(**request: list[str]) -> dict[str, list[str]]:
        return {"CrawlersNotFound": [name for name in request["CrawlerNames"] if name not in there]}

    glue = SimpleNamespace(batch_get_crawlers=batch_get_crawlers)
    return SimpleNamespace(lake=load(folder / "lake.yaml"), names=Names("shop", "local", "eu", "1"), glue=glue)


@pytest.mark.parametrize(
    ("there", "ready"),
    [([], False), (["shop-local-orders"], False), (["shop-local-orders", "shop-local-customers"], True)],
)
def test_on_an_account_the_etl_stack_waits_for_the_crawlers_that_its_triggers_name(
    tmp_path: Path, there: list[str], ready: bool
) -> None:
    assert _crawlers_are_there(aws(tmp_path, there)) is ready


def test_on_the_embedded_aws_it_waits_for_none(tmp_path: Path) -> None:
    assert _crawlers_are_there(aws(tmp_path, [], endpoint=True))

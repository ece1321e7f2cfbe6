"""How the gateway encodes answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws.gateway import as_json
from local_aws.protocol import Json


@pytest.mark.parametrize(
    ("answer", "document"),
    [
        ({}, {}),
        ({"a": 1}, {"a": 1}),
        ({"Records": Json(b'[{"k": "\xc3\xbc"}]')}, {"Records": [{"k": "\u00fc"}]}),
        ({"a": "x", "Records": Json(b"[]"), "b": None}, {"a": "x", "Records": [], "b": None}),
    ],
)
def test_parts_of_an_answer_that_are_json_already_stand_among_the_others(
    answer: dict[str, Any], document: dict[str, Any]
) -> None:
    assert json.loads(as_json(answer)) == document

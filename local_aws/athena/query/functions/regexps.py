"""Regular expressions: DuckDB runs those that it reads as Java does; Python runs the others."""

from __future__ import annotations

import re
from typing import Any

from local_aws.athena.query.functions.signatures import Emit, Python, function
from local_aws.athena.query.python import regexps
from local_aws.athena.query.types import Type

_PLAIN = re.compile(
    r"'(?!.*&&)(?!.*\[[^\]]*\[)"
    r"(?:[^\\'()?*+{}]|\\[dwsDWS.]|\(\?[:i]\)?|\((?!\?)|\)|[?*+](?![?*+])|\{\d+(?:,\d*)?\}(?![?*+]))+'"
)
"""Matches a pattern that engines read alike: no look-arounds, back references, possessives, classes within classes."""


def _either(duckdb: str, python: Python) -> Emit:
    def emit(translation: Any, texts: list[str], kinds: list[Type], result: Type) -> str:
        if _PLAIN.fullmatch(texts[1]):
            return duckdb.format(*texts)
        return str(translation.python("regexp", python, texts, kinds, result))

    return emit


FUNCTIONS = [
    function("regexp_like(varchar, varchar) -> boolean", _either("regexp_matches({0}, {1})", Python(regexps.like))),
    function("regexp_extract(varchar, varchar) -> @0", Python(regexps.extract)),
    function("regexp_extract(varchar, varchar, bigint) -> @0", Python(regexps.extract)),
    function("regexp_extract_all(varchar, varchar) -> array(varchar)", Python(regexps.extract_all)),
    function("regexp_extract_all(varchar, varchar, bigint) -> array(varchar)", Python(regexps.extract_all)),
    function("regexp_replace(varchar, varchar) -> @0", Python(regexps.replace)),
    function("regexp_replace(varchar, varchar, varchar) -> varchar", Python(regexps.replace)),
    function(
        "regexp_replace(varchar, varchar, function(array(varchar),varchar)) -> varchar",
        lambda t, texts, kinds, result: t.replaced_by_lambda(texts),
    ),
    function("regexp_split(varchar, varchar) -> array(varchar)", Python(regexps.split)),
    function("regexp_count(varchar, varchar) -> bigint", Python(regexps.count)),
    function("regexp_position(varchar, varchar) -> integer", Python(regexps.position)),
    function("regexp_position(varchar, varchar, bigint) -> integer", Python(regexps.position)),
    function("regexp_position(varchar, varchar, bigint, bigint) -> integer", Python(regexps.position)),
]

"""JSON: texts read by paths; the JSON type itself is a text with sorted keys."""

from __future__ import annotations

from local_aws.athena.query.functions.signatures import Python, function
from local_aws.athena.query.python import json_texts as texts

_SOURCES = ("json", "varchar")
FUNCTIONS = [
    function("json_parse(varchar) -> json", Python(texts.parse)),
    function("json_format(json) -> varchar", "{0}"),
    *[function(f"json_extract({kind}, varchar) -> json", Python(texts.extract)) for kind in _SOURCES],
    *[function(f"json_extract_scalar({kind}, varchar) -> varchar", Python(texts.extract_scalar)) for kind in _SOURCES],
    *[function(f"json_array_length({kind}) -> bigint", Python(texts.array_length)) for kind in _SOURCES],
    *[function(f"json_array_get({kind}, bigint) -> json", Python(texts.array_get)) for kind in _SOURCES],
    *[
        function(f"json_array_contains({kind}, {value}) -> boolean", Python(texts.array_contains))
        for kind in _SOURCES
        for value in ("boolean", "bigint", "double", "varchar")
    ],
    *[function(f"json_size({kind}, varchar) -> bigint", Python(texts.size)) for kind in _SOURCES],
    *[function(f"is_json_scalar({kind}) -> boolean", Python(texts.is_scalar)) for kind in _SOURCES],
]

"""Texts: parts, searches, padding, codes and addresses."""

from __future__ import annotations

from typing import Any

from local_aws.athena.query.functions.signatures import Function, Python, function
from local_aws.athena.query.python import texts as texts_of
from local_aws.athena.query.python import urls
from local_aws.athena.query.types import VARCHAR, Type, array, map_of, varchar

_MANY = map_of(VARCHAR, array(VARCHAR))
_BLANK = " || ".join(f"chr({code})" for code in (*range(9, 14), *range(28, 33), 0x1680, *range(0x2000, 0x2007), 0x2008,
                                                 0x2009, 0x200A, 0x2028, 0x2029, 0x205F, 0x3000))  # fmt: skip


def _as_varchar(kinds: list[Type]) -> Type:
    return varchar(kinds[0].length)


def _trim(name: str) -> list[Function]:
    return [
        function(
            f"{name}(char) -> T", f"rtrim({name}({{0}}, {_BLANK}), ' ')" if name != "rtrim" else "{0}", _as_varchar
        ),
        function(f"{name}(varchar) -> @0", f"{name}({{0}}, {_BLANK})"),
        function(f"{name}(char, varchar) -> T", f"rtrim({name}({{0}}, {{1}}), ' ')", _as_varchar),
        function(f"{name}(varchar, varchar) -> @0", f"{name}({{0}}, {{1}})"),
    ]


def _char_length(_: Any, texts: list[str], kinds: list[Type], __: Type) -> str:
    return f"CASE WHEN {texts[0]} IS NOT NULL THEN CAST({kinds[0].length} AS BIGINT) END"


def _padded(_: Any, texts: list[str], kinds: list[Type], __: Type) -> str:
    return f"reverse(rpad({texts[0]}, {kinds[0].length}, ' '))"


def _part(name: str) -> list[Function]:
    return [
        function(f"{name}(varchar, bigint) -> @0", "athena_substr({0}, {1})"),
        function(f"{name}(varchar, bigint, bigint) -> @0", "athena_substr({0}, {1}, {2})"),
        function(f"{name}(char, bigint) -> T", "rtrim(athena_substr({0}, {1}), ' ')", _as_varchar),
        function(f"{name}(char, bigint, bigint) -> T", "rtrim(athena_substr({0}, {1}, {2}), ' ')", _as_varchar),
    ]


def _merged_map(t: Any, texts: list[Any], kinds: list[Type], result: Type) -> str:
    """Merge the values of one key with the lambda, from left to right."""
    many = t.python("split", Python(texts_of.split_to_multimap), texts[:3], kinds[:3], _MANY)
    entry, a, b = t.variable(), t.variable(), t.variable()
    merged = f"list_reduce({entry}.value, lambda {a}, {b}: {texts[3].apply(f'{entry}.key', a, b)})"
    return f"athena_map(map_keys({many}), list_transform(map_entries({many}), lambda {entry}: {merged}))"


def _replaced(kinds: list[Type]) -> Type:
    lengths = [kind.length for kind in kinds]
    if None in lengths:
        return varchar()
    size, _, new = (*[length or 0 for length in lengths], 0)[:3]
    return varchar(size if len(kinds) < 3 else new + size * (new + 1))


FUNCTIONS = [
    function("lower(char) -> @0", "lower({0})"),
    function("upper(char) -> @0", "athena_upper({0})"),
    function("lower(varchar) -> @0", "lower({0})"),
    function("upper(varchar) -> @0", "athena_upper({0})"),
    function("length(varchar) -> bigint", "length({0})"),
    function("length(char) -> bigint", _char_length),
    function("length(varbinary) -> bigint", "octet_length({0})"),
    function("reverse(varchar) -> @0", Python(texts_of.reverse)),
    function("reverse(char) -> @0", _padded),
    function(
        "concat_ws(varchar, array(varchar)) -> varchar",
        "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN coalesce(array_to_string({1}, {0}), '') END",
    ),
    function("concat_ws(varchar, varchar...) -> varchar", "concat_ws({*})"),
    *_part("substr"),
    *_part("substring"),
    *_trim("trim"),
    *_trim("ltrim"),
    *_trim("rtrim"),
    function("replace(varchar, varchar) -> T", "replace({0}, {1}, '')", _replaced),
    function("replace(varchar, varchar, varchar) -> T", Python(texts_of.replace), _replaced),
    function("split(varchar, varchar) -> array(varchar)", Python(texts_of.split)),
    function("split(varchar, varchar, bigint) -> array(varchar)", Python(texts_of.split)),
    function("split_part(varchar, varchar, bigint) -> varchar", "athena_split_part({0}, {1}, {2})"),
    function("split_to_map(varchar, varchar, varchar) -> map(varchar,varchar)", Python(texts_of.split_to_map)),
    function(
        "split_to_map(varchar, varchar, varchar, function(varchar,varchar,varchar,varchar)) -> map(varchar,varchar)",
        _merged_map,
    ),
    function(
        "split_to_multimap(varchar, varchar, varchar) -> map(varchar,array(varchar))",
        Python(texts_of.split_to_multimap),
    ),
    function("strpos(varchar, varchar) -> bigint", "strpos({0}, {1})"),
    function("strpos(varchar, varchar, bigint) -> bigint", Python(texts_of.strpos)),
    function("starts_with(varchar, varchar) -> boolean", "starts_with({0}, {1})"),
    function("lpad(varchar, bigint, varchar) -> varchar", Python(texts_of.lpad)),
    function("rpad(varchar, bigint, varchar) -> varchar", Python(texts_of.rpad)),
    function("chr(bigint) -> varchar(1)", Python(texts_of.chr_of)),
    function("codepoint(varchar) -> integer", Python(texts_of.codepoint)),
    function("hamming_distance(varchar, varchar) -> bigint", Python(texts_of.hamming_distance)),
    function("levenshtein_distance(varchar, varchar) -> bigint", "levenshtein({0}, {1})"),
    function("luhn_check(varchar) -> boolean", Python(texts_of.luhn_check)),
    function("normalize(varchar) -> varchar", Python(texts_of.normalize)),
    function("normalize(varchar, varchar) -> varchar", Python(texts_of.normalize)),
    function("soundex(varchar) -> varchar(4)", Python(texts_of.soundex)),
    function("translate(varchar, varchar, varchar) -> varchar", Python(texts_of.translate)),
    function("word_stem(varchar) -> varchar", Python(texts_of.word_stem)),
    function("word_stem(varchar, varchar) -> varchar", Python(texts_of.word_stem)),
    function("str_to_map(varchar) -> map(varchar,varchar)", Python(texts_of.str_to_map)),
    function("str_to_map(varchar, varchar, varchar) -> map(varchar,varchar)", Python(texts_of.str_to_map)),
    function("to_utf8(varchar) -> varbinary", "encode({0})"),
    function("from_utf8(varbinary) -> varchar", Python(texts_of.from_utf8)),
    function("from_utf8(varbinary, varchar) -> varchar", Python(texts_of.from_utf8)),
    function("from_utf8(varbinary, bigint) -> varchar", Python(texts_of.from_utf8)),
    function("url_extract_protocol(varchar) -> varchar", Python(urls.protocol)),
    function("url_extract_host(varchar) -> varchar", Python(urls.host)),
    function("url_extract_port(varchar) -> bigint", Python(urls.port)),
    function("url_extract_path(varchar) -> varchar", Python(urls.path)),
    function("url_extract_query(varchar) -> varchar", Python(urls.query)),
    function("url_extract_fragment(varchar) -> varchar", Python(urls.fragment)),
    function("url_extract_parameter(varchar, varchar) -> varchar", Python(urls.parameter)),
    function("url_encode(varchar) -> varchar", Python(urls.encode)),
    function("url_decode(varchar) -> varchar", Python(urls.decode)),
    function("color(varchar) -> color", Python(texts_of.color)),
    function("rgb(bigint, bigint, bigint) -> color", Python(texts_of.rgb)),
    function("color(double, color, color) -> color", Python(texts_of.color_between)),
    function("color(double, double, double, color, color) -> color", Python(texts_of.color_in_range)),
    function("render(varchar, color) -> varchar", Python(texts_of.render)),
    function("render(bigint, color) -> varchar", Python(texts_of.render)),
    function("render(double, color) -> varchar", Python(texts_of.render)),
    function("render(boolean) -> varchar", Python(texts_of.render_boolean)),
    function("bar(double, bigint) -> varchar", Python(texts_of.bar)),
    function("bar(double, bigint, color, color) -> varchar", Python(texts_of.bar)),
    function("uuid() -> uuid", "uuid()"),
]

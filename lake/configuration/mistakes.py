"""Error messages for a lake.yaml with wrong types: one problem per mistake, without pydantic's wording."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from lake.configuration import schema
from lake.configuration.document import inside
from lake.configuration.model import ALLOWED, COLUMN_TYPE, NAME, TYPE
from lake.configuration.place import Place, Problem
from lake.configuration.suggest import hint

TYPES = TYPE[2:-2].replace(r"|decimal\(\d+,\d+\)", "").split("|")
_KINDS = {
    "string_type": "a valid string",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "a boolean: true or false",
    "list_type": "a list, such as [a, b]",
    "dict_type": "a mapping, such as {name: ...}",
    "model_type": "a mapping",
}
_LIMITS = {
    "greater_than": "should be greater than {gt}",
    "greater_than_equal": "should be greater than or equal to {ge}",
    "less_than": "should be less than {lt}",
    "less_than_equal": "should be less than or equal to {le}",
    "too_short": "should have at least {min_length} items",
    "too_long": "should have at most {max_length} items",
    "string_too_short": "should have at least {min_length} characters",
    "string_too_long": "should have at most {max_length} characters",
    "finite_number": "should be a finite number",
    "recursion_loop": "is an alias of a value that contains it",
}
_SHOWN = 60
"""The maximum length of a quoted value, in characters."""


@dataclass(frozen=True)
class Mistake:
    """A value of a wrong type, or a missing or unknown field.

    Attributes:
        place: its place in the file.
        way: the place in pydantic's form, which includes the names of the types it tried.
        kinds: pydantic's names of the error; several if no type of a union fits.
        field: for an unknown field, the one that was probably meant: dotted if it belongs elsewhere.
    """

    place: Place
    way: tuple[str | int, ...]
    kinds: tuple[str, ...]
    given: Any
    context: Mapping[str, Any]
    field: str | None = None

    @property
    def unknown(self) -> bool:
        return self.kinds == ("extra_forbidden",)

    @property
    def of_key(self) -> bool:
        return self.way[-1:] == ("[key]",)

    @property
    def problem(self) -> Problem:
        return self.place, _message(self)


def mistakes(content: Any, error: ValidationError) -> list[Mistake]:
    """Every mistake once. For a union, only those of the type that was probably meant."""
    found = [_mistake(content, each) for each in error.errors(include_url=False)]
    chosen = _chosen([(each, _tags(content, each.way)) for each in found], 0)
    return list(_with_fields_meant(chosen))


def _mistake(content: Any, error: Any) -> Mistake:
    way = tuple(error["loc"])
    tags = _tags(content, way)
    keep = len(way) - 1 if error["type"] == "missing" else len(way)
    place = tuple(part for at, part in enumerate(way) if at not in tags or at == keep)
    return Mistake(place, way, (error["type"],), error["input"], error.get("ctx", {}))


def _tags(content: Any, way: Sequence[str | int]) -> list[int]:
    """The positions in a way that are not in the file: pydantic's names of the types it tried."""
    tags = []
    for at, part in enumerate(way):
        content, found = inside(content, part)
        if not found:
            tags.append(at)
    return tags


def _chosen(found: list[tuple[Mistake, list[int]]], number: int) -> list[Mistake]:
    """Choose a branch of each union, outermost first. `number` counts the unions on the way."""
    plain = [mistake for mistake, tags in found if _tag(mistake, tags, number) is None]
    unions: dict[Any, dict[Any, list[tuple[Mistake, list[int]]]]] = {}
    for mistake, tags in found:
        at = _tag(mistake, tags, number)
        if at is not None:
            branches = unions.setdefault(mistake.way[:at], {})
            branches.setdefault(mistake.way[at], []).append((mistake, tags))
    for way, branches in unions.items():
        plain += _branch(len(way), [_chosen(branch, number + 1) for branch in branches.values()])
    return plain


def _tag(mistake: Mistake, tags: list[int], number: int) -> int | None:
    """The position of the type name that marks a union's branch, rather than a missing field or a key."""
    choices = [at for at in tags if mistake.way[at] != "[key]"]
    if mistake.kinds == ("missing",):
        choices = [at for at in choices if at != len(mistake.way) - 1]
    return choices[number] if number < len(choices) else None


def _branch(at: int, branches: list[list[Mistake]]) -> list[Mistake]:
    """The branch that matches deepest into the file; if none matches, one mistake that names every type."""
    if len(branches) == 1:
        return branches[0]
    by_reach = {max(_reach(mistake, at) for mistake in branch): branch for branch in reversed(branches)}
    deepest = max(by_reach)
    if deepest:
        return by_reach[deepest]
    first = branches[0][0]
    kinds = dict.fromkeys(kind for branch in branches for mistake in branch for kind in mistake.kinds)
    return [Mistake(first.place, (*first.way[:at],), tuple(kinds), first.given, first.context)]


def _reach(mistake: Mistake, at: int) -> int:
    return len(mistake.way) - at - 1 + (mistake.kinds[0] not in _KINDS)


def _with_fields_meant(found: list[Mistake]) -> Iterator[Mistake]:
    """Drop the mistake of a missing field if the field is there under a misspelled name."""
    together: dict[Place, list[Mistake]] = {}
    for mistake in found:
        together.setdefault(mistake.place[:-1], []).append(mistake)
    for beside in together.values():
        unknown = [each for each in beside if each.unknown]
        meant = {each.place: schema.meant(each.way[:-1], str(each.place[-1])) for each in unknown}
        for each in beside:
            if each.kinds != ("missing",) or each.place[-1] not in meant.values():
                yield Mistake(each.place, each.way, each.kinds, each.given, each.context, meant.get(each.place))


def _message(mistake: Mistake) -> str:
    kind = mistake.kinds[0]
    if kind == "missing":
        return "is required but missing"
    if mistake.unknown:
        meant = f" Did you mean {mistake.field!r}?" if mistake.field else ""
        stop = "." if meant else ""
        return f"is not a valid field here. Allowed: {', '.join(schema.allowed(mistake.way[:-1]))}{stop}{meant}"
    if kind == "value_error":
        return f"{mistake.context['error']}. Given: {given(mistake.given)}"
    message = f"{_wrong(mistake, kind)}. Given: {given(mistake.given)}"
    meant = _meant(mistake, kind)
    return f"{message}.{meant}" if meant else message


def _wrong(mistake: Mistake, kind: str) -> str:
    if kind == "string_pattern_mismatch":
        return f"is not allowed. Allowed: {ALLOWED[mistake.context['pattern']]}"
    if kind == "literal_error":
        return f"should be {mistake.context['expected']}"
    if kind in _LIMITS:
        message = _LIMITS[kind].format(**{name: _number(limit) for name, limit in mistake.context.items()})
        return re.sub(r"(\b1 (?:item|character))s$", r"\1", message)
    kinds = [each for each in mistake.kinds if each in _KINDS]
    if "float_type" in kinds:
        kinds = [each for each in kinds if each != "int_type"]
    if kinds == ["model_type"]:
        return f"should be a mapping with its fields: {', '.join(schema.allowed(mistake.way))}"
    if len(kinds) == 1:
        return f"should be {_KINDS[kinds[0]]}"
    return f"should be {' or '.join(_KINDS[each].partition(':')[0] for each in kinds)}" if kinds else "is not allowed"


def _number(limit: Any) -> Any:
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _meant(mistake: Mistake, kind: str) -> str:
    if "string_type" in mistake.kinds and isinstance(mistake.given, int | float | date):
        return " Put it in quotes"
    if not isinstance(mistake.given, str):
        return ""
    if kind == "literal_error":
        return hint(mistake.given, re.findall(r"'([^']*)'", mistake.context["expected"]))
    if kind != "string_pattern_mismatch":
        return ""
    pattern = mistake.context["pattern"]
    if pattern in (TYPE, COLUMN_TYPE):
        return hint(mistake.given, [*TYPES, "decimal(10,2)", *(["array<string>"] if pattern == COLUMN_TYPE else [])])
    if pattern == NAME:
        name = re.sub(r"\W+", "_", mistake.given.strip()).lower()
        return f" Did you mean {name!r}?" if re.match(NAME, name) else ""
    return ""


def given(value: Any) -> str:
    """A value of the file, on one line.

    >>> given({"a": 1, "b": 2}), given(True), given(None)
    ('a mapping with a, b', 'true', 'nothing')
    """
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return _short("a mapping with " + (", ".join(map(str, value)) or "no fields"))
    if isinstance(value, list):
        return _short(f"[{', '.join(given(item) for item in value[:_SHOWN])}]")
    if isinstance(value, str):
        return repr(_short(str(value)))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | date):
        return _short(str(value))
    return "a value with a YAML tag"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."

"""The conditions of a policy's statement."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

Keys = Mapping[str, tuple[str, ...]]
"""What is known of a call, by condition key in lower case: `{"aws:sourceaccount": ("000000000000",)}`."""
_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_MANY = {"ForAnyValue": any, "ForAllValues": all}


class UnknownOperatorError(Exception):
    """A condition operator that is not evaluated here."""


def hold(conditions: Mapping[str, Mapping[str, Any]], keys: Keys) -> bool:
    """Whether every condition of a statement does. Raises UnknownOperatorError."""
    return all(
        _holds(operator, key, listed(wanted), keys)
        for operator, pairs in conditions.items()
        for key, wanted in pairs.items()
    )


def listed(value: Any) -> list[str]:
    """A policy's value, which may stand alone or in a list, as texts."""
    values = value if isinstance(value, list) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]


def filled(text: str, keys: Keys) -> str:
    """A text of a policy with its variables, `${aws:username}`, replaced; one that is not known matches nothing."""
    return _VARIABLE.sub(lambda found: keys.get(found[1].lower(), ("\0",))[0], text) if "${" in text else text


def like(pattern: str, text: str) -> bool:
    """Whether a text is as a pattern, where `*` is any text and `?` any character."""
    return _pattern(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _holds(operator: str, key: str, wanted: Sequence[str], keys: Keys) -> bool:
    quantifier, _, bare = operator.rpartition(":")
    given = keys.get(key.lower(), ())
    if bare == "Null":
        return (not given) == (wanted[0].lower() == "true")
    if not given and bare.endswith("IfExists"):
        return True
    name = bare.removesuffix("IfExists")
    negated, compared = _operator(name)
    values = [filled(each, keys) for each in wanted]
    if not given:
        return quantifier == "ForAllValues" or (negated and quantifier != "ForAnyValue")
    found = [any(compared(value, each) for value in values) != negated for each in given]
    return _MANY.get(quantifier, all)(found)


def _operator(name: str) -> tuple[bool, Callable[[str, str], bool]]:
    """Whether it is negated, and how a wanted value and a given one are compared."""
    if name in _OPERATORS:
        return False, _OPERATORS[name]
    positive = name.replace("Not", "", 1)
    if "Not" in name and positive in _OPERATORS:
        return True, _OPERATORS[positive]
    raise UnknownOperatorError(f"the embedded AWS does not evaluate the condition operator {name}")


def _equal(wanted: str, given: str) -> bool:
    return wanted == given


def _equal_in_any_case(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


def _within(wanted: str, given: str) -> bool:
    return ip_address(given) in ip_network(wanted, strict=False)


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": _equal_in_any_case,
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": _equal_in_any_case,
    "IpAddress": _within,
    "NumericEquals": lambda wanted, given: float(given) == float(wanted),
    "NumericLessThan": lambda wanted, given: float(given) < float(wanted),
    "NumericLessThanEquals": lambda wanted, given: float(given) <= float(wanted),
    "NumericGreaterThan": lambda wanted, given: float(given) > float(wanted),
    "NumericGreaterThanEquals": lambda wanted, given: float(given) >= float(wanted),
}

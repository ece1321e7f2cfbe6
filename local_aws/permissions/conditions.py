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

_ABOUT = ("principalaccount", "principalarn", "requestedregion", "securetransport", "tagkeys", "username")
_SOURCES = ("sourceaccount", "sourcearn", "sourceip", "sourceowner")
_OF_S3 = ("delimiter", "max-keys", "prefix", "versionid")
_KNOWN = {f"aws:{name}" for name in (*_ABOUT, *_SOURCES)} | {f"s3:{name}" for name in _OF_S3}
_KNOWN |= {"cloudwatch:namespace", "iam:passedtoservice", "kms:resourcealiases", "kms:viaservice"}
_KNOWN |= {"sts:externalid", "sts:rolesessionname"}
_FAMILIES = ("aws:requesttag/", "kms:encryptioncontext:", "s3:requestobjecttag/", "s3:x-amz-")
"""The condition keys that a call is given where it has them: another one is not known to be absent."""


class NotEvaluatedError(Exception):
    """An operator, a key or a value of a condition that is not evaluated here."""


def hold(conditions: Mapping[str, Mapping[str, Any]], keys: Keys) -> bool:
    """Whether every condition of a statement does. Raises NotEvaluatedError."""
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
    """A text of a policy with its variables, `${aws:username}`, replaced; one that a call has not matches nothing.

    Raises NotEvaluatedError.
    """
    return _VARIABLE.sub(lambda found: (_given(found[1], keys) or ("\0",))[0], text) if "${" in text else text


def like(pattern: str, text: str) -> bool:
    """Whether a text is as a pattern, where `*` is any text and `?` any character."""
    return _pattern(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _holds(operator: str, key: str, wanted: Sequence[str], keys: Keys) -> bool:
    quantifier, _, bare = operator.rpartition(":")
    name = bare.removesuffix("IfExists")
    if name == "Null":
        return (not _given(key, keys)) == (wanted[0].lower() == "true")
    negated, compared = _operator(name)
    given = _given(key, keys)
    if not given and bare.endswith("IfExists"):
        return True
    values = [filled(each, keys) for each in wanted]
    if not given:
        return quantifier == "ForAllValues" or (negated and quantifier != "ForAnyValue")
    try:
        found = [any(compared(value, each) for value in values) != negated for each in given]
    except ValueError:
        raise NotEvaluatedError(f"{name} cannot compare {', '.join(given)} with {', '.join(values)}") from None
    return _MANY.get(quantifier, all)(found)


def _given(key: str, keys: Keys) -> tuple[str, ...]:
    """What a call has of a key; nothing where it has none of it."""
    name = key.lower()
    if name in keys or name in _KNOWN or name.startswith(_FAMILIES):
        return keys.get(name, ())
    raise NotEvaluatedError(f"the embedded AWS does not evaluate the condition key {key}")


def _operator(name: str) -> tuple[bool, Callable[[str, str], bool]]:
    """Whether it is negated, and how a wanted value and a given one are compared."""
    if name in _OPERATORS:
        return False, _OPERATORS[name]
    positive = name.replace("Not", "", 1)
    if "Not" in name and positive in _OPERATORS:
        return True, _OPERATORS[positive]
    raise NotEvaluatedError(f"the embedded AWS does not evaluate the condition operator {name}")


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

"""Pages of a list. A page begins after the last item of the one before, whatever was added or deleted meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from local_aws.protocol import AwsError, Document

Place = tuple[Any, ...]
"""Where an item is in its list: texts and numbers that no other item has."""
PAGE = 100


class Backwards(str):
    """A text in a place, for a list that goes from Z to A."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)

    def __gt__(self, other: str) -> bool:
        return str.__lt__(self, other)


def paged(
    field: str,
    items: Iterable[Any],
    payload: Document,
    place: Callable[[Any], Place],
    largest: int = PAGE,
    error: str = "InvalidInputException",
) -> Document:
    """Return a page of the items in the order of their places; `NextToken` is the place of its last one.

    Raises:
        AwsError: `error`, for a token that no page had.
    """
    token = payload.get("NextToken")
    try:
        after = _place_in(str(token)) if token else ()
        placed = sorted(((found, item) for item in items if (found := place(item)) > after), key=lambda pair: pair[0])
    except TypeError:
        raise AwsError(error, f"NextToken '{token}' is invalid: give the one of the page before") from None
    size = min(payload.get("MaxResults") or largest, largest)
    more = {"NextToken": json.dumps(placed[size - 1][0])} if size < len(placed) else {}
    return {field: [item for _, item in placed[:size]], **more}


def newest(time: str, name: str) -> Callable[[Document], Place]:
    """Places in a list with the newest first, by the fields that have the time and the name."""
    return lambda item: (-item[time], item[name])


def _place_in(token: str) -> Place:
    """Raises TypeError."""
    try:
        place = json.loads(token)
    except ValueError:
        raise TypeError from None
    if not isinstance(place, list):
        raise TypeError
    return tuple(place)

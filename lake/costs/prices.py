"""The table of prices: a CSV file that says of each price where and when it was so."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import get_type_hints

from lake.errors import BadInput

TABLE = Path(__file__).parent / "prices.csv"


@dataclass(frozen=True)
class Price:
    """A price in US dollars a unit.

    Attributes:
        region: that it is of.
        as_of: the last day on which it is known to have been so; None if nobody has checked it against the page.
        page: of AWS that tells it.
    """

    name: str
    usd: float
    unit: str
    region: str
    as_of: date | None
    page: str


class Prices(Mapping[str, Price]):
    """The prices of a region by their names.

    Args:
        file: a table with the columns of `TABLE`.

    Raises:
        BadInput: the file cannot be read, or lacks a price.
    """

    def __init__(self, region: str, file: Path = TABLE) -> None:
        found = _read(file)
        regions = {price.region for price in found}
        self.region = region if region in regions else found[0].region
        self._by_name = {price.name: price for price in found if price.region == self.region}
        if file != TABLE and (lacks := [name for name in Prices(region) if name not in self._by_name]):
            raise BadInput(f"{file}: there is no price of {', '.join(lacks)} for {self.region}. Add a line for each")

    @property
    def oldest(self) -> date | None:
        return min((price.as_of for price in self.values() if price.as_of), default=None)

    @property
    def unchecked(self) -> list[str]:
        return [price.name for price in self.values() if price.as_of is None]

    def __getitem__(self, name: str) -> Price:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


def _read(file: Path) -> list[Price]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            found = [_price(file, line, number) for number, line in enumerate(csv.DictReader(lines), 2)]
    except UnicodeDecodeError:
        raise BadInput(f"{file}: is not UTF-8 text. Save it as UTF-8") from None
    if not found:
        raise BadInput(f"{file}: there is no price in it. Begin with a copy of {TABLE}")
    return found


def _price(file: Path, line: Mapping[str, str | None], number: int) -> Price:
    try:
        text = {column: (line[column] or "").strip() for column in COLUMNS}
        usd = float(text["usd"])
        if not 0 <= usd < float("inf"):
            raise ValueError(usd)
        as_of = date.fromisoformat(text["as_of"]) if text["as_of"] else None
        return Price(**{**text, "usd": usd, "as_of": as_of})  # type: ignore[arg-type]
    except (KeyError, ValueError):
        raise BadInput(
            f"{file}, line {number}: this is no price. Allowed: {','.join(COLUMNS)} with usd as a number and as_of as "
            "a day, such as 2026-01-31, or empty"
        ) from None


COLUMNS = tuple(get_type_hints(Price))

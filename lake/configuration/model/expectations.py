"""What the rows of a table have to be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lake.configuration.model.base import CONDITION, Columns, Keys, Model, Name


class Rows(Model):
    min: Annotated[int, Field(ge=0)] | None = None
    """At least this many rows."""
    max: Annotated[int, Field(ge=0)] | None = None
    """At most this many rows."""


class Fresh(Model):
    column: Name
    """A date or timestamp."""
    hours: Annotated[int, Field(ge=1)]
    """No value is older than this at the start of the run."""


class Refers(Model):
    to: Name
    """The dataset that must have the key."""
    on: Keys
    """The key or keys; a mapping where the other side has them under other names."""


class Expectation(Model):
    """A rule for the rows that go to the sink: exactly one of the settings before `where`."""

    complete: Columns | None = None
    """Columns that are never null."""
    unique: Columns | None = None
    """No two rows have the same values in these columns. All rows of a duplicate fail."""
    in_: dict[Name, list[str | int | float | None]] | None = Field(None, alias="in")
    """Column: the allowed values. Null fails unless it is one of them."""
    between: dict[Name, Annotated[list[int | float | None], Field(min_length=2, max_length=2)]] | None = None
    """Column: the least and the greatest value, or null for no limit. Null fails."""
    matches: dict[Name, str] | None = None
    """Column: the Java regular expression that the whole text has to match. Null fails."""
    rows: Rows | None = None
    """How many rows there are."""
    fresh: Fresh | None = None
    """No value of a date or timestamp is too old."""
    refers: Refers | None = None
    """Every key is in another dataset."""
    where: Annotated[str, Field(pattern=CONDITION)] | None = None
    """SQL condition: check only the rows for which it is true, such as `tailnum IS NOT NULL`."""
    at_least: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of rows that has to pass. Without it, all rows."""
    otherwise: Literal["fail", "quarantine", "warn"] = "fail"
    """If rows fail: publish nothing (`fail`), set those rows aside (`quarantine`), or only warn."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Expectation:
        checks = [name for name in type(self).model_fields if name not in ("where", "at_least", "otherwise")]
        if sum(getattr(self, name) is not None for name in checks) != 1:
            raise ValueError(f"an expectation is exactly one of: {', '.join(checks).replace('in_', 'in')}")
        return self

    def datasets(self) -> dict[tuple[str, ...], str]:
        """The datasets it reads, by the place in lake.yaml that names them."""
        return {("refers", "to"): self.refers.to} if self.refers else {}

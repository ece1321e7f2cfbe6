"""Rules that the rows of a table must meet."""

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
    """A date or timestamp column."""
    hours: Annotated[int, Field(ge=1)]
    """The maximum age of a value at the start of the run."""


class Refers(Model):
    to: Name
    """The dataset that must contain the key."""
    on: Keys
    """The key or keys; a mapping if the other dataset uses different names."""


class Expectation(Model):
    """A rule for the rows that go to the sink: exactly one of the settings before `where`."""

    complete: Columns | None = None
    """Columns that must not be null."""
    unique: Columns | None = None
    """No two rows may have the same values in these columns. All rows of a duplicate fail."""
    in_: dict[Name, list[str | int | float | None]] | None = Field(None, alias="in")
    """Column: its allowed values. Null fails unless it is listed."""
    between: dict[Name, Annotated[list[int | float | None], Field(min_length=2, max_length=2)]] | None = None
    """Column: its minimum and maximum, or null for no limit. Null values fail."""
    matches: dict[Name, str] | None = None
    """Column: a Java regular expression that the entire value must match. Null fails."""
    rows: Rows | None = None
    """The number of rows."""
    fresh: Fresh | None = None
    """No value of a date or timestamp column is too old."""
    refers: Refers | None = None
    """Every key exists in another dataset."""
    where: Annotated[str, Field(pattern=CONDITION)] | None = None
    """A SQL condition, such as `tailnum IS NOT NULL`: check only rows for which it is true."""
    at_least: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of rows that must pass. Default: all rows."""
    otherwise: Literal["fail", "quarantine", "warn"] = "fail"
    """If rows fail: publish nothing (`fail`), quarantine those rows, or only warn."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Expectation:
        checks = [name for name in type(self).model_fields if name not in ("where", "at_least", "otherwise")]
        if sum(getattr(self, name) is not None for name in checks) != 1:
            raise ValueError(f"an expectation is exactly one of: {', '.join(checks).replace('in_', 'in')}")
        return self

    def datasets(self) -> dict[tuple[str, ...], str]:
        """The datasets it reads, by the place in lake.yaml that names them."""
        return {("refers", "to"): self.refers.to} if self.refers else {}

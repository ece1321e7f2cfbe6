"""The transforms of a job."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from lake.configuration.model.base import FUNCTION, Columns, ColumnType, Keys, Model, Name

Format = Literal["parquet", "orc", "json", "csv", "avro"]
Compression = Literal["zstd", "snappy", "gzip", "zlib", "deflate", "bzip2", "none"]


class Function(Model):
    function: Annotated[str, Field(pattern=FUNCTION)]
    """`module.function` in a file of `py_files`. It takes the DataFrame and returns a Column."""


class DropNullFields(Model):
    also: list[str | int | float] = []
    """Values that count as null, such as `["", "null", -1]`: text in string columns, numbers in numeric ones."""


class Join(Model):
    with_: Name = Field(alias="with")
    """The other dataset."""
    on: Keys
    """One key or several; a mapping if the other dataset uses different names."""
    how: Literal["inner", "left", "right", "full", "semi", "anti"] = "inner"
    """The type of join. `semi` keeps the step's rows that have a match, `anti` those that have none."""
    take: dict[Name, Name] | list[Name] | None = None
    """Columns to take from the other dataset. A mapping renames them. Default: all columns; `[]`: none."""
    cast_right: dict[Name, ColumnType] = {}
    """Column of the other dataset: the type to which it is cast for the join."""


class Lookup(Model):
    from_: Name = Field(alias="from")
    """The dataset to look in."""
    on: Keys
    """The key or keys; a mapping if the other dataset uses different names."""
    take: Name
    """The column that holds the value."""
    default: str | int | float | None = None
    """The value if the key is missing. It must fit the column's type exactly."""
    on_many: Literal["error", "first"] = "error"
    """If a key has several values: fail, or use the smallest."""


class Map(Model):
    add: dict[Name, str | Function] = {}
    """New column: a SQL expression, or `{function: module.function}`."""
    rename: dict[Name, Name] = {}
    """Column: its new name. All are renamed at once, so two columns can swap names."""
    cast: dict[Name, ColumnType] = {}
    """Column: its new type."""
    on_error: Literal["null", "quarantine", "fail"] = "null"
    """If a value cannot be cast: make it null, quarantine its row, or fail the run."""
    lookup: dict[Name, Lookup] = {}
    """New column: the dataset that provides its value."""
    delete: list[Name] = []
    """Columns to remove, after everything else."""

    @field_validator("on_error", mode="before", json_schema_input_type=Literal["null", "quarantine", "fail"] | None)
    @classmethod
    def _null_is_a_word_here(cls, on_error: Any) -> Any:
        return "null" if on_error is None else on_error


class Dedupe(Model):
    by: Columns = []
    """Rows with the same values in these columns are duplicates. Default: rows that are equal in every column."""
    newest: Name | None = None
    """Keep the duplicate with the largest value in this column."""


class Convert(Model):
    format: Format | None = None
    """The file format of the sink."""
    compression: Compression | None = None
    """The compression of the sink."""
    target_file_mb: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """The approximate file size."""


class FindMatches(Model):
    columns: Annotated[dict[Name, Literal["name", "date", "address", "code"]], Field(min_length=1)]
    """The columns to compare, each with the kind of its values."""
    id: Name
    """The column that identifies a record: unique and never null."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """Records match at this probability or above."""
    blocking: list[Annotated[list[Name], Field(min_length=1)]] = []
    """Compare only records that agree on all columns of one of these lists. Default: chosen automatically."""
    compare: dict[Name, list[Annotated[int, Field(ge=1)]]] = {}
    """Column: the edit distances that count as near. Default: by the kind of the column."""
    known: Name | None = None
    """A dataset with `match_id`, or the job's own table. Its records keep their id; new records are matched to them."""


class Step(Model):
    """One transform. Set exactly one of these."""

    drop_fields: list[Name] | None = None
    """Remove these columns."""
    drop_null_fields: DropNullFields | None = None
    """`{}`: remove the columns that are null in every row."""
    filter: str | Function | None = None
    """A SQL condition, or `{function: module.function}`. Rows for which it is not true are removed and counted."""
    find_matches: FindMatches | None = None
    """Find duplicates: records of the same thing get the same `match_id`."""
    join: Join | None = None
    """Join another dataset."""
    map: Map | None = None
    """Add, cast, look up, rename and delete columns."""
    dedupe: Dedupe | None = None
    """Keep one row of each group of duplicates. The others are counted."""
    convert: Convert | None = None
    """How the sink writes its files. These replace the sink's own settings."""
    sql: str | None = None
    """A Spark SQL query. The step's data is `input`; other datasets go by their names."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Step:
        if len(self.model_fields_set) != 1:
            allowed = ", ".join(type(self).model_fields)
            raise ValueError(f"a step is exactly one of: {allowed}")
        return self

    def datasets(self) -> dict[tuple[str, ...], str]:
        """The other datasets that the step reads, by their place in lake.yaml."""
        lookups = self.map.lookup if self.map else {}
        named = {("map", "lookup", column, "from"): lookup.from_ for column, lookup in lookups.items()}
        return named | ({("join", "with"): self.join.with_} if self.join else {})

    def functions(self) -> list[tuple[str, ...]]:
        """The places in the step that name a Python function."""
        added = self.map.add if self.map else {}
        named = [("map", "add", column) for column, given in added.items() if isinstance(given, Function)]
        return [*named, *([("filter",)] if isinstance(self.filter, Function) else [])]

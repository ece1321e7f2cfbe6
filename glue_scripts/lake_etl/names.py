"""Column names: how to quote them in SQL, and which are reserved for the lake."""

import re

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn
from pyspark.sql.types import DataType, _parse_datatype_string

from lake_etl.errors import JobError

OWN = "_lake_"  # prefix of helper columns, which the data must not use
FIELD = r"`[^`]*`|(?<=[<,])\s*([^`<>,]+):"  # what is quoted, or a struct's field, which the catalog does not quote


def quoted(name: str) -> str:
    """Quote the name for Spark SQL, whatever its characters: user.id is one name, not a field of user."""
    return f"`{name.replace('`', '``')}`"


def double_quoted(name: str) -> str:
    """Quote the name for databases and DuckDB, where dots are part of it too."""
    return '"' + name.replace('"', '""') + '"'


def column(name: str) -> Column:
    return fn.col(quoted(name))


def parsed_type(text: str) -> DataType:
    """Return a type of the catalog. Its fields may have any names without a comma or an angle bracket."""
    return _parse_datatype_string(re.sub(FIELD, lambda f: f"{quoted(f[1].strip())}:" if f[1] else f[0], text))


def type_of(frame: DataFrame, name: str) -> DataType:
    """Return the type of an existing column. Case does not matter, as in Spark."""
    return next(field.dataType for field in frame.schema if field.name.lower() == name.lower())


def check_own(frame: DataFrame, where: str = "the data") -> None:
    """Raise JobError for a column with a reserved name."""
    for name in frame.columns:
        if name.lower().startswith(OWN):
            raise JobError(f"{where} has a column '{name}': names that begin with {OWN} are reserved. Rename it")


def check_comparable(frame: DataFrame, names: list[str], what: str) -> None:
    """Raise JobError for a column that Spark cannot compare: one that is or contains a map."""
    for name in names:
        if "map<" in (type_ := type_of(frame, name).simpleString()):
            raise JobError(f"{what}: column {name} is {type_}, and maps cannot be compared. Leave the column out")

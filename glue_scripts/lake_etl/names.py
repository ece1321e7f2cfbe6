"""The names of columns: how SQL has them, and which are the lake's own."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as fn
from pyspark.sql.types import DataType

from lake_etl.errors import JobError

OWN = "_lake_"  # what the names of helper columns begin with, so that none of the data is in their way


def quoted(name: str) -> str:
    """The name as SQL has it, whatever its characters: user.id is one name, and not a field of user."""
    return f"`{name.replace('`', '``')}`"


def double_quoted(name: str) -> str:
    """The same, as databases and DuckDB have it: dots are part of it."""
    return '"' + name.replace('"', '""') + '"'


def column(name: str) -> Column:
    return fn.col(quoted(name))


def type_of(frame: DataFrame, name: str) -> DataType:
    """The type of a column that is there. Case does not matter, as in Spark."""
    return next(field.dataType for field in frame.schema if field.name.lower() == name.lower())


def check_own(frame: DataFrame, where: str = "the data") -> None:
    """Raise JobError for a column that has a name of the lake's own."""
    for name in frame.columns:
        if name.lower().startswith(OWN):
            raise JobError(f"{where} has a column '{name}': names that begin with {OWN} are the lake's own. Rename it")


def check_comparable(frame: DataFrame, names: list[str], what: str) -> None:
    """Raise JobError for a column that Spark cannot compare: one that is or holds a map."""
    for name in names:
        if "map<" in (type_ := type_of(frame, name).simpleString()):
            raise JobError(f"{what}: column {name} is {type_}, and maps cannot be compared. Leave the column out")

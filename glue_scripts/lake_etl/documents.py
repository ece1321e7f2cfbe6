"""JSON whose records lie inside documents: a crawler's classifier said where (`$.records[*]`, `$.detail`)."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn

NOTHING_THERE = "_lake_nothing_there"


def records(files: DataFrame, path: str, columns: dict[str, str], corrupt: str) -> DataFrame:
    """A row per record of whole files.

    Args:
        files: `value` is the text of a file: one document, or one a line. Other columns stay.
        path: of the records within a document; with `[*]` at its end, each element is one.
        columns: name -> Spark type of the records' fields.
        corrupt: the column for the text of a record that does not fit them, or of a document that has no record there;
            `_lake_nothing_there` tells the two apart.
    """
    place = path.removesuffix("[*]")
    many = f"from_json(get_json_object(document, '{place}'), 'array<string>')"
    one = f"array(get_json_object(document, '{place}'))"
    found = files.withColumn("document", fn.expr(_DOCUMENTS)).drop("value")
    found = found.withColumn("record", fn.expr(f"explode(coalesce({many if path != place else one}, array(NULL)))"))
    schema = ", ".join(f"`{name}` {type_}" for name, type_ in {**columns, corrupt: "string"}.items())
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": corrupt}
    read = found.withColumn("read", fn.from_json("record", schema, options))
    read = read.withColumn(NOTHING_THERE, fn.col("record").isNull())
    bad = fn.when(fn.col(NOTHING_THERE), fn.col("document")).otherwise(fn.col(f"read.`{corrupt}`"))
    fields = {name: fn.col(f"read.`{name}`") for name in columns} | {corrupt: bad}
    return read.withColumns(fields).drop("document", "record", "read")


_DOCUMENTS = r"""explode(
    CASE WHEN get_json_object(split(value, '\n')[0], '$') IS NOT NULL
    THEN filter(split(value, '\n'), line -> trim(line) <> '') ELSE array(value) END)"""

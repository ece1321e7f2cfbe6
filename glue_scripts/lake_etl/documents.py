"""JSON records inside documents, at the path of the crawler's classifier (`$.records[*]`, `$.detail`)."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn

RECORD, DOCUMENT = "_lake_record", "_lake_document"


def records_at(files: DataFrame, path: str) -> DataFrame:
    """Return a row per record of whole files.

    Args:
        files: `value` is the text of a file, with one document, or one per line. Other columns stay.
        path: path of the records within a document; with `[*]` at its end, each element is a record.

    Returns:
        `_lake_record`, the record's text, null if the document has none at the path; `_lake_document`; other columns.
    """
    place = path.removesuffix("[*]")
    many = f"from_json(get_json_object({DOCUMENT}, '{place}'), 'array<string>')"
    one = f"array(get_json_object({DOCUMENT}, '{place}'))"
    found = files.withColumn(DOCUMENT, fn.expr(_DOCUMENTS)).drop("value")
    return found.withColumn(RECORD, fn.expr(f"explode(coalesce({many if path != place else one}, array(NULL)))"))


_DOCUMENTS = r"""explode(
    CASE WHEN get_json_object(split(value, '\n')[0], '$') IS NOT NULL
    THEN filter(split(value, '\n'), line -> trim(line) <> '') ELSE array(value) END)"""

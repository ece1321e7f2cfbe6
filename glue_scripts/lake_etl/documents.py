"""JSON records inside documents, at the path of the crawler's classifier (`$.records[*]`, `$.detail`)."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn

from lake_etl.values import text

RECORD, DOCUMENT, FAULT = "_lake_record", "_lake_document", "_lake_fault"
MORE = "there is more than one document: write one document a line, or one in a file"


def records_at(files: DataFrame, path: str) -> DataFrame:
    """Return a row per record of whole files.

    Args:
        files: `value` is the text of a file, with one document, or one per line. Other columns stay.
        path: path of the records within a document; with `[*]` at its end, each element is a record.

    Returns:
        `_lake_record`, the record's text, null if the document has none at the path; `_lake_document`; `_lake_fault`,
        why a document with something at the path gives no records, else null; other columns.
    """
    place = f"get_json_object({DOCUMENT}, '{path.removesuffix('[*]')}')"
    found = f"from_json({place}, 'array<string>')" if path.endswith("[*]") else f"array({place})"
    documents = files.withColumn(DOCUMENT, fn.expr(_LINES)).withColumn(DOCUMENT, fn.expr(_DOCUMENTS)).drop("value")
    documents = documents.withColumn(FAULT, fn.expr(f"IF({place} IS NULL OR {_ALONE}, NULL, {text(MORE)})"))
    return documents.withColumn(RECORD, fn.expr(f"explode(coalesce(IF({FAULT} IS NULL, {found}, NULL), array(NULL)))"))


_LINES = r"filter(split(value, '\n'), line -> trim(BOTH ' \t\r' FROM line) <> '')"
_DOCUMENTS = f"explode(IF(get_json_object(get({DOCUMENT}, 0), '$') IS NULL, array(value), {DOCUMENT}))"
# get_json_object ends at the end of the first document, and takes control characters as they are.
_ALONE = (
    f"coalesce(size(from_json(concat('[', {DOCUMENT}, ']'), 'array<string>', "
    "map('allowUnquotedControlChars', 'true'))) = 1, false)"
)

"""ORC, a file by Arrow each; columns go by their names, and one that the file has not is null."""

from __future__ import annotations

from local_aws.athena.errors import DATA_ERROR, QueryFailed
from local_aws.athena.readers.source import Scope, Source, typed_null
from local_aws.athena.types import sql_name, sql_string
from local_aws.mirror import S3File


def sources(scope: Scope) -> list[Source]:
    """The rows of a table's files.

    Raises:
        QueryFailed: for a file that is no ORC.
    """
    return [_source(scope, number, file) for number, file in enumerate(scope.files)]


def _source(scope: Scope, number: int, file: S3File) -> Source:
    import pyarrow.dataset as ds  # 50 MB, which only ORC needs

    view = f"{scope.name}_orc_{number}"
    try:
        data = ds.dataset(str(file.path), format="orc")
    except (ValueError, OSError) as error:
        raise QueryFailed(f"HIVE_BAD_DATA: {file.uri} is no valid ORC file", DATA_ERROR) from error
    scope.con.register(view, data)
    there = {name.lower(): f"f.{sql_name(name)}" for name in data.schema.names}
    values = [there.get(column.name) or typed_null(column) for column in scope.table.columns]
    return Source(f"SELECT {sql_string(str(file.path))} AS filename, * FROM {view}", values)

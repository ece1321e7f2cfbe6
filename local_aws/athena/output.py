"""Writes rows as files of a table in S3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlglot import exp

from local_aws.athena import definitions, unfinished
from local_aws.athena.ddl.with_properties import Written
from local_aws.athena.errors import QueryFailed
from local_aws.athena.hive_types import duckdb_type, parsed
from local_aws.athena.lazy_text import cell
from local_aws.athena.leaves import changed
from local_aws.athena.query import catalog_type, register
from local_aws.athena.query.coercion import coerces, common
from local_aws.athena.query.nodes import Output
from local_aws.athena.query.types import UNKNOWN, Type, in_tree, of_catalog
from local_aws.athena.readers.lazy_simple import marks_of
from local_aws.athena.session import Session
from local_aws.athena.types import sql_name, sql_string
from local_aws.mirror import split_uri

MOST_PARTITIONS = 100
"""The maximum number of partitions that a statement may write to, as on AWS."""
_COPY = {"PARQUET": "FORMAT parquet", "JSON": "FORMAT json", "TEXTFILE": "FORMAT csv, QUOTE ''"}
_SUFFIX = {"PARQUET": ".parquet", "JSON": ".json", "TEXTFILE": ".txt"}
_PACKED = {"gzip": ".gz", "zstd": ".zst"}

Columns = list[tuple[str, str]]
"""(name, Hive type)"""
Files = list[tuple[list[str], str]]
"""(partition values, uri)"""
Places = Mapping[tuple[str, ...], str | None]
"""The folders of partitions that exist, by their values; None for one whose files are read by another SerDe."""


def prepared(query: Any, session: Session, wanted: Columns | None = None) -> tuple[str, Columns]:
    """Return a query's DuckDB text, with columns named as in `wanted` or by themselves, and their Hive types."""
    if not isinstance(query, exp.Query | exp.Values):
        raise QueryFailed("SYNTAX_ERROR: a query is needed here: SELECT, WITH, VALUES or TABLE")
    made = session.translated(query)
    if wanted is None:
        columns = named_columns(made.outputs)
        wanted, kinds = [(name, catalog_type(kind)) for name, kind in columns.items()], None
    else:
        kinds = [of_catalog(kind) for _, kind in wanted]
        _refuse_others([output.type for output in made.outputs], wanted, kinds)
    sql = made.as_stored([name for name, _ in wanted], kinds)
    made.prepare(session.con, sql)
    return sql, wanted


def named_columns(outputs: Sequence[Output]) -> dict[str, Type]:
    """Return the columns of a table or a view that a query creates.

    Raises:
        QueryFailed: a column has no name, no type, or the name of another column.
    """
    columns: dict[str, Type] = {}
    for place, output in enumerate(outputs, 1):
        if output.name is None:
            raise QueryFailed(f"MISSING_COLUMN_NAME: Column name not specified at position {place}")
        name = output.name.lower()
        if output.type == UNKNOWN:
            raise QueryFailed(f"COLUMN_TYPE_UNKNOWN: Column type is unknown: {name}; cast it: CAST(NULL AS varchar)")
        if name in columns:
            raise QueryFailed(f"DUPLICATE_COLUMN_NAME: Column name '{name}' specified more than once")
        columns[name] = output.type
    return columns


def _refuse_others(types: Sequence[Type], wanted: Columns, kinds: Sequence[Type]) -> None:
    names = [name for name, _ in wanted]
    if len(types) != len(wanted):
        raise QueryFailed(
            f"TYPE_MISMATCH: Insert query has {len(types)} columns, the table takes {len(names)}: {', '.join(names)}"
        )
    for own, due, name in zip(types, kinds, names, strict=True):
        if not (coerces(own, due) if _is_bounded_inside(due) else common(own, due)):
            raise QueryFailed(
                f"TYPE_MISMATCH: Insert query has mismatched column types: column {name} of the table is {due}, "
                f"and the query gives {own}"
            )


def _is_bounded_inside(kind: Type) -> bool:
    """Whether a text inside of a type has a greatest length: values are cut nowhere inside of others."""
    return any(part.is_text and part.length is not None for child in kind.children for part in in_tree(child))


def write(
    session: Session,
    query: str,
    columns: Columns,
    how: Written,
    table: tuple[str, str] | None = None,
    places: Places | None = None,
) -> tuple[Files, int]:
    """Write the rows as files of one format. `table` names the table or statement.

    Raises:
        QueryFailed: the rows have more partitions than one statement may write, or are of one that cannot be written.
    """
    folder = session.work / f"{session.execution}.data"
    folder.mkdir(parents=True)
    stored = ", ".join(f"{_stored(name, kind, how)} AS {sql_name(name)}" for name, kind in columns)
    register(session.con, {}, stored)
    suffix = _SUFFIX[how.kind] + ("" if how.kind == "PARQUET" else _PACKED.get(how.compression, ""))
    target = folder if how.keys else folder / f"part-0{suffix}"
    row = session.con.execute(
        f"COPY (SELECT {stored} FROM ({query})) TO {sql_string(str(target))} ({_settings(how, suffix)})"
    ).fetchone()
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    _refuse_many(how, paths)
    targets = [_target(path.relative_to(folder), how, places or {}) for path in paths]
    catalog, home = session.catalog, how.location.rstrip("/") + "/"
    elsewhere = {place for _, place in targets if not place.startswith(home)}
    unfinished.note(catalog.context, session.execution, catalog.glue.meta.region_name, home, table, elsewhere)
    uploaded = [(values, _upload(session, path, place)) for path, (values, place) in zip(paths, targets, strict=True)]
    return uploaded, int(row[0]) if row else 0


def _stored(name: str, hive: str, how: Written) -> str:
    """Return SQL for a column as the files hold it: text and JSON hold bytes in base64."""
    value, kind = f"CAST({sql_name(name)} AS {duckdb_type(hive)})", parsed(hive)
    if name in how.keys or how.kind == "PARQUET":
        return value
    if how.kind == "TEXTFILE":
        return cell(value, kind, marks_of(how.options))
    return changed(value, kind, lambda text, leaf: f"base64({text})" if leaf.name == "binary" else text)


def _refuse_many(how: Written, paths: Iterable[Path]) -> None:
    if how.keys and len({path.parent for path in paths}) > MOST_PARTITIONS:
        raise QueryFailed(
            f"HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of {MOST_PARTITIONS} open writers for partitions/buckets; "
            "write them by several INSERT INTO, each of fewer"
        )


def _settings(how: Written, suffix: str) -> str:
    parts = [_COPY[how.kind]]
    if how.kind == "PARQUET" or how.compression:
        parts.append(f"COMPRESSION {sql_string(how.compression or 'snappy')}")
    if how.level and how.kind == "PARQUET":
        parts.append(f"COMPRESSION_LEVEL {how.level}")
    if how.kind == "TEXTFILE":
        marks = marks_of(how.options)
        parts += [f"DELIM {sql_string(marks.delimiters[0])}", f"NULLSTR {sql_string(marks.null)}"]
        parts.append(f"HEADER {str(how.has_header).lower()}")
    if how.keys:
        parts.append(f"PARTITION_BY ({', '.join(map(sql_name, how.keys))})")
        parts.append(f"FILE_EXTENSION {sql_string(suffix[1:])}")
    return ", ".join(parts)


def _target(file: Path, how: Written, places: Places) -> tuple[list[str], str]:
    """Return the partition of a file that DuckDB wrote, and its folder in S3: where the partition is, if it exists."""
    values = [unquote(part.partition("=")[2]) for part in file.parts[: len(how.keys)]]
    place = places.get(tuple(values), "")
    if place is None:
        raise QueryFailed(
            f"NOT_SUPPORTED: INSERT INTO: the partition ({', '.join(values)}) has another SerDe than its table; "
            "drop it and add it again, or put the files there in another way"
        )
    return values, place or definitions.partition_folder(how.location, how.keys, values)


def _upload(session: Session, path: Path, place: str) -> str:
    bucket, prefix = split_uri(place)
    key = f"{prefix}{session.execution}_{path.name}"
    session.catalog.context.client("s3").upload_file(str(path), bucket, key)
    path.unlink()
    return f"s3://{bucket}/{key}"


def folders(written: Files) -> Files:
    """Return the partitions of the files: (values, folder)."""
    return list({tuple(values): (values, uri.rpartition("/")[0] + "/") for values, uri in written}.values())

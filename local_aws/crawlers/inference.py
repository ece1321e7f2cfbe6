"""Infers columns from files: DuckDB reads all files of a format in one query, completely, and reports their types."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from local_aws.athena.readers.lines import raw_lines
from local_aws.crawlers.formats import Format
from local_aws.crawlers.hive import VOID, arrow_to_hive, hive_type, widened
from local_aws.mirror import S3File
from local_aws.plain_text import UnreadableError, write_plain

Warn = Callable[[str], None]
Structure = Any
"""A JSON value's structure as DuckDB reports it: a type name, an object of structures, or a list of one."""

_INTEGER = r"[+-]?[0-9]+"
_DOUBLE = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_BOOLEAN = r"[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]"
_LONG_INTEGER = "decimal(38,0)"
"""Of cells with integers that `bigint` does not hold, until it is settled what the first line is.

They become `string`, as AWS's classifier knows no `decimal`, and a double would lose digits.
"""
_CELL_TYPES = {"double": _DOUBLE, "boolean": _BOOLEAN}
"""Cells are not trimmed, as in AWS's classifiers: the SerDes do not accept a number after a blank."""
_HAS_LONG = "bool_or(regexp_matches(json::VARCHAR, '[0-9]{10}'))"
"""Whether a file may have an integer too large for `int`: checking each of its numbers costs much more."""
_JSON_INTEGERS = ("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT")
_INT_LIMIT, _BIGINT_LIMIT = 2**31, 2**63
_LARGEST_TYPE = "decimal(20,0)"
"""Of integers that `bigint` does not hold. DuckDB reads those that need more than 64 bits as DOUBLE."""
_Path = tuple[str | None, ...]
"""The keys to a value of a JSON record; None stands for all items of an array."""
_LONGEST_NAME = 150
_PARQUET_SHAPE = "concat_ws('|', name, type, type_length, num_children, converted_type, scale, precision, logical_type)"
_CSV_BUFFER = 8 * 1024 * 1024
"""In bytes. DuckDB holds several buffers per thread, four times as large by default. A line has to fit in one."""
_MAXIMUM_DOCUMENT = 256 * 1024 * 1024


@dataclass(frozen=True)
class Schema:
    """One file's Hive types by column, its number of records, and for JSON the spelling of its keys."""

    format: Format
    columns: dict[str, str]
    records: int
    spellings: dict[str, str] = field(default_factory=dict)


Read = Callable[[Sequence[S3File]], dict[S3File, Schema]]


def schemas(formats: Mapping[S3File, Format], warn: Warn) -> dict[S3File, Schema]:
    """Return the schema of each readable file. Warnings name the others."""
    found: dict[S3File, Schema] = {}
    with duckdb.connect() as db:
        db.execute("SET enable_progress_bar = false")  # It would appear in the output of a dry run.
        for dialect, files in _by_dialect(formats).items():
            found |= _of_dialect(db, dialect, files, warn)
    columns = _with_headers({file: (formats[file], schema) for file, schema in found.items()})
    return {file: columns[file] for file in formats if file in columns}


def _of_dialect(
    db: duckdb.DuckDBPyConnection, dialect: Format, files: Sequence[S3File], warn: Warn
) -> dict[S3File, Schema]:
    if dialect.compression == "bzip2":
        return _of_copies(db, dialect, files, warn)
    read = partial(_READERS[dialect.classification], db, dialect, warn)
    if dialect.layout != "newline_delimited":
        return _tolerant(read, files, warn)
    return _tolerant(read, files, warn, partial(_read_json, db, replace(dialect, layout="lines"), warn))


def _of_copies(
    db: duckdb.DuckDBPyConnection, dialect: Format, files: Sequence[S3File], warn: Warn
) -> dict[S3File, Schema]:
    """Return the schemas of files that DuckDB cannot decompress, from decompressed copies."""
    with TemporaryDirectory() as folder:
        copies: dict[S3File, S3File] = {}
        for number, file in enumerate(files):
            copy = replace(file, path=Path(folder, str(number)))
            try:
                write_plain(file.path, ".bz2", "utf-8", copy.path)
                copies[copy] = file
            except UnreadableError as error:
                warn(f"Skipped {file.uri}: it {error}")
        found = _of_dialect(db, replace(dialect, compression="none"), list(copies), warn) if copies else {}
    return {copies[copy]: replace(schema, format=dialect) for copy, schema in found.items()}


def _by_dialect(formats: Mapping[S3File, Format]) -> dict[Format, list[S3File]]:
    """Group the files that one query can read together."""
    dialects = defaultdict(list)
    for file, fmt in formats.items():
        dialects[replace(fmt, first_row=(), names=(), header="UNKNOWN", quoted=False)].append(file)
    return dialects


def _tolerant(read: Read, files: Sequence[S3File], warn: Warn, otherwise: Read | None = None) -> dict[S3File, Schema]:
    """Read all files at once; if one fails, halve the set until that file is alone.

    It is then read with `otherwise`; if that fails too, a warning names it.
    """
    try:
        return read(files)
    except (duckdb.Error, ValueError, OSError) as error:  # Arrow raises ValueError.
        if len(files) == 1 and otherwise:
            return _tolerant(otherwise, files, warn)
        if len(files) == 1:
            line = re.search(r"\bline:? (\d+)", str(error), re.I)
            hint = f", see its line {line[1]}" if line else ""
            warn(f"Skipped {files[0].uri}: it is damaged, or not in the format that it begins with{hint}")
            return {}
    middle = len(files) // 2
    return _tolerant(read, files[:middle], warn, otherwise) | _tolerant(read, files[middle:], warn, otherwise)


def _read_orc(
    db: duckdb.DuckDBPyConnection, dialect: Format, warn: Warn, files: Sequence[S3File]
) -> dict[S3File, Schema]:
    import pyarrow.orc as orc  # 50 MB of memory that only ORC needs

    found: dict[S3File, Schema] = {}
    for file in files:
        read = orc.ORCFile(str(file.path))
        columns = {field.name.lower(): arrow_to_hive(field.type) for field in read.schema}
        found[file] = Schema(dialect, columns, read.nrows)
    return found


def _paths(files: Iterable[S3File]) -> dict[str, S3File]:
    return {str(file.path): file for file in files}


def _read_parquet(
    db: duckdb.DuckDBPyConnection, dialect: Format, warn: Warn, files: Sequence[S3File]
) -> dict[S3File, Schema]:
    paths = _paths(files)
    shapes = db.execute(
        f"SELECT list(file_name) FROM (SELECT file_name, string_agg({_PARQUET_SHAPE}) AS shape "
        "FROM parquet_schema(?) GROUP BY file_name) GROUP BY shape",
        [list(paths)],
    ).fetchall()
    records = dict(db.execute("SELECT file_name, num_rows FROM parquet_file_metadata(?)", [list(paths)]).fetchall())
    found: dict[S3File, Schema] = {}
    for (names,) in shapes:
        one = f"read_parquet({_literal(names[0])}, hive_partitioning=false)"
        columns = {name.lower(): hive_type(kind) for name, kind, *_ in db.execute(f"DESCRIBE FROM {one}").fetchall()}
        found |= {paths[name]: Schema(dialect, columns, records[name]) for name in names}
    return found


def _read_json(
    db: duckdb.DuckDBPyConnection, dialect: Format, warn: Warn, files: Sequence[S3File]
) -> dict[S3File, Schema]:
    paths, source = _paths(files), _json_source(dialect)
    rows = db.execute(
        f"SELECT filename, count(*), count(json), json_group_structure(json), {_HAS_LONG} FROM {source} "
        "GROUP BY filename",
        [list(paths)],
    ).fetchall()
    structures = {name: json.loads(structure) for name, _, _, structure, _ in rows if structure}
    if dialect.layout == "newline_delimited" and not all(isinstance(found, dict) for found in structures.values()):
        raise ValueError("a line is JSON but not an object")
    long = [name for name, *_, has_long in rows if has_long and name in structures]
    wide = _wide_integers(db, source, long, [structures[name] for name in long])
    for name, lines, good, *_ in rows:
        if good < lines:
            warn(f"{paths[name].uri}: {lines - good} of {lines} lines are not JSON and were skipped")
    records = {name: good for name, _, good, *_ in rows}
    return {
        paths[name]: Schema(dialect, _json_columns(structure, wide.get(name, {})), records[name], _spelled(structure))
        for name, structure in structures.items()
    }


def _json_source(dialect: Format) -> str:
    if dialect.layout == "lines":
        return (
            f"(SELECT filename, if(json_valid(line), line::JSON, NULL) AS json FROM {raw_lines('?')} WHERE line <> '')"
        )
    lenient = "true" if dialect.layout == "newline_delimited" else "false"
    size = "" if dialect.layout == "newline_delimited" else f", maximum_object_size={_MAXIMUM_DOCUMENT}"
    objects = (
        f"read_json_objects(?, format='{dialect.layout}', compression='{dialect.compression}', "
        f"ignore_errors={lenient}, filename=true{size})"
    )
    if not dialect.json_path:
        return objects
    path = _literal(dialect.json_path)
    many = "*" in dialect.json_path
    records = f"unnest(json_extract(json, {path}))" if many else f"json_extract(json, {path})"
    return f"(SELECT filename, {records} AS json FROM {objects})"


def _wide_integers(
    db: duckdb.DuckDBPyConnection, source: str, paths: list[str], structures: Iterable[Structure]
) -> dict[str, dict[_Path, str]]:
    """Return, by file, the types of the integers that are too large for `int`."""
    leaves = list(dict.fromkeys(path for structure in structures for path in _integer_leaves(structure, ())))
    if not leaves:
        return {}
    sizes = ", ".join(f"max({_size(path)})" for path in leaves)
    rows = db.execute(f"SELECT filename, {sizes} FROM {source} GROUP BY filename", [paths]).fetchall()
    return {
        name: {
            path: "bigint" if size < _BIGINT_LIMIT else _LARGEST_TYPE
            for path, size in zip(leaves, found, strict=True)
            if size and size >= _INT_LIMIT
        }
        for name, *found in rows
    }


def _size(path: _Path, value: str = "json") -> str:
    """SQL for the largest integer at a path, or for `-1 - n` of a negative one, which has as many bits."""
    if None not in path:
        number = f"try_cast({_at(value, path)} AS HUGEINT)"
        return f"greatest({number}, -1 - {number})"
    keys, rest = path[: path.index(None)], path[path.index(None) + 1 :]
    item = f"x{len(rest)}"
    return f"list_max(list_transform(try_cast({_at(value, keys)} AS JSON[]), lambda {item}: {_size(rest, item)}))"


def _at(value: str, keys: _Path) -> str:
    """SQL for a part of a JSON value. Not by a JSONPath, which cannot escape a double quote."""
    pointer = "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)
    return f"json_extract({value}, {_literal(pointer)})" if keys else value


def _integer_leaves(structure: Structure, path: _Path) -> Iterable[_Path]:
    if isinstance(structure, dict):
        for name, inner in structure.items():
            yield from _integer_leaves(inner, (*path, name))
    elif isinstance(structure, list):
        for inner in structure:
            yield from _integer_leaves(inner, (*path, None))
    elif structure in _JSON_INTEGERS:
        yield path


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _json_columns(structure: Structure, wide: dict[_Path, str]) -> dict[str, str]:
    """Return the columns of records; a bare array is a single column called `array`, as in Glue."""
    if not isinstance(structure, dict):
        return {"array": _json_type(structure, (), wide)} if isinstance(structure, list) else {}
    columns: dict[str, str] = {}
    for name, inner in structure.items():
        kind = _json_type(inner, (name,), wide)
        columns[name.lower()] = widened(columns.get(name.lower(), VOID), kind)
    return columns


def _spelled(structure: Structure) -> dict[str, str]:
    return {name.lower(): name for name in structure} if isinstance(structure, dict) else {}


def _json_type(structure: Structure, path: _Path, wide: dict[_Path, str]) -> str:
    """Return the Hive type of a structure. Keys that differ only in case are one field, as for the SerDes."""
    if isinstance(structure, dict):
        fields: dict[str, str] = {}
        for name, inner in structure.items():
            key = name.lower() if re.fullmatch(r"\w+", name) else f"`{name.lower().replace('`', '')}`"
            fields[key] = widened(fields.get(key, VOID), _json_type(inner, (*path, name), wide))
        return f"struct<{','.join(f'{key}:{kind}' for key, kind in fields.items())}>" if fields else "string"
    if isinstance(structure, list):
        return f"array<{_json_type(structure[0], (*path, None), wide) if structure else VOID}>"
    if structure in _JSON_INTEGERS:
        return wide.get(path, "int")
    return hive_type(str(structure))


def _read_csv(
    db: duckdb.DuckDBPyConnection, dialect: Format, warn: Warn, files: Sequence[S3File]
) -> dict[S3File, Schema]:
    """Infer types from all lines but the first, whose meaning depends on them."""
    paths, cells = _paths(files), [f"c{i}" for i in range(dialect.width)]
    columns = ", ".join(f"'{cell}': 'VARCHAR'" for cell in cells)
    rows = db.execute(
        f"SELECT filename, count(*), {', '.join(map(_cell_type_sql, cells))} "
        "FROM read_csv(?, auto_detect=false, "
        f"header=false, skip=1, delim={_literal(dialect.delimiter)}, quote={_literal(dialect.quote)}, "
        f"escape={_literal(dialect.quote)}, compression='{dialect.compression}', columns={{{columns}}}, "
        f"filename=true, store_rejects=true, rejects_limit=0, buffer_size={_CSV_BUFFER}) GROUP BY filename",
        [list(paths)],
    ).fetchall()
    _warn_of_rejects(db, paths, warn)
    found = {name: Schema(dialect, dict(zip(cells, types, strict=True)), count) for name, count, *types in rows}
    empty = Schema(dialect, dict.fromkeys(cells, VOID), 0)
    return {file: found.get(name, empty) for name, file in paths.items()}


def _cell_type_sql(cell: str) -> str:
    filled = f"FILTER (trim({cell}) <> '')"

    def when(pattern: str, kind: str) -> str:
        return f"WHEN bool_and(regexp_full_match({cell}, '{pattern}')) {filled} THEN {kind}"

    integer = f"if(bool_and(try_cast({cell} AS BIGINT) IS NOT NULL) {filled}, 'bigint', '{_LONG_INTEGER}')"
    tests = [when(_INTEGER, integer), *(when(pattern, f"'{kind}'") for kind, pattern in _CELL_TYPES.items())]
    return f"CASE WHEN count(*) {filled} = 0 THEN '{VOID}' {' '.join(tests)} ELSE 'string' END"


def _cell_type(cell: str) -> str:
    if not cell.strip():
        return VOID
    if re.fullmatch(_INTEGER, cell):
        return "bigint" if -_BIGINT_LIMIT <= int(cell) < _BIGINT_LIMIT else _LONG_INTEGER
    return next((kind for kind, pattern in _CELL_TYPES.items() if re.fullmatch(pattern, cell)), "string")


def _warn_of_rejects(db: duckdb.DuckDBPyConnection, paths: dict[str, S3File], warn: Warn) -> None:
    rejects = db.execute(
        "SELECT file_path, count(DISTINCT line), min(line) FROM reject_errors JOIN reject_scans "
        "USING (scan_id, file_id) GROUP BY file_path"
    ).fetchall()
    for path, lines, first in rejects:
        warn(f"{paths[path].uri}: {lines} lines do not fit its columns and were skipped, from line {first}")
    db.execute("DROP TABLE reject_errors")
    db.execute("DROP TABLE reject_scans")


def _with_headers(found: Mapping[S3File, tuple[Format, Schema]]) -> dict[S3File, Schema]:
    """Return the schemas, with the names of CSV columns settled.

    A first line is a header if all its cells are strings and some column below it is not, in this file or in
    another one with the same first line. Otherwise the columns are col0, col1, ...
    """
    csv = {file: pair for file, pair in found.items() if pair[0].classification == "csv"}
    headers = {fmt.first_row for fmt, schema in csv.values() if _is_header(fmt, schema)}
    settled = {file: _named(fmt, schema, fmt.first_row in headers) for file, (fmt, schema) in csv.items()}
    return {file: settled.get(file, schema) for file, (_, schema) in found.items()}


def _is_header(fmt: Format, schema: Schema) -> bool:
    cells = fmt.first_row
    *most, last = cells
    strings = all(_cell_type(cell) == "string" for cell in most) and _cell_type(last) in ("string", VOID)
    short = all(len(cell) < _LONGEST_NAME for cell in most)
    different = any(kind not in ("string", VOID) for kind in schema.columns.values())
    return len(cells) == fmt.width and strings and short and different


def _named(fmt: Format, schema: Schema, looks_like_header: bool) -> Schema:
    header = fmt.header == "PRESENT" or (fmt.header == "UNKNOWN" and looks_like_header)
    types, records = list(schema.columns.values()), schema.records
    if not header and len(fmt.first_row) == fmt.width:
        types = [widened(kind, _cell_type(cell)) for kind, cell in zip(types, fmt.first_row, strict=True)]
        records += 1
    types = ["string" if kind == _LONG_INTEGER else kind for kind in types]
    names = fmt.names or (fmt.first_row if header and len(fmt.first_row) == fmt.width else ("",) * fmt.width)
    settled = replace(fmt, header="PRESENT" if header else "ABSENT")
    return Schema(settled, dict(zip(_column_names(names), types, strict=True)), records)


def _column_names(cells: Sequence[str]) -> list[str]:
    """Return names in lower case, none empty, none duplicated."""
    names: list[str] = []
    for position, cell in enumerate(cells):
        name = cell.strip().lower() or f"col{position}"
        names.append(name if name not in names else f"{name}_{position}")
    return names


_READERS = {"csv": _read_csv, "json": _read_json, "orc": _read_orc, "parquet": _read_parquet}

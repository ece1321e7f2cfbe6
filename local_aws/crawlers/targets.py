"""The objects of a crawler's S3 target: which of them are data, and which table each belongs to."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from local_aws.crawlers.hive import merged
from local_aws.crawlers.inference import Schema, Warn
from local_aws.mirror import S3File, split_uri
from local_aws.protocol import Document

_SIMILARITY = 0.7
NULL = "__HIVE_DEFAULT_PARTITION__"
"""Hive's name of an empty partition value, which Glue does not accept."""
_PARTITION_FOLDER = re.compile(r"[^=]+=.*|\d[\d_:T.Z-]*")
_GLOB = re.compile(r"\*\*|\*|\?|\{[^}]*\}|\[[^]]*\]|.", re.DOTALL)

Folder = tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """One of a crawler's `S3Targets`. `sample_size`: files per folder, 0 for all."""

    bucket: str
    prefix: str
    exclusions: tuple[re.Pattern[str], ...] = ()
    sample_size: int = 0

    @classmethod
    def of(cls, document: Document) -> Target:
        bucket, key = split_uri(document["Path"])
        prefix = key if not key or key.endswith("/") or PurePosixPath(key).suffix else f"{key}/"
        patterns = tuple(_glob(pattern) for pattern in document.get("Exclusions", []))
        return cls(bucket, prefix, patterns, document.get("SampleSize") or 0)

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def folder(self) -> Folder:
        return folder_at(f"s3://{self.bucket}/{self.prefix.rpartition('/')[0]}")

    @property
    def is_folder(self) -> bool:
        return not self.prefix or self.prefix.endswith("/")

    def holds(self, file: S3File) -> bool:
        """Whether the object is data: not hidden (`_`, `.`), not empty, not excluded."""
        path = file.key.removeprefix(self.prefix)
        hidden = any(part.startswith(("_", ".")) for part in path.split("/"))
        return file.size > 0 and not hidden and not any(glob.fullmatch(path) for glob in self.exclusions)

    def sampled(self, files: Iterable[S3File]) -> list[S3File]:
        """Return the first `sample_size` files of each folder."""
        seen: Counter[Folder] = Counter()
        taken = []
        for file in files:
            seen[folder_of(file)] += 1
            if not self.sample_size or seen[folder_of(file)] <= self.sample_size:
                taken.append(file)
        return taken


@dataclass(frozen=True)
class Grouping:
    """How a crawler's `Configuration` groups files. `level` counts from the bucket, which is 1."""

    level: int = 0
    combine: bool = False

    @classmethod
    def of(cls, configuration: Document) -> Grouping:
        grouping = configuration.get("Grouping", {})
        return cls(
            grouping.get("TableLevelConfiguration") or 0,
            grouping.get("TableGroupingPolicy") == "CombineCompatibleSchemas",
        )


@dataclass
class FoundTable:
    """The files of one table.

    Attributes:
        path: folders of the table, bucket first; the last may be the name of a single file.
        keys: names of the partition keys.
        partitions: files by partition values; only the key `()` if there are no partitions.
    """

    path: Folder
    single_file: bool = False
    keys: tuple[str, ...] = ()
    partitions: dict[tuple[str, ...], list[S3File]] = field(default_factory=dict)

    @classmethod
    def of_file(cls, file: S3File) -> FoundTable:
        return cls((file.bucket, *file.key.split("/")), True, (), {(): [file]})

    @property
    def location(self) -> str:
        return f"s3://{'/'.join(self.path)}{'' if self.single_file else '/'}"

    @property
    def files(self) -> list[S3File]:
        return [file for files in self.partitions.values() for file in files]

    @property
    def name(self) -> str:
        return re.sub(r"[^a-z0-9]", "_", self.path[-1].lower()) or "_"


def folder_of(file: S3File) -> Folder:
    return (file.bucket, *file.key.split("/")[:-1])


def folder_at(location: str) -> Folder:
    """Return the folder of an `s3://` location."""
    bucket, key = split_uri(location)
    return (bucket, *key.removesuffix("/").split("/")) if key else (bucket,)


def tables(target: Folder, schemas: Mapping[S3File, Schema], grouping: Grouping, warn: Warn) -> list[FoundTable]:
    """Return the tables of the files under a target.

    It is one table if its folders have similar schemas, else one table per folder. Folders named `key=value`
    or like a number or date are partitions, never tables. Differing files in one folder are a table
    each.
    """
    if grouping.level:
        return list(_by_level(max(grouping.level, len(target)), schemas, warn))
    return list(_split(target, dict(schemas), grouping.combine, warn))


def _by_level(level: int, schemas: Mapping[S3File, Schema], warn: Warn) -> Iterator[FoundTable]:
    by_folder: dict[Folder, dict[S3File, Schema]] = defaultdict(dict)
    for file, schema in schemas.items():
        if len(folder_of(file)) < level:
            warn(f"Skipped {file.uri}: it lies above the table level {level}")
        else:
            by_folder[folder_of(file)[:level]][file] = schema
    for folder, held in by_folder.items():
        yield partitioned(folder, held, warn)


def _split(folder: Folder, schemas: dict[S3File, Schema], combine: bool, warn: Warn) -> Iterator[FoundTable]:
    children: dict[Folder, dict[S3File, Schema]] = defaultdict(dict)
    for file, schema in schemas.items():
        children[_table_folders(folder, file)[: len(folder) + 1]][file] = schema
    here = children.pop(folder, {})
    if not here and len(children) == 1:
        ((child, held),) = children.items()
        yield from _split(child, held, combine, warn)
    elif children and _alike([here, *children.values()] if here else list(children.values()), combine):
        yield partitioned(folder, schemas, warn)
    else:
        yield from _side_by_side(folder, here, warn)
        for child, held in children.items():
            yield from _split(child, held, combine, warn)


def _table_folders(folder: Folder, file: S3File) -> Folder:
    """Return the folders down to the first one that can only be a partition."""
    below = folder_of(file)[len(folder) :]
    return (*folder, *takewhile(lambda part: not _PARTITION_FOLDER.fullmatch(part), below))


def _side_by_side(folder: Folder, schemas: dict[S3File, Schema], warn: Warn) -> Iterator[FoundTable]:
    if not schemas:
        return
    flat = all(folder_of(file) == folder for file in schemas)
    if flat and not _alike([{file: schema} for file, schema in schemas.items()], combine=True):
        for file in schemas:
            yield FoundTable.of_file(file)
    else:
        yield partitioned(folder, schemas, warn)


def _alike(groups: Sequence[dict[S3File, Schema]], combine: bool) -> bool:
    """Whether groups of files could be one table: one layout, and mostly the same columns.

    `combine` also accepts columns that are a subset of the others.
    """
    layouts = {_layout(schema) for group in groups for schema in group.values()}
    shapes = [set().union(*(schema.columns for schema in group.values())) for group in groups]
    known = shapes[0]
    for shape in shapes[1:]:
        similar = len(known & shape) >= _SIMILARITY * max(len(known), len(shape))
        if not similar and not (combine and (known <= shape or shape <= known)):
            return False
        known = known | shape
    return len(layouts) == 1


def _layout(schema: Schema) -> tuple[object, ...]:
    fmt = schema.format
    headless = fmt.width if fmt.header == "ABSENT" and not fmt.names else 0
    return fmt.classification, fmt.delimiter, fmt.serde, fmt.json_path, fmt.header, headless


def partitioned(folder: Folder, schemas: Mapping[S3File, Schema], warn: Warn) -> FoundTable:
    """Return one table of these files. Files with a rarer layout or folder depth are left out, with a warning each."""
    layouts = {file: _layout(schema)[:3] for file, schema in schemas.items()}
    kept = _of_most_common(schemas, layouts, Counter(layouts.values()), warn)
    signatures = {file: _signature(folder, file) for file in kept}
    # A folder has one vote, however many files it has: a few files beside the partitions do not outvote them.
    votes = Counter(signature for _, signature in dict.fromkeys((folder_of(file), signatures[file]) for file in kept))
    kept = _of_most_common(kept, signatures, votes, warn)
    table = FoundTable(folder, keys=_keys(_signature(folder, next(iter(kept)))))
    homes: dict[tuple[str, ...], Folder] = {}
    for file in sorted(kept, key=lambda file: NULL not in file.key):
        values = tuple(_key_and_value(part)[1] for part in folder_of(file)[len(folder) :]) if table.keys else ()
        if table.keys and homes.setdefault(values, folder_of(file)) != folder_of(file):
            warn(f"Left out {file.uri}: another folder holds the partition {', '.join(values)}")
        else:
            table.partitions.setdefault(values, []).append(file)
    return table


def _of_most_common(
    schemas: Mapping[S3File, Schema], traits: Mapping[S3File, tuple[object, ...]], votes: Counter[Any], warn: Warn
) -> dict[S3File, Schema]:
    files = Counter(traits.values())
    # At equal votes, folders with named keys win, then more files, then deeper folders.
    usual = max(votes, key=lambda trait: (votes[trait], bool(trait) and all(trait), files[trait], len(trait)))
    for file, trait in traits.items():
        if trait != usual:
            warn(f"Left out {file.uri}: its format or its folders differ from the rest of its table")
    return {file: schema for file, schema in schemas.items() if traits[file] == usual}


def _signature(folder: Folder, file: S3File) -> tuple[str, ...]:
    return tuple(_key_and_value(part)[0] for part in folder_of(file)[len(folder) :])


def _keys(signature: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of partition keys; folders without one are partition_0, partition_1, ..."""
    counter = iter(range(len(signature)))
    return tuple(key or f"partition_{next(counter)}" for key in signature)


def _key_and_value(part: str) -> tuple[str, str]:
    key, equals, value = part.partition("=")
    return (key.lower(), unquote(value) or NULL) if equals and key else ("", part or NULL)


def table_columns(table: FoundTable, files: Iterable[S3File], schemas: Mapping[S3File, Schema]) -> dict[str, str]:
    """Return the columns of some of a table's files, without the partition keys."""
    columns: dict[str, str] = {}
    for shape in dict.fromkeys(tuple(schemas[file].columns.items()) for file in files if file in schemas):
        columns = merged(columns, dict(shape))
    return {name: kind for name, kind in columns.items() if name not in table.keys}


def _glob(pattern: str) -> re.Pattern[str]:
    """Compile a Glue exclusion: `*` within a folder, `**` across folders, `?`, `[a-z]`, `{a,b}`."""
    return re.compile("".join(_as_regex(token) for token in _GLOB.findall(pattern)))


def _as_regex(token: str) -> str:
    plain = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in plain:
        return plain[token]
    if len(token) > 1 and token[0] == "{":
        return f"(?:{'|'.join(_glob(option).pattern for option in token[1:-1].split(','))})"
    if len(token) > 1:
        return "[^" + token[2:] if token[1] == "!" else token
    return re.escape(token)

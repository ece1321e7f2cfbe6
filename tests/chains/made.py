"""Random chains of steps on random files, with what must come of them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from tests.chains import reference
from tests.chains.reference import Data, Row

NAMES = ("id", "name", "user.id", "a b", "caf\u00e9", "x/y", "o'k", "select", "line", "_id", "raw", "q`t", "batch")
FILES = ("a", "b c", "caf\u00e9", "x%20y", "[1]", "a+b", "q?", "#h")
FOLDERS = {
    "1": "1",
    "01": "01",
    "S\u00e3o": "S\u00e3o",
    "a b": "a b",
    "x/y": "x%2Fy",
    None: "__HIVE_DEFAULT_PARTITION__",
}
TEXTS = ("", "a", "A", "12", " 7 ", "-3", "x,y", 'say "hi"', "it's", "back\\slash", "\u00e9\U0001f600", "NULL", "1.5")
TYPES = ("bigint", "double", "string", "boolean")
NESTED = "struct<userid:bigint,tags:array<string>>"
ARROW = {"bigint": pa.int64(), "double": pa.float64(), "string": pa.string(), "boolean": pa.bool_()}
ARROW[NESTED] = pa.struct([("userid", pa.int64()), ("tags", pa.list_(pa.string()))])
FORMATS = ("json", "csv", "text", "parquet")


@dataclass(frozen=True)
class Table:
    """A dataset: data has the partition key, if there is one, as its last column."""

    format: str
    data: Data
    keys: dict[str, str]
    files: dict[str, bytes]
    parameters: dict[str, str]

    @property
    def columns(self) -> dict[str, str]:
        return {name: type_ for name, type_ in self.data.columns.items() if name not in self.keys}


@dataclass
class Chain:
    """Steps, the tables that they read (`source` and `other`), and the data that come of them."""

    tables: dict[str, Table]
    steps: list[Any] = field(default_factory=list)
    due: Data = field(default_factory=lambda: Data({}, []))


def chain(number: int) -> Chain:
    """The same for the same number."""
    chance = random.Random(number)
    found = Chain({"source": _table(chance, {}), "other": _table(chance, {"k": "bigint", "v": "string"})})
    found.due = found.tables["source"].data
    for _ in range(chance.randint(1, 4)):
        makers = [maker for maker in STEPS if chance.random() < 0.7] or STEPS
        for maker in chance.sample(makers, len(makers)):
            if (made := maker(chance, found.due, found.tables["other"].data)) is not None:
                step, found.due = made
                found.steps.append(step)
                break
    return found


def _table(chance: random.Random, columns: dict[str, str]) -> Table:
    format_ = chance.choice(FORMATS)
    names = chance.sample(NAMES, chance.randint(2, 5))
    kinds = [*TYPES, NESTED] if format_ in ("json", "parquet") else TYPES
    columns = columns or {name: chance.choice(kinds) for name in names}
    keys = {"p": "string"} if chance.random() < 0.5 else {}
    rows: list[Row] = []
    files = {}
    for file in chance.sample(FILES, chance.randint(1, 3)):
        value = chance.choice(list(FOLDERS))
        some = [{name: _value(chance, type_, format_) for name, type_ in columns.items()} for _ in range(7)]
        files[(f"p={FOLDERS[value]}/" if keys else "") + file] = WRITERS[format_](chance, columns, some)
        rows += [{**row, "p": value} if keys else row for row in some]
    given = {"field.delim": ",", "escape.delim": "\\"} if format_ == "text" else {}
    return Table(format_, Data({**columns, **keys}, rows), keys, files, given)


def _value(chance: random.Random, type_: str, format_: str) -> Any:
    if chance.random() < 0.2:
        return "" if (type_, format_) == ("string", "csv") else None  # OpenCSVSerde knows no null
    if type_ == "bigint":
        return chance.choice((0, 1, 2, 3, -5, 2**53 + 1))
    if type_ == "double":
        return chance.choice((0.5, -1.25, 3.0, 1e10, float("nan")))
    if type_ == NESTED:
        return {"userid": chance.choice((1, None)), "tags": chance.choice((["a", "B"], [], None))}
    return chance.choice(TEXTS) if type_ == "string" else chance.random() < 0.5


def _json(chance: random.Random, columns: dict[str, str], rows: list[Row]) -> bytes:
    """Each file spells its keys in its own way."""
    spell: Callable[[str], str] = chance.choice((str, str.upper, str.title))

    def spelled(value: Any) -> Any:
        if isinstance(value, dict):
            return {spell(name): spelled(each) for name, each in value.items()}
        return "NaN" if reference.is_nan(value) else value

    lines = (json.dumps(spelled(row), ensure_ascii=chance.random() < 0.5) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()


def _csv(chance: random.Random, columns: dict[str, str], rows: list[Row]) -> bytes:
    def text(value: Any) -> str:
        if isinstance(value, str):
            value = value.replace("\\", "\\\\")
            return '"' + value.replace('"', chance.choice(('""', '\\"'))) + '"'
        return "" if value is None else _plain(value)

    return "".join(",".join(text(row[name]) for name in columns) + "\n" for row in rows).encode()


def _text(chance: random.Random, columns: dict[str, str], rows: list[Row]) -> bytes:
    def text(value: Any) -> str:
        escaped = _plain(value).replace("\\", "\\\\").replace(",", "\\,")
        return "\\N" if value is None else escaped

    return "".join(",".join(text(row[name]) for name in columns) + "\n" for row in rows).encode()


def _plain(value: Any) -> str:
    return "NaN" if reference.is_nan(value) else str(value).lower() if isinstance(value, bool) else str(value)


def _parquet(chance: random.Random, columns: dict[str, str], rows: list[Row]) -> bytes:
    names = chance.sample(list(columns), len(columns))
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table({name: pa.array([row[name] for row in rows], ARROW[columns[name]]) for name in names}), sink
    )
    return bytes(sink.getvalue())


WRITERS = {"json": _json, "csv": _csv, "text": _text, "parquet": _parquet}


def sql(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _of(data: Data, *types: str) -> list[str]:
    return [name for name, type_ in data.columns.items() if type_ in types]


def _free(chance: random.Random, data: Data) -> str:
    return chance.choice(
        [name for name in (*NAMES, "new", "New 2") if name.lower() not in map(str.lower, data.columns)]
    )


def _drop_fields(chance: random.Random, data: Data, other: Data) -> Any:
    if len(data.columns) < 2:
        return None
    names = chance.sample(list(data.columns), 1)
    return {"drop_fields": names}, reference.drop_fields(data, names)


def _drop_null_fields(chance: random.Random, data: Data, other: Data) -> Any:
    found = reference.drop_null_fields(data)
    return ({"drop_null_fields": {}}, found) if found.columns else None


def _filter(chance: random.Random, data: Data, other: Data) -> Any:
    conditions: list[tuple[str, tuple[str, ...], Callable[[Any], bool]]] = [
        ("{} IS NOT NULL", (*TYPES, NESTED), lambda value: True),
        ("{} > 1", ("bigint",), lambda value: value > 1),
        ("{} > 0.75", ("double",), lambda value: reference.is_nan(value) or value > 0.75),
        ("{} <> 'a'", ("string",), lambda value: value != "a"),
        ("NOT {}", ("boolean",), lambda value: not value),
    ]
    text, types, holds = chance.choice(conditions)
    if not (names := _of(data, *types)):
        return None
    name = chance.choice(names)
    return {"filter": text.format(sql(name))}, reference.filtered(data, name, holds)


def _rename(chance: random.Random, data: Data, other: Data) -> Any:
    if len(data.columns) < 2:
        return None
    one, two = chance.sample(list(data.columns), 2)
    names = chance.choice(({one: two, two: one}, {one: _free(chance, data)}))
    return {"map": {"rename": names}}, reference.renamed(data, names)


def _add(chance: random.Random, data: Data, other: Data) -> Any:
    expressions: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "bigint": ("{} + 1", lambda value: value + 1),
        "double": ("{} * 2", lambda value: value * 2),
        "string": ("concat({}, '!')", lambda value: f"{value}!"),
        "boolean": ("NOT {}", lambda value: not value),
    }
    if not (names := _of(data, *expressions)):
        return None
    name, new = chance.choice(names), _free(chance, data)
    text, of = expressions[data.columns[name]]
    found = reference.added(data, new, data.columns[name], lambda row: None if row[name] is None else of(row[name]))
    return {"map": {"add": {new: text.format(sql(name))}}}, found


def _cast(chance: random.Random, data: Data, other: Data) -> Any:
    pairs = [("bigint", "string"), ("bigint", "double"), ("string", "bigint"), ("boolean", "string")]
    there, type_ = chance.choice(pairs)
    if not (names := _of(data, there)):
        return None
    name = chance.choice(names)
    return {"map": {"cast": {name: type_}}}, reference.cast(data, name, type_)


def _dedupe(chance: random.Random, data: Data, other: Data) -> Any:
    if NESTED in data.columns.values():
        return None
    by = chance.sample(list(data.columns), chance.randint(0, min(2, len(data.columns))))
    newest = chance.choice([None, *data.columns]) if by else None
    options = ({"by": by} if by else {}) | ({"newest": newest} if newest else {})
    return {"dedupe": options}, reference.deduplicated(data, by, newest)


def _join(chance: random.Random, data: Data, other: Data) -> Any:
    if not (names := _of(data, "bigint")):
        return None
    here, how = chance.choice(names), chance.choice(("inner", "left", "right", "full", "semi", "anti"))
    take = {"v": _free(chance, data)}
    options = {"with": "other", "on": {here: "k"}, "how": how} | ({} if how in ("semi", "anti") else {"take": take})
    return {"join": options}, reference.joined(data, other, here, "k", how, take)


def _look_up(chance: random.Random, data: Data, other: Data) -> Any:
    if not (names := _of(data, "bigint")):
        return None
    here, new, default = chance.choice(names), _free(chance, data), chance.choice((None, "none"))
    lookup = {"from": "other", "on": {here: "k"}, "take": "v", "on_many": "first"}
    lookup |= {"default": default} if default else {}
    found = reference.looked_up(data, new, other, here, "k", "v", default)
    return {"map": {"lookup": {new: lookup}}}, found


STEPS = [_drop_fields, _drop_null_fields, _filter, _rename, _add, _cast, _dedupe, _join, _look_up]

"""The values that find_matches compares: how each kind normalizes them, and the words in them."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from lake_etl.match_words import LITTLE_WORDS, SHORT
from lake_etl.names import double_quoted

PLAIN = "strip_accents(replace(lower(@), 'ß', 'ss'))"
JOINED = f"regexp_replace({PLAIN}, '[''\u2019`]', '', 'g')"
WORDS = rf"[word FOR word IN string_split_regex({JOINED}, '[^\p{{L}}\p{{N}}]+') IF word <> '']"
WEIGHT_BITS = 24  # a word is an integer: its weight in thousandths, then its number in these low bits


@dataclass(frozen=True)
class Kind:
    """How the values of a column are read and compared.

    clean   SQL for a text @ that returns a list of words, or a text
    near    the edit distances that count as near
    start   the length of a prefix for blocking
    place   whether two things at one place or in one household may share the value
    """

    clean: str
    near: tuple[int, ...]
    start: int
    place: bool
    words: bool = False
    joint: str = ""
    frequencies: bool = True


DATE = r"""regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    @, '[T ][0-9]{1,2}:.*$|\.0+$', ''),
    '^\D*(\d{4})\D+(\d{1,2})\D+(\d{1,2})\D*$', '\1-0\2-0\3'), '^\D*(\d{1,2})\D+(\d{1,2})\D+(\d{4})\D*$', '\3-0\2-0\1'),
    '-0(\d\d)', '-\1', 'g'), '[^0-9]', '', 'g')"""
CODE = rf"""regexp_replace(regexp_replace(regexp_replace(
    {PLAIN}, '^(\d+)\.0+$', '\1'), '[^\p{{L}}\p{{N}}]', '', 'g'), '^0+(\d+)$', '\1')"""

KINDS = {
    "name": Kind(WORDS, (1, 2), 3, place=False, words=True),
    "date": Kind(DATE, (1, 2), 6, place=False, frequencies=False),
    "address": Kind(f"[short(word) FOR word IN {WORDS}]", (2, 5), 4, place=True, words=True, joint=" "),
    "code": Kind(CODE, (1, 2), 3, place=True),
}


@dataclass(frozen=True)
class Column:
    """A compared column. Its number names its derived columns: v the value, k the value with its words sorted."""

    number: int
    name: str
    kind_name: str
    compare: tuple[int, ...] | None = None
    others: tuple[int, ...] = field(default=())  # the numbers of the other columns of its kind

    @property
    def kind(self) -> Kind:
        return KINDS[self.kind_name]

    @property
    def near(self) -> tuple[int, ...]:
        return tuple(sorted(self.compare or self.kind.near))


def columns_of(kinds: dict[str, str], compare: dict[str, list[int]]) -> list[Column]:
    """Return the columns by their kinds; compare: edit distances that count as near, instead of the kind's."""
    numbers = {name: number for number, name in enumerate(kinds)}
    return [
        Column(
            numbers[name],
            name,
            kind,
            tuple(compare[name]) if compare.get(name) else None,
            tuple(numbers[other] for other in kinds if other != name and kinds[other] == kind),
        )
        for name, kind in kinds.items()
    ]


def load(connection: duckdb.DuckDBPyConnection, columns: list[Column]) -> None:
    """Build the tables that are matched from the table `given` (_id, _known, the columns).

    records  id, known, and per column v, k, a (its letters sorted); for words t (those that count) and d (digits)
    alike    id, thing: records that are equal in every column, without nulls, are one thing; any other is its own
    things   one record per thing, with n (how many share its k); for words x (numbers) and s (their weight)
    """
    shorts = ", ".join(f"'{word}': '{short}'" for word, short in SHORT.items())
    connection.execute(
        f"CREATE MACRO short(w) AS coalesce((MAP {{{shorts}}})[w], regexp_replace(w, '^(\\d+)(st|nd|rd|th)$', '\\1'))"
    )
    connection.execute(f"CREATE MACRO weight(ws) AS coalesce(list_sum([w >> {WEIGHT_BITS} FOR w IN ws]), 0) / 1000")
    cleaned = ", ".join(_cleaned(column) for column in columns)
    connection.execute(f"CREATE TABLE cleaned AS SELECT _id AS id, _known AS known, {cleaned} FROM given")
    values = ", ".join(_values(column) for column in columns)
    connection.execute(f"CREATE TABLE records AS SELECT id, known, {values} FROM cleaned ORDER BY id")
    keys = ", ".join(f"v{column.number}" for column in columns)
    complete = " AND ".join(f"v{column.number} IS NOT NULL" for column in columns)
    connection.execute(
        f"CREATE TABLE alike AS SELECT id, CASE WHEN {complete} THEN "
        f"min(id) OVER (PARTITION BY {keys}, known) ELSE id END AS thing FROM records"
    )
    _things(connection, columns)


def _cleaned(column: Column) -> str:
    sql = column.kind.clean.replace("@", double_quoted(column.name))
    return f"{sql} AS c{column.number}"


def _values(column: Column) -> str:
    i = column.number
    letters = f"array_to_string(list_sort(string_split(v{i}, '')), '') AS a{i}"
    if not column.kind.words:
        return f"nullif(c{i}, '') AS v{i}, v{i} AS k{i}, {letters}"
    little = ", ".join(f"'{word}'" for word in LITTLE_WORDS)
    counting = f"[word FOR word IN c{i} IF word NOT IN ({little})]"
    return (
        f"CASE WHEN len({counting}) > 0 THEN {counting} ELSE c{i} END AS o{i}, "
        f"nullif(array_to_string(o{i}, '{column.kind.joint}'), '') AS v{i}, "
        f"nullif(array_to_string(list_sort(o{i}), ' '), '') AS k{i}, "
        f"list_sort(list_distinct(o{i})) AS t{i}, regexp_replace(v{i}, '[^0-9]', '', 'g') AS d{i}, {letters}"
    )


def _things(connection: duckdb.DuckDBPyConnection, columns: list[Column]) -> None:
    joins = []
    connection.execute("CREATE TABLE chosen AS SELECT records.* FROM records JOIN alike USING (id) WHERE id = thing")
    for column in columns:
        i = column.number
        joins.append(f"LEFT JOIN (SELECT k{i}, count(*) AS n{i} FROM chosen GROUP BY k{i}) USING (k{i})")
        if column.kind.words:
            joins.append(f"LEFT JOIN words{i} USING (id)")
            _words(connection, i)
    connection.execute(f"CREATE TABLE things AS SELECT * FROM chosen {' '.join(joins)} ORDER BY id")


def _words(connection: duckdb.DuckDBPyConnection, i: int) -> None:
    """Weigh words: the fewer records have a word, the more it weighs (inverse document frequency)."""
    connection.execute(
        f"""CREATE TABLE words{i} AS
        WITH found AS (SELECT id, unnest(t{i}) AS word FROM chosen),
        weighed AS (SELECT word, ln(1 + (SELECT count(*) FROM chosen) / count(*)) AS w FROM found GROUP BY word),
        numbered AS (
            SELECT word, (1000 * w)::BIGINT * {1 << WEIGHT_BITS} + row_number() OVER (ORDER BY word) AS x FROM weighed
        )
        SELECT id, list(x ORDER BY x) AS x{i}, weight(list(x ORDER BY x)) AS s{i}
        FROM found JOIN numbered USING (word) GROUP BY id"""
    )


def rows_of(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    [(rows,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(rows)

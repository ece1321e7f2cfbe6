"""Values and tables of PostgreSQL, and what a job in either language reads and writes for them."""

from __future__ import annotations

TYPES = (
    "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TYPE pair AS (a integer, b text); "
    "CREATE DOMAIN price AS numeric(9,2) CHECK (VALUE >= 0); CREATE DOMAIN cheap AS price; "
    "CREATE DOMAIN short AS varchar(3); CREATE DOMAIN days AS date[]; "
)

READ = [  # PostgreSQL's type, a value, Spark's type, the value as Spark writes it
    ("boolean", "true", "boolean", "true"),
    ("smallint", "-32768", "smallint", "-32768"),
    ("integer", "2147483647", "int", "2147483647"),
    ("bigint", "9007199254740993", "bigint", "9007199254740993"),
    ("oid", "4294967295", "decimal(20,0)", "4294967295"),
    ("real", "0.1", "float", "0.1"),
    ("real", "'NaN'", "float", "NaN"),
    ("double precision", "0.30000000000000004", "double", "0.30000000000000004"),
    ("double precision", "'-Infinity'", "double", "-Infinity"),
    ("numeric", "0.000000000000000001", "decimal(38,18)", "1E-18"),
    ("numeric", "-12345678901234567890.5", "decimal(38,18)", "-12345678901234567890.500000000000000000"),
    ("numeric(9,2)", "-1234567.89", "decimal(9,2)", "-1234567.89"),
    ("numeric(38,0)", "99999999999999999999999999999999999999", "decimal(38,0)", "9" * 38),
    ("numeric(40,0)", "99999999999999999999999999999999999999", "decimal(38,0)", "9" * 38),
    ("numeric(40,20)", "1.00000000000000000001", "decimal(38,20)", "1.00000000000000000001"),
    ("numeric(3,-2)", "12345", "decimal(5,0)", "12300"),
    ("numeric(3,5)", "0.00123", "decimal(5,5)", "0.00123"),
    ("money", "1234.5", "string", "$1,234.50"),
    ("text", "'a''é'", "string", "a'é"),
    ("character varying(3)", "'ab'", "string", "ab"),
    ("character(3)", "'ab'", "string", "ab "),
    ("name", "'ab'", "string", "ab"),
    ('"char"', "'a'", "string", "a"),
    ("bytea", "'ab'", "binary", "ab"),
    ("date", "'0001-01-01'", "date", "0001-01-01"),
    ("date", "'1582-10-04'", "date", "1582-10-04"),
    ("date", "'1582-10-15'", "date", "1582-10-15"),
    ("date", "'9999-12-31'", "date", "9999-12-31"),
    ("timestamp", "'2013-01-01 10:00:00.123456'", "timestamp", "2013-01-01 10:00:00.123456"),
    ("timestamp", "'1582-10-15 00:00'", "timestamp", "1582-10-15 00:00:00"),
    ("timestamptz", "'1582-10-04 23:59:59.999999Z'", "timestamp", "1582-10-04 23:59:59.999999"),
    ("timestamp", "'0001-01-01 00:00'", "timestamp", "0001-01-01 00:00:00"),
    ("timestamp(0)", "'9999-12-31 23:59:59'", "timestamp", "9999-12-31 23:59:59"),
    ("timestamptz", "'2013-01-01 10:00:00.123456+02'", "timestamp", "2013-01-01 08:00:00.123456"),
    ("timestamptz(3)", "'1500-02-28 10:00:00.123+00'", "timestamp", "1500-02-28 10:00:00.123"),
    ("time", "'10:00:00.123456'", "string", "10:00:00.123456"),
    ("time(3)", "'24:00'", "string", "24:00:00"),
    ("timetz", "'10:00:00.123456+02'", "string", "10:00:00.123456+02"),
    ("interval", "'1 year 2 days 03:04:05.6'", "string", "1 year 2 days 03:04:05.6"),
    ("bit(1)", "B'1'", "boolean", "true"),
    ("bit(3)", "B'101'", "string", "101"),
    ("bit varying", "B'10'", "string", "10"),
    ("uuid", "'00000000-0000-0000-0000-00000000000a'", "string", "00000000-0000-0000-0000-00000000000a"),
    ("json", """'{"a":  1}'""", "string", '{"a":  1}'),
    ("jsonb", """'{"a":  1}'""", "string", '{"a": 1}'),
    ("xml", "NULL", "string", None),
    ("inet", "'10.0.0.1'", "string", "10.0.0.1"),
    ("cidr", "'10.0.0.0/8'", "string", "10.0.0.0/8"),
    ("macaddr", "'08:00:2b:01:02:03'", "string", "08:00:2b:01:02:03"),
    ("int4range", "'[1,5)'", "string", "[1,5)"),
    ("tstzrange", "NULL", "string", None),
    ("tsvector", "'a b'", "string", "'a' 'b'"),
    ("point", "'(1,2.5)'", "string", "(1,2.5)"),
    ("mood", "'sad'", "string", "sad"),
    ("pair", "ROW(1, 'x')", "string", "(1,x)"),
    ("price", "1.50", "decimal(9,2)", "1.50"),
    ("cheap", "1.50", "decimal(9,2)", "1.50"),
    ("short", "'abc'", "string", "abc"),
    ("days", "'{2013-01-01}'", "array<date>", "[2013-01-01]"),
    ("int2vector", "'1 2'", "string", "1 2"),
    ("smallint[]", "'{1,NULL}'", "array<smallint>", "[1, null]"),
    ("integer[]", "'{1,NULL}'", "array<int>", "[1, null]"),
    ("integer[]", "'{}'", "array<int>", "[]"),
    ("integer[]", "NULL", "array<int>", None),
    ("bigint[]", "'{9007199254740993}'", "array<bigint>", "[9007199254740993]"),
    ("real[]", "'{0.1}'", "array<float>", "[0.1]"),
    ("double precision[]", "'{NaN,0.1}'", "array<double>", "[NaN, 0.1]"),
    ("boolean[]", "'{t,f}'", "array<boolean>", "[true, false]"),
    ("numeric[]", "'{0.5,NULL}'", "array<decimal(38,18)>", "[0.500000000000000000, null]"),
    ("numeric(9,2)[]", "'{0.5}'", "array<decimal(9,2)>", "[0.50]"),
    ("text[]", "'{a,\"b,c\",NULL}'", "array<string>", "[a, b,c, null]"),
    ("character varying(3)[]", "'{abc}'", "array<string>", "[abc]"),
    ("bytea[]", "'{ab}'", "array<binary>", "[ab]"),
    ("date[]", "'{0001-01-01,NULL}'", "array<date>", "[0001-01-01, null]"),
    ("timestamp[]", "'{2013-01-01 10:00:00.123456,NULL}'", "array<timestamp>", "[2013-01-01 10:00:00.123456, null]"),
    ("timestamp[]", "NULL", "array<timestamp>", None),
    ("timestamptz[]", "'{2013-01-01 10:00+02}'", "array<timestamp>", "[2013-01-01 08:00:00]"),
    ("time[]", "'{10:00:00.123456}'", "array<string>", "[10:00:00.123456]"),
    ("uuid[]", "'{00000000-0000-0000-0000-00000000000a}'", "array<string>", "[00000000-0000-0000-0000-00000000000a]"),
    ("jsonb[]", """ARRAY['{"a": 1}'::jsonb]""", "array<string>", '[{"a": 1}]'),
    ("inet[]", "'{10.0.0.1}'", "array<string>", "[10.0.0.1]"),
    ("bit(1)[]", "'{1,0}'", "array<boolean>", "[true, false]"),
    ("bit(3)[]", "'{101}'", "array<string>", "[101]"),
    ("mood[]", "'{sad,NULL}'", "array<string>", "[sad, null]"),
    ("cheap[]", "'{1.50}'", "array<string>", "[1.50]"),
]

UNREADABLE = [  # PostgreSQL's type, a value, the error
    ("numeric", "1e-20", r"column v \(numeric\): the value 0.00000000000000000001 is not within decimal\(38,18\)"),
    ("numeric", "123456789012345678901", "the value 123456789012345678901 is not within"),
    ("numeric", "'NaN'", "the value NaN is not within"),
    ("numeric", "'-Infinity'", "the value -Infinity is not within"),
    ("numeric(9,2)", "'NaN'", r"column v \(numeric\(9,2\)\): the value NaN is not within decimal\(9,2\)"),
    ("numeric(40,0)", "1e38", r"the value 1(0){38} is not within decimal\(38,0\)"),
    ("cheap", "'NaN'", r"column v \(numeric\(9,2\)\): the value NaN is not within"),
    ("date", "'infinity'", "the value infinity is not within dates and times of the years 1 to 9999"),
    ("date", "'0044-03-15 BC'", "the value 0044-03-15 BC is not within dates"),
    (
        "date",
        "'1582-10-14'",
        r"the value 1582-10-14 is not within .* \(in 1582, without 5 to 14 October\)\. Make a view",
    ),
    ("timestamp", "'1582-10-05 00:00'", "the value 1582-10-05 00:00:00 is not within"),
    ("timestamptz", "'1582-10-14 23:59:59.999999Z'", r"the value 1582-10-14 23:59:59.999999\+00 is not within"),
    ("date", "'10000-01-01'", "the value 10000-01-01 is not within dates"),
    ("timestamp", "'-infinity'", "the value -infinity is not within dates and times"),
    ("timestamptz", "'infinity'", r"column v \(timestamp with time zone\): the value infinity is not within dates"),
    ("timestamptz", "'294276-01-01 00:00Z'", "the value 294276-01-01 00:00:00.00 is not within dates"),
    ("integer[]", "'{{1,2},{3,4}}'", r"the value \{\{1,2\},\{3,4\}\} is not within lists of integer\. Make a view"),
    ("text[]", "E'{{\"a\\nb\"},{c}}'", r"the value \{\{\S+a b\S+\},\{c\}\} is not within lists of text"),
    ("numeric[]", "'{1,NaN}'", r"the value \{1,NaN\} is not within lists of decimal\(38,18\)"),
    ("timestamp[]", "'{infinity}'", r"the value \{infinity\} is not within lists of dates and times"),
]

STORED = [  # Type of the data, a value, the table's type, the error if it would not stay the same
    ("timestamptz", "'2013-01-01 00:00Z'", "date", ""),
    (
        "timestamptz",
        "'2013-01-01 10:00Z'",
        "date",
        "column v: '2013-01-01 10:00:00.00' would become '2013-01-01 00:00:00.00' in the table, where it is date",
    ),
    ("timestamptz", "'2013-01-01 10:00:00.5Z'", "timestamp", ""),
    ("timestamptz", "'2013-01-01 10:00:00.5Z'", "timestamp(0)", r"00:00.5.00' would become .* timestamp\(0\) without"),
    ("timestamptz", "'2013-01-01 10:00:00.5Z'", "timestamptz(0)", "would become"),
    ("timestamptz", "'2013-01-01 10:00Z'", "time", "column v is timestamp with time zone in the data and time without"),
    ("timestamptz", "'2013-01-01 10:00Z'", "text", ""),
    ("timestamptz", "'2013-01-01 10:00Z'", "varchar(10)", "would become"),
    ("date", "'2013-01-01'", "timestamp", ""),
    ("numeric(9,3)", "1.230", "numeric(10,2)", ""),
    ("numeric(9,3)", "1.239", "numeric(10,2)", r"column v: '1.239' would become '1.240' .* numeric\(10,2\)\. Cast or"),
    (
        "numeric(9,2)",
        "123.45",
        "numeric(4,2)",
        "column v: .* numeric field overflow. Cast or filter it in an earlier step",
    ),
    ("numeric(9,2)", "123.45", "integer", "column v is numeric.* in the data and integer in the table"),
    ("numeric(9,3)", "1.239", "price", r"'1.239' would become '1.240' in the table, where it is numeric\(9,2\)"),
    ("numeric(9,2)", "1.5", "money", ""),
    ("numeric(9,3)", "1.239", "money", "'1.239' would become '1.24' in the table, where it is money"),
    ("numeric", "0.1234567890123456", "double precision", ""),
    ("numeric", "0.123456789012345678", "double precision", "'0.123456789012345678' would become"),
    ("integer", "5", "money", ""),
    ("double precision", "0.5", "real", ""),
    ("double precision", "0.1", "real", "'0.1' would become '0.10000000149011612' in the table, where it is real"),
    ("double precision", "0.1", "numeric(10,2)", ""),
    ("double precision", "1.239", "numeric(10,2)", "'1.239' would become '1.24'"),
    ("double precision", "0.30000000000000004", "numeric", "'0.30000000000000004' would become '0.3'"),
    ("double precision", "'NaN'", "numeric", ""),
    ("real", "0.1", "numeric(10,2)", ""),
    ("bigint", "9007199254740992", "double precision", ""),
    ("bigint", "9007199254740993", "double precision", "'9007199254740993' would become '9007199254740992'"),
    ("bigint", "1099511627776", "integer", "column v: .* out of range"),
    ("integer", "16777217", "real", "'16777217' would become '16777216'"),
    ("smallint", "7", "bigint", ""),
    ("integer", "1", "boolean", "column v is integer in the data and boolean in the table. Cast it in a map step"),
    ("boolean", "true", "integer", "column v is boolean in the data and integer in the table. Cast it in a map step"),
    ("integer", "123", "varchar(3)", ""),
    ("integer", "12345", "varchar(3)", "'12345' would become '123'"),
    ("text", "'abc'", "varchar(3)", ""),
    ("text", "'abcd'", "varchar(3)", "'abcd' would become 'abc' in the table, where it is character varying"),
    ("text", "'abc '", "varchar(3)", "'abc ' would become 'abc'"),
    ("text", "'abcd'", "short", "'abcd' would become 'abc'"),
    ("text", "'abc '", "char(3)", ""),
    ("text", "'abcd'", "char(3)", r"'abcd' would become 'abc' in the table, where it is character\(3\)"),
    ("text", "'1.2'", "numeric(10,2)", ""),
    ("text", "'1.239'", "numeric(10,2)", "'1.239' would become '1.24'"),
    ("text", "'0.1'", "real", ""),
    ("text", "'2013-01-01'", "date", ""),
    ("text", "'2013-01-01 10:00'", "date", "'2013-01-01 10:00' would become '2013-01-01 00:00:00.00'"),
    ("text", "'2013-01-01 10:00'", "timestamp", ""),
    ("text", "'2013-01-01 10:00+05'", "timestamp", r"'2013-01-01 10:00\+05' would become '2013-01-01 10:00:00.00'"),
    ("text", "'10:00'", "time", ""),
    ("text", "'10:00+02'", "time", r"'10:00\+02' would become '10:00:00.00'"),
    ("text", "'101'", "bit(3)", ""),
    ("text", "'1010'", "bit(3)", "'1010' would become '101'"),
    ("text", "'{\"a\":  1}'", "json", ""),
    ("text", "'{'", "json", "column v: .* invalid input syntax for type json"),
    ("text", "'{1,2}'", "integer[]", ""),
    ("text", "'ten'", "integer", "column v: .* invalid input syntax for type integer"),
    ("text", "'happy'", "mood", "column v: .* invalid input value for enum"),
    ("time", "'10:00:00.123456'", "time", ""),
    ("uuid", "'00000000-0000-0000-0000-00000000000a'", "uuid", ""),
    ("interval", "'1 day'", "interval", ""),
]


def table_of(name: str, values: list[tuple[str, str]]) -> str:
    """Return SQL that creates a table of one row: each value in a column c0, c1, ... of its type."""
    columns = ", ".join(f"c{place} {type_}" for place, (type_, _) in enumerate(values))
    return f"CREATE TABLE {name} ({columns}); INSERT INTO {name} VALUES ({', '.join(value for _, value in values)}); "


PLANES = (
    "CREATE TABLE planes (tailnum text PRIMARY KEY, seats integer NOT NULL CHECK (seats > 0)); "
    "INSERT INTO planes VALUES ('N1', 10), ('N2', 20); "
)
KEEPS_AWAY = (
    "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
    "CREATE TRIGGER guard BEFORE {} ON {} FOR EACH ROW {} EXECUTE FUNCTION nothing(); "
)
N2_AWAY = "WHEN (NEW.tailnum = 'N2')"
CHILD = "CREATE TABLE seat (tailnum text DEFAULT 'N2' REFERENCES planes ON DELETE {}); "
PARTED = (
    "CREATE TABLE planes (tailnum text PRIMARY KEY, seats integer) PARTITION BY LIST (tailnum); "
    "CREATE TABLE planes_2 PARTITION OF planes FOR VALUES IN ('N2'); "
    "CREATE TABLE planes_x PARTITION OF planes DEFAULT; "
)
VIEW = "CREATE TABLE fleet (tailnum text, seats integer); CREATE VIEW planes AS SELECT * FROM fleet; "
KEYLESS = "CREATE TABLE planes (tailnum text, seats integer); INSERT INTO planes VALUES ('N1', 10); "
UPSERT = {"mode": "upsert", "keys": ["tailnum"]}
TRUNCATE = {"mode": "truncate"}
NO_INDEX = "an upsert by tailnum needs a unique index of just these columns"

TARGETS = {  # the tables in a {schema}, the sink, the error if the rows N2 and N3 cannot be loaded
    "a trigger that keeps a row away": (
        KEYLESS + KEEPS_AWAY.format("INSERT", "planes", N2_AWAY),
        {},
        r"1 of 2 rows arrived: a trigger or rule of the table keeps rows \(guard\)\. Nothing is changed\. Drop that",
    ),
    "a trigger that keeps a row away from a truncated table": (
        KEYLESS + KEEPS_AWAY.format("INSERT", "planes", N2_AWAY),
        TRUNCATE,
        r"1 of 2 rows arrived: .* \(guard\)",
    ),
    "a trigger of a partition": (
        PARTED + KEEPS_AWAY.format("INSERT", "planes_2", ""),
        {},
        r"1 of 2 rows arrived: .* \(guard\)",
    ),
    "a rule that does nothing instead": (
        KEYLESS + "CREATE RULE none AS ON INSERT TO planes DO INSTEAD NOTHING",
        {},
        r"0 of 2 rows arrived: .* \(none\)",
    ),
    "a trigger that changes rows": (
        KEYLESS + "CREATE FUNCTION upper() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN NEW.seats := NEW.seats + 1; RETURN NEW; END'; "
        "CREATE TRIGGER upper BEFORE INSERT ON planes FOR EACH ROW EXECUTE FUNCTION upper()",
        {},
        "",
    ),
    "a view": (VIEW, {}, ""),
    "a view with a rule": (
        VIEW + "CREATE RULE put AS ON INSERT TO planes DO INSTEAD INSERT INTO fleet VALUES (NEW.tailnum, NEW.seats)",
        {},
        "",
    ),
    "a view with a trigger": (
        VIEW + "CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN INSERT INTO {schema}.fleet VALUES (NEW.tailnum, NEW.seats); RETURN NEW; END'; "
        "CREATE TRIGGER put INSTEAD OF INSERT ON planes FOR EACH ROW EXECUTE FUNCTION put()",
        {},
        "",
    ),
    "partitions": (PARTED, {}, ""),
    "partitions emptied": (PARTED + "INSERT INTO planes VALUES ('N1', 1)", TRUNCATE, ""),
    "an upsert into partitions": (PARTED + "INSERT INTO planes VALUES ('N2', 1)", UPSERT, ""),
    "an upsert of rows that are there, with a trigger against needless updates": (
        PLANES + "CREATE TRIGGER same BEFORE UPDATE ON planes FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        UPSERT,
        "",
    ),
    "an upsert of which a trigger keeps an update away": (
        PLANES + "UPDATE planes SET seats = 1; " + KEEPS_AWAY.format("UPDATE", "planes", N2_AWAY),
        UPSERT,
        r"1 of 2 rows arrived: .* \(guard\)",
    ),
    "an upsert of which a trigger keeps an insert away": (
        PLANES + KEEPS_AWAY.format("INSERT", "planes", "WHEN (NEW.tailnum = 'N3')"),
        UPSERT,
        r"1 of 2 rows arrived: .* \(guard\)",
    ),
    "an upsert of keys alone that are there": (
        "CREATE TABLE planes (tailnum text, seats integer, PRIMARY KEY (tailnum, seats));"
        "INSERT INTO planes VALUES ('N2', 20)",
        {"mode": "upsert", "keys": ["seats", "tailnum"]},
        "",
    ),
    "an upsert of keys alone of which a trigger keeps one away": (
        "CREATE TABLE planes (tailnum text, seats integer, PRIMARY KEY (tailnum, seats));"
        + KEEPS_AWAY.format("INSERT", "planes", N2_AWAY),
        {"mode": "upsert", "keys": ["seats", "tailnum"]},
        "1 of 2 rows arrived",
    ),
    "a child that would be deleted": (
        PLANES + CHILD.format("CASCADE") + "INSERT INTO seat VALUES ('N1')",
        TRUNCATE,
        r"truncate would change rows of \w+\.seat, which refers to it with ON DELETE CASCADE \(constraint "
        r"seat_tailnum_fkey\)\. Use upsert, or change",
    ),
    "a child that would be null": (PLANES + CHILD.format("SET NULL"), TRUNCATE, r"\.seat, .* ON DELETE SET NULL"),
    "a child of default": (PLANES + CHILD.format("SET DEFAULT"), TRUNCATE, r"\.seat, .* ON DELETE SET DEFAULT"),
    "a child of a partition": (
        PARTED + "CREATE TABLE seat (tailnum text REFERENCES planes_2 (tailnum) ON DELETE CASCADE)",
        TRUNCATE,
        r"\.seat, .* ON DELETE CASCADE",
    ),
    "a child without action": (PLANES + CHILD.format("NO ACTION"), TRUNCATE, ""),
    "a child without action that refers to a row": (
        PLANES + CHILD.format("NO ACTION") + "INSERT INTO seat VALUES ('N1')",
        TRUNCATE,
        "violates foreign key constraint .* is still referenced from table",
    ),
    "a child of an upsert": (PLANES + CHILD.format("CASCADE") + "INSERT INTO seat VALUES ('N1')", UPSERT, ""),
    "a table that refers to itself": (
        PLANES + "ALTER TABLE planes ADD next text REFERENCES planes ON DELETE CASCADE",
        TRUNCATE,
        "",
    ),
    "a trigger that keeps rows from their deletion": (
        PLANES + KEEPS_AWAY.format("DELETE", "planes", "WHEN (OLD.tailnum = 'N1')"),
        TRUNCATE,
        r"1 rows are left after the DELETE: a trigger or rule of the table keeps rows \(guard\)",
    ),
    "a rule that keeps rows from their deletion": (
        PLANES + "CREATE RULE stay AS ON DELETE TO planes DO INSTEAD NOTHING",
        TRUNCATE,
        r"2 rows are left after the DELETE: .* \(stay\)",
    ),
    "a view that would be emptied": (VIEW, TRUNCATE, "truncate needs a table, and this is not one"),
    "an index that includes more": (KEYLESS + "CREATE UNIQUE INDEX ON planes (tailnum) INCLUDE (seats)", UPSERT, ""),
    "an index in which nulls are alike": (
        KEYLESS + "CREATE UNIQUE INDEX ON planes (tailnum) NULLS NOT DISTINCT",
        UPSERT,
        "",
    ),
    "an index that includes the key": (
        KEYLESS + "CREATE UNIQUE INDEX ON planes (seats) INCLUDE (tailnum)",
        UPSERT,
        rf"{NO_INDEX}\. Create it first",
    ),
    "a partial index": (
        KEYLESS + "CREATE UNIQUE INDEX ON planes (tailnum) WHERE seats > 0",
        UPSERT,
        f"{NO_INDEX}, and the one there is partial",
    ),
    "an index of an expression": (
        KEYLESS + "CREATE UNIQUE INDEX ON planes (lower(tailnum))",
        UPSERT,
        rf"{NO_INDEX}\. Create it first",
    ),
    "an index of an expression too": (
        KEYLESS + "CREATE UNIQUE INDEX ON planes (tailnum, abs(seats))",
        UPSERT,
        f"{NO_INDEX}, and the one there is of expressions too",
    ),
    "a deferrable constraint": (
        KEYLESS + "ALTER TABLE planes ADD UNIQUE (tailnum) DEFERRABLE",
        UPSERT,
        f"{NO_INDEX}, and the one there is deferrable",
    ),
    "a partial index beside a whole one": (
        PLANES + "CREATE UNIQUE INDEX ON planes (tailnum) WHERE seats > 0",
        UPSERT,
        "",
    ),
}

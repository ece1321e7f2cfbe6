"""Edge values of every column type, for every format that a sink writes."""

from pyspark.sql import DataFrame, SparkSession

TIMES = ("0001-01-01 00:00:00", "1582-10-04 23:59:59.999999", "1582-10-15 00:00:00", "1899-12-31 23:59:59.000001")
TIMES += ("1969-12-31 23:59:58.999999", "1969-12-31 23:59:59", "1970-01-01 00:00:00.000001")
TIMES += ("9999-12-31 23:59:59.999999",)
LOST_IN_ORC = ("1582-10-05", "1582-10-14", "1582-10-14 23:59:59.999999", "1969-12-31 23:59:59.999999")
LOST_IN_ORC += ("1969-12-31 23:59:59.001",)
SCALARS = {
    "day": [f"DATE'{day}'" for day in ("0001-01-01", "1582-10-04", "1582-10-15", "1969-12-31", "9999-12-31")],
    "at": [f"TIMESTAMP'{time}'" for time in TIMES],
    "ntz": [f"TIMESTAMP_NTZ'{time}'" for time in TIMES],
    "d": ["-0.0D", "double('NaN')", "double('Infinity')", "double('-Infinity')", "4.9E-324D", "0.1D"],
    "f": ["float('-0.0')", "float('NaN')", "float('-Infinity')", "float('0.1')", "float('3.4028235E38')"],
    "price": ["CAST('-99999999999999999999.999999999999999999' AS decimal(38,18))", "CAST('1E-18' AS decimal(38,18))"],
    "big": ["9223372036854775807", "-9223372036854775808"],
    "text": ["''", "'a, \\\\N \\\\ \"b\\''", "'\\t  \\u0000x'", "'\\U0001F600 é\\u2028'", "'null'"],
}
NESTED = {
    "lines": ["'a\\nb\\r\\nc'"],
    "list": ["array()", "array(1, null)"],
    "map": ["map()", "map('k', null, 'l', 1)"],
    "struct": ["named_struct('at', TIMESTAMP'1899-12-31 23:59:59.000001', 'x', array(named_struct('y', null)))"],
    "inner": ["array(TIMESTAMP_NTZ'1500-02-28 00:00:00.000001', null)"],
}
TYPES = "day date, at timestamp, ntz timestamp_ntz, d double, f float, price decimal(38,18), big bigint, text string"
TYPES_NESTED = (
    "lines string, list array<int>, map map<string,int>, struct struct<at:timestamp,x:array<struct<y:string>>>, "
    "inner array<timestamp_ntz>"
)


def edges(spark: SparkSession, *, nested: bool) -> DataFrame:
    """Return one row per value, with nulls in the other columns; `id` numbers them, and the last row has no value."""
    types = dict(type_.strip().split(" ", 1) for type_ in TYPES.split(", "))
    values = dict(SCALARS)
    if nested:
        types |= dict(type_.split(" ", 1) for type_ in TYPES_NESTED.split(", "))
        values |= NESTED
    rows = [(name, value) for name, listed in values.items() for value in listed] + [("", "")]
    selects = [
        f"SELECT {number} AS id, "
        + ", ".join(
            f"CAST({value if name == column else 'NULL'} AS {type_}) AS `{column}`" for column, type_ in types.items()
        )
        for number, (name, value) in enumerate(rows)
    ]
    return spark.sql(" UNION ALL ".join(selects))

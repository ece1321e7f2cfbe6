"""Writing the job's table: Parquet, one folder a partition, only the partitions at hand replaced."""

import json
import re
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as fn

from lake_etl.errors import JobError, check_columns, check_options, unknown

FORMATS = ("parquet",)
COMPRESSIONS = ("zstd", "snappy", "gzip", "none")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # Hive's folder for rows whose partition column is null


@dataclass(frozen=True)
class Written:
    """What a run wrote: rows and bytes as counted in the files, partitions as values -> location."""

    rows: int
    bytes: int
    files: int
    columns: dict[str, str]
    keys: dict[str, str]
    partitions: dict[tuple[str, ...], str]


def check_sink(sink: dict[str, Any]) -> None:
    check_options(sink, ("table",), ("format", "compression", "partition_by"))
    for name, allowed in (("format", FORMATS), ("compression", COMPRESSIONS)):
        if sink.get(name, allowed[0]) not in allowed:
            raise unknown(f"sink {name}", sink[name], allowed)


def write_table(frame: DataFrame, location: str, sink: dict[str, Any]) -> Written:
    """Write the frame under the location (ends with a slash) and count what arrived.

    Each partition is one file. Partitions that the frame does not touch stay.
    """
    keys = sink.get("partition_by") or []
    check_columns(frame, keys, "the data that goes to the sink")
    if len(keys) == len(frame.columns):
        raise JobError(f"sink partition_by: {', '.join(keys)} are all the columns. Leave one for the files")
    partitions = _write(frame, location, keys, sink.get("compression", "zstd"))
    types = {name.lower(): type_.replace("timestamp_ntz", "timestamp") for name, type_ in frame.dtypes}
    lower = [key.lower() for key in keys]
    return Written(
        **_count(frame.sparkSession, location, list(partitions.values()) if keys else [location]),
        columns={name: type_ for name, type_ in types.items() if name not in lower},
        keys={key: types[key] for key in lower},
        partitions=partitions,
    )


def _write(frame: DataFrame, location: str, keys: list[str], compression: str) -> dict[tuple[str, ...], str]:
    values = [fn.coalesce(fn.nullif(fn.col(key).cast("string"), fn.lit("")), fn.lit(NO_VALUE)) for key in keys]
    touched = Observation()
    frame = frame.observe(touched, fn.to_json(fn.collect_set(fn.array(*values))).alias("partitions"))
    frame = frame.repartition(*keys) if keys else frame
    writer = frame.write.mode("overwrite").option("partitionOverwriteMode", "dynamic")
    writer.option("compression", compression).partitionBy(*keys).parquet(location)
    found = sorted(tuple(values) for values in json.loads(touched.get["partitions"]))
    return {values: location + _folder(keys, values) for values in found if keys}


def _folder(keys: list[str], values: tuple[str, ...]) -> str:
    return "".join(f"{_escaped(key)}={_escaped(value)}/" for key, value in zip(keys, values, strict=True))


def _escaped(name: str) -> str:
    """A folder name as Hive and Spark write it."""
    return re.sub(r"""[\x01-\x1f\x7f"#%'*/:=?\\{\[\]^]""", lambda found: f"%{ord(found[0]):02X}", name)


def _count(spark: SparkSession, root: str, folders: list[str]) -> dict[str, int]:
    if not folders:
        return {"rows": 0, "bytes": 0, "files": 0}
    written = spark.read.option("basePath", root).parquet(*folders)
    file, size = fn.col("_metadata.file_path").alias("file"), fn.col("_metadata.file_size").alias("size")
    files = written.select(file, size).groupBy("file", "size").count()
    totals = files.agg(fn.sum("count"), fn.sum("size"), fn.count("file")).head()
    assert totals is not None, "an aggregate without groups is always one row"
    return {"rows": totals[0] or 0, "bytes": totals[1] or 0, "files": totals[2]}

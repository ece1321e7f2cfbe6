from typing import Any

from pyspark.sql import DataFrame

from lake_etl.errors import check_options

OPTIONS = ("format", "compression", "target_file_mb")


def convert(frame: DataFrame, options: dict[str, Any]) -> DataFrame:
    """Return the frame unchanged: the step sets how the sink writes it (format, compression, target_file_mb)."""
    check_options(options, (), OPTIONS)
    return frame


def converted(sink: dict[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sink's options updated with those of the convert steps, of which the last one wins.

    >>> converted({"table": "t", "format": "parquet"}, [{"convert": {"format": "json"}}])
    {"table": "t", "format": "json"}
    """
    for options in (step["convert"] for step in steps if "convert" in step):
        sink = sink | options
    return sink

from typing import Any

from pyspark.sql import DataFrame

from lake_etl.errors import check_options

OPTIONS = ("format", "compression", "target_file_mb")


def convert(frame: DataFrame, options: dict[str, Any]) -> DataFrame:
    """The frame as it is: the step says how the sink writes it (format, compression, target_file_mb)."""
    check_options(options, (), OPTIONS)
    return frame


def converted(sink: dict[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
    """The sink's options with those of the convert steps, of which the last word counts.

    A step that sets the format takes the sink's compression away, which is one of another format.

    >>> converted({"table": "t", "format": "parquet", "compression": "zstd"}, [{"convert": {"format": "json"}}])
    {"table": "t", "format": "json"}
    """
    for options in (step["convert"] for step in steps if "convert" in step):
        kept = {name: value for name, value in sink.items() if "format" not in options or name != "compression"}
        sink = kept | options
    return sink

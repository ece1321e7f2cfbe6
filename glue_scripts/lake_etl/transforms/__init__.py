"""The steps of a job, by their names in its specification."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame

from lake_etl.transforms.convert import convert
from lake_etl.transforms.dedupe import dedupe
from lake_etl.transforms.drop_fields import drop_fields
from lake_etl.transforms.drop_null_fields import drop_null_fields
from lake_etl.transforms.filter import filter_rows
from lake_etl.transforms.find_matches import find_matches
from lake_etl.transforms.join import join
from lake_etl.transforms.map import is_projection, map_fields, map_rejects
from lake_etl.transforms.sql import sql


@dataclass(frozen=True)
class Transform:
    """A step, and the run report's names for the rows that it removes and adds (empty: it must do neither).

    apply takes the data and the step's options; with joins=True also a function that reads a dataset by name, and with
    casts=True a list to which it adds its casts, so that their nulls are counted.
    rejects takes the same arguments, and returns the rows that apply removes because they are bad, or None.
    keeps_rows takes the options and says whether each row becomes exactly one: then nothing is counted.
    """

    apply: Callable[..., DataFrame]
    removes: str = ""
    adds: str = ""
    joins: bool = False
    casts: bool = False
    rejects: Callable[[DataFrame, Any], DataFrame | None] = lambda frame, options: None
    keeps_rows: Callable[[Any], bool] = lambda options: False


def always(options: Any) -> bool:
    return True


TRANSFORMS = {
    "convert": Transform(convert, keeps_rows=always),
    "dedupe": Transform(dedupe, removes="deduplicated"),
    "drop_fields": Transform(drop_fields, keeps_rows=always),
    "drop_null_fields": Transform(drop_null_fields, keeps_rows=always),
    "filter": Transform(filter_rows, removes="filtered"),
    "find_matches": Transform(find_matches, joins=True),
    "join": Transform(join, removes="removed_by_joins", adds="added_by_joins", joins=True, casts=True),
    "map": Transform(map_fields, joins=True, casts=True, rejects=map_rejects, keeps_rows=is_projection),
    "sql": Transform(sql, removes="removed_by_sql", adds="added_by_sql", joins=True),
}

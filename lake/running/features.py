"""Feature groups: records from a query, and the newest record of an identifier."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from lake.aws import Aws
from lake.configuration.model import FeatureGroup
from lake.configuration.suggest import allowed
from lake.data.sql import Answer, query, rows_of
from lake.errors import BadInput, LakeError
from lake.failures import sentence
from lake.running.deployed import needing
from lake.running.jobs import Show

THREADS, AT_ONCE = 16, 1_000
_TAKEN = {
    "string": ("varchar", "char", "string"),
    "integral": ("tinyint", "smallint", "integer", "bigint"),
    "fractional": ("float", "real", "double", "tinyint", "smallint", "integer"),
}
"""The types of Athena that a feature takes, so that no value changes."""
_CASTS = {"string": "varchar", "integral": "bigint", "fractional": "double", "time": "timestamp"}


def group_of(aws: Aws, name: str) -> FeatureGroup:
    """The feature group of lake.yaml. Raises BadInput where there is none."""
    known = aws.lake.config.feature_groups
    if name not in known:
        raise BadInput(f"there is no feature group {name!r} in lake.yaml. {allowed(name, known)}")
    return known[name]


def ingest(aws: Aws, name: str, source: str, show: Show, database: str = "curated") -> dict[str, Any]:
    """Put the rows of a table, or of a SELECT, into a feature group. Its rows are checked before the first is put.

    A second ingest of the same rows changes nothing of what is read as of a time, so one that was cut off is repeated.

    Returns:
        The feature group, and how many records were put.

    Raises:
        BadInput: there is no such group.
        LakeError: the columns or the rows are not the group's, it is not deployed, or it refused a record.
    """
    group = group_of(aws, name)
    rows = f"({source})" if re.search(r"\s", source.strip()) else f'"{source}"'
    _check_columns(name, group, query(aws, f"SELECT * FROM {rows} AS r LIMIT 0", database), source)
    total = _checked(aws, name, group, rows, database)
    columns = [*group.features, group.time]
    listed = ", ".join(f'"{column}"' for column in columns)
    found = rows_of(aws, f"SELECT {listed} FROM {rows} AS r", database)
    put = 0
    while chunk := [_record(columns, group.time, row) for row in islice(found, AT_ONCE)]:
        _put(aws, name, chunk, put)
        put += len(chunk)
        show("putting", f"{put:,} of {total:,}")
    return {"feature_group": name, "records": put}


def _check_columns(name: str, group: FeatureGroup, answer: Answer, source: str) -> None:
    """Raise LakeError for a column that is missing, too many, or of another type."""
    found = {column.name: column.type for column in answer.columns}
    wanted = [*group.features, group.time]
    if missing := [column for column in wanted if column not in found]:
        raise LakeError(f"{source}: there is no column {', '.join(missing)}, which the feature group {name} needs")
    if unknown := [column for column in found if column not in wanted]:
        hint = f"Name the columns: SELECT {', '.join(wanted)} FROM ..."
        raise LakeError(f"{source}: the feature group {name} has no feature {', '.join(unknown)}. {hint}")
    for column in wanted:
        kind = group.features.get(column, "time")
        if found[column] not in _TAKEN.get(kind, ("timestamp",)):
            what = "the time of the event" if kind == "time" else kind
            hint = f"CAST({column} AS {_CASTS[kind]})"
            raise LakeError(f"{source}: {column} is {found[column]}, and {what} in {name}. Write {hint} where it fits")


def _checked(aws: Aws, name: str, group: FeatureGroup, rows: str, database: str) -> int:
    """The number of rows. Raises LakeError where a row cannot be a record; nothing is put then."""
    problems = _problems(group)
    counts = ", ".join(f"count_if({condition})" for condition in problems.values())
    distinct = f'count(DISTINCT (CAST("{group.identifier}" AS varchar), "{group.time}"))'
    answer = query(aws, f"SELECT count(*), {distinct}, {counts} FROM {rows} AS r", database)
    total, different, *wrong = (int(text or 0) for text in answer.rows[0])
    for what, count in zip(problems, wrong, strict=True):
        if count:
            raise LakeError(f"{name}: {count:,} of {total:,} rows have {what}. Nothing is put")
    if different < total:
        raise LakeError(
            f"{name}: {total - different:,} of {total:,} rows have the {group.identifier} and the {group.time} of "
            f"another row, and one record is known at a time. Nothing is put"
        )
    return total


def _problems(group: FeatureGroup) -> dict[str, str]:
    """What is wrong with a row -> the condition in Athena's SQL."""
    time, identifier = f'"{group.time}"', f'CAST("{group.identifier}" AS varchar)'
    numbers = [feature for feature, kind in group.features.items() if kind == "fractional"]
    finite = [f'NOT is_finite(CAST("{feature}" AS double))' for feature in numbers]
    return {
        f"no {group.identifier}, the identifier": f"{identifier} IS NULL OR {identifier} = ''",
        f"no {group.time}, the time of the event": f"{time} IS NULL",
        f"a {group.time} finer than a millisecond": f"date_trunc('millisecond', {time}) <> {time}",
        **({"a feature that is not a finite number": " OR ".join(finite)} if finite else {}),
    }


def _record(columns: list[str], time: str, row: list[str | None]) -> list[dict[str, str]]:
    """A record as PutRecord takes it: a null is left out."""
    return [
        {"FeatureName": column, "ValueAsString": _moment(text) if column == time else text}
        for column, text in zip(columns, row, strict=True)
        if text is not None
    ]


def _moment(text: str) -> str:
    """A timestamp of Athena as Feature Store wants it: `2013-01-01T05:00:00.000Z`."""
    return f"{datetime.fromisoformat(text).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _put(aws: Aws, name: str, records: list[list[dict[str, str]]], before: int) -> None:
    client, full_name = aws.feature_store, aws.names.feature_group(name)

    def put(record: list[dict[str, str]]) -> None:
        client.put_record(FeatureGroupName=full_name, Record=record)

    try:
        with needing(f"the feature group {name}"), ThreadPoolExecutor(THREADS) as threads:
            for _ in threads.map(put, records):
                pass
    except ClientError as error:
        raise LakeError(f"{name}: after {before:,} records, {sentence(error)}. Ingest again for the rest") from None


def newest(aws: Aws, name: str, identifier: str) -> dict[str, str | None]:
    """The newest record of an identifier in the online store, by feature; empty where there is none.

    Raises:
        BadInput: there is no such group, or it is not online.
        LakeError: it is not deployed.
    """
    group = group_of(aws, name)
    if not group.online:
        raise BadInput(f"feature_groups.{name}.online: the group is not online. Set it to true, or ask Athena")
    with needing(f"the feature group {name}"):
        found = aws.feature_store.get_record(
            FeatureGroupName=aws.names.feature_group(name), RecordIdentifierValueAsString=identifier
        )
    values = {each["FeatureName"]: each["ValueAsString"] for each in found.get("Record", [])}
    return {feature: values.get(feature) for feature in [*group.features, group.time]} if values else {}


def known(aws: Aws, name: str, at: datetime) -> Answer:
    """The newest record of each identifier that is not later than a time, of all that Athena can read.

    Raises:
        BadInput: there is no such group.
        LakeError: it is not deployed; with Athena's reason.
    """
    return query(aws, as_of(group_of(aws, name), name, at), "ml")


def as_of(group: FeatureGroup, table: str, at: datetime) -> str:
    """The statement for it. A time without a zone is UTC."""
    moment = _moment((at.astimezone(UTC) if at.tzinfo else at).isoformat())
    columns = ", ".join(f'"{column}"' for column in [*group.features, group.time])
    # Feature Store takes times with and without milliseconds: as texts they are in another order.
    time = f'from_iso8601_timestamp("{group.time}")'
    order = f"{time} DESC, api_invocation_time DESC, write_time DESC"
    return (
        f"SELECT {columns} FROM (\n"
        f'  SELECT *, row_number() OVER (PARTITION BY "{group.identifier}" ORDER BY {order}) AS place\n'
        f"  FROM \"{table}\" WHERE {time} <= from_iso8601_timestamp('{moment}')\n"
        f") WHERE place = 1 AND NOT is_deleted"
    )

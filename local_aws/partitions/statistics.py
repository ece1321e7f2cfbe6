"""Column statistics of partitions: the emulator keeps them only for partitions that it holds itself."""

from __future__ import annotations

from collections.abc import Callable

from local_aws.partitions.table import STATISTICS, Table, Values
from local_aws.protocol import Call, Document


def _update(call: Call, table: Table) -> Document:
    values = _values(call, table)
    given = call.payload.get("ColumnStatisticsList") or []
    table.store.update(STATISTICS, table.key(values), **{column["ColumnName"]: column for column in given})
    return {"Errors": []}


def _get(call: Call, table: Table) -> Document:
    known, wanted = _known(table, _values(call, table)), call.payload.get("ColumnNames") or []
    return {
        "ColumnStatisticsList": [known[name] for name in wanted if name in known],
        "Errors": [{"ColumnName": name, "Error": _not_found(name)} for name in wanted if name not in known],
    }


def _delete(call: Call, table: Table) -> Document:
    values = _values(call, table)
    left = {name: column for name, column in _known(table, values).items() if name != call.required("ColumnName")}
    table.store.put_or_delete(STATISTICS, table.key(values), left)
    return {}


def _values(call: Call, table: Table) -> Values:
    values: Values = call.payload.get("PartitionValues") or []
    table.get(values)
    return values


def _known(table: Table, values: Values) -> Document:
    return table.store.get(STATISTICS, table.key(values)) or {}


def _not_found(column: str) -> Document:
    return {"ErrorCode": "EntityNotFoundException", "ErrorMessage": f"Column statistics for {column} not found."}


ACTIONS: dict[str, Callable[[Call, Table], Document]] = {
    "UpdateColumnStatisticsForPartition": _update,
    "GetColumnStatisticsForPartition": _get,
    "DeleteColumnStatisticsForPartition": _delete,
}

"""What stacks, commands and jobs agree on about feature groups."""

from __future__ import annotations

from lake.configuration.model import FeatureGroup

FEATURES = "features"
"""The folder of the offline stores in the bucket of the ml stack."""
_SAGEMAKER = {"string": "String", "integral": "Integral", "fractional": "Fractional"}
_HIVE = {"string": "string", "integral": "bigint", "fractional": "double"}
ADDED = {"write_time": "timestamp", "api_invocation_time": "timestamp", "is_deleted": "boolean"}
"""The columns that Feature Store adds."""


def definitions(group: FeatureGroup) -> dict[str, str]:
    """The features with SageMaker's types. The time of an event is a feature there: text, such as 2013-01-01T05:00Z."""
    return {name: _SAGEMAKER[type_] for name, type_ in group.features.items()} | {group.time: "String"}


def columns(group: FeatureGroup) -> dict[str, str]:
    """The columns of the group's table with the catalog's types: its features, and what Feature Store adds."""
    return {name: _HIVE[type_] for name, type_ in group.features.items()} | {group.time: "string"} | ADDED

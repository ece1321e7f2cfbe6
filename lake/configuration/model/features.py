"""Feature groups of SageMaker's Feature Store."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lake.configuration.model.base import Model, Name

FeatureType = Literal["string", "integral", "fractional"]


class FeatureGroup(Model):
    """Records of features, each with the time of its event. All of them are in a table, the newest also online."""

    identifier: Name
    """The feature that says what a record is about."""
    time: Name
    """The time of a record's event: a timestamp in milliseconds, which the table has as text such as
    `2013-01-01T05:00:00.000Z`. No feature."""
    features: Annotated[dict[Name, FeatureType], Field(min_length=1)]
    """The features with SageMaker's types: text, whole numbers of 64 bits, or floating-point numbers. Another list
    replaces the group and begins without records."""
    online: bool = False
    """Keep the newest record of each identifier where it is read in milliseconds. AWS bills reads, writes and bytes."""

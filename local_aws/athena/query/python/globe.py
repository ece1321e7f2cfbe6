"""Distances on the globe."""

from __future__ import annotations

from math import atan2, cos, radians, sin, sqrt

from local_aws.athena.query.python.failing import bad

EARTH_RADIUS = 6371.01
"""In kilometres, as Trino has it."""


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Kilometres along the great circle between two places given in degrees."""
    for name, value, most in (
        ("Latitude", latitude, 90),
        ("Longitude", longitude, 180),
        ("Latitude", other_latitude, 90),
        ("Longitude", other_longitude, 180),
    ):
        if not -most <= value <= most:
            raise bad(f"{name} must be between -{most} and {most}")
    a, b, turn = radians(latitude), radians(other_latitude), radians(longitude) - radians(other_longitude)
    across = cos(b) * sin(turn)
    along = cos(a) * sin(b) - sin(a) * cos(b) * cos(turn)
    down = sin(a) * sin(b) + cos(a) * cos(b) * cos(turn)
    return atan2(sqrt(across * across + along * along), down) * EARTH_RADIUS

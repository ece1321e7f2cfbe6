"""The result of a rule: a place in lake.yaml, and what is wrong there."""

Place = tuple[str | int, ...]
"""A place in lake.yaml: keys, and positions in lists."""
Problem = tuple[Place, str]
"""(place, what is wrong there)."""

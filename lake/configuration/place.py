"""What a rule tells."""

Place = tuple[str | int, ...]
"""Where something stands in lake.yaml: its keys, and its positions in lists."""
Problem = tuple[Place, str]
"""A place, and what is wrong there."""

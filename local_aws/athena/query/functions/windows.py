"""Functions that need OVER."""

from __future__ import annotations

from local_aws.athena.query.functions.signatures import window

_OFFSET = "athena_at_least({1}, 0, 'Offset must be at least 0')"
FUNCTIONS = [
    *[window(f"{name}() -> bigint", f"<<{name}|>>") for name in ("row_number", "rank", "dense_rank")],
    *[window(f"{name}() -> double", f"<<{name}|>>") for name in ("percent_rank", "cume_dist")],
    window("ntile(bigint) -> bigint", "<<ntile|athena_at_least({0}, 1, 'Buckets must be greater than 0')>>"),
    *[
        one
        for name in ("lag", "lead")
        for one in (
            window(f"{name}(T) -> T", f"<<{name}|{{0}}>>"),
            window(f"{name}(T, bigint) -> T", f"<<{name}|{{0}}, {_OFFSET}>>"),
            window(f"{name}(T, bigint, T) -> T", f"<<{name}|{{0}}, {_OFFSET}, {{2}}>>"),
        )
    ],
    *[window(f"{name}(T) -> T", f"<<{name}|{{0}}>>") for name in ("first_value", "last_value")],
    window("nth_value(T, bigint) -> T", "<<nth_value|{0}, athena_at_least({1}, 1, 'Offset must be at least 1')>>"),
]

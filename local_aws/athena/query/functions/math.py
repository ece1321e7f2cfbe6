"""Numbers: arithmetic functions, logarithms, probabilities and bits."""

from __future__ import annotations

from local_aws.athena.query.functions.signatures import Function, Python, function
from local_aws.athena.query.python import globe, numbers
from local_aws.athena.query.types import Type, decimal


def _rounded(kinds: list[Type]) -> Type:
    p, s = kinds[0].precision, kinds[0].scale
    return decimal(min(38, p - s + min(1, s)), 0)


def _rounded_to(kinds: list[Type]) -> Type:
    return decimal(min(38, kinds[0].precision + 1), kinds[0].scale)


def _whole_part(kinds: list[Type]) -> Type:
    return decimal(max(1, kinds[0].precision - kinds[0].scale), 0)


_WHOLE = ("tinyint", "smallint", "integer", "bigint")
_DOUBLES = [
    "acos", "asin", "atan", "cos", "cosh", "degrees", "exp", "ln", "log2", "log10", "radians", "sin", "sinh",
    "sqrt", "tan", "tanh",
]  # fmt: skip


def _same(name: str) -> list[Function]:
    return [function(f"{name}({kind}) -> {kind}", "{0}") for kind in _WHOLE]


def _ceiling(name: str, call: str) -> list[Function]:
    floating = [function(f"{name}({kind}) -> {kind}", f"CAST({call}({{0}}) AS {{r}})") for kind in ("real", "double")]
    return [*_same(name), function(f"{name}(decimal) -> T", f"CAST({call}({{0}}) AS {{r}})", _rounded), *floating]


FUNCTIONS = [
    *[function(f"abs({kind}) -> {kind}", "abs({0})") for kind in (*_WHOLE, "real", "double")],
    function("abs(decimal) -> @0", "abs({0})"),
    function("cbrt(double) -> double", Python(numbers.cbrt)),
    *_ceiling("ceil", "ceil"),
    *_ceiling("ceiling", "ceil"),
    *_ceiling("floor", "floor"),
    *_same("round"),
    *[function(f"round({kind}, bigint) -> {kind}", Python(numbers.round_whole)) for kind in _WHOLE],
    function("round(decimal) -> T", "CAST(round({0}) AS {r})", _rounded),
    function("round(decimal, bigint) -> T", Python(numbers.round_decimal), _rounded_to),
    *[function(f"round({kind}) -> {kind}", "round({0})") for kind in ("real", "double")],
    *[
        function(f"round({kind}, bigint) -> {kind}", "CAST(round({0}, CAST({1} AS INTEGER)) AS {r})")
        for kind in ("real", "double")
    ],
    function("truncate(decimal) -> T", "CAST(trunc({0}) AS {r})", _whole_part),
    function("truncate(decimal, bigint) -> @0", Python(numbers.truncate_decimal)),
    *[function(f"truncate({kind}) -> {kind}", "trunc({0})") for kind in ("real", "double")],
    *[function(f"truncate({kind}, bigint) -> {kind}", Python(numbers.truncate_double)) for kind in ("real", "double")],
    *[function(f"sign({kind}) -> {kind}", "CAST(sign({0}) AS {r})") for kind in _WHOLE],
    function("sign(decimal) -> decimal(1,0)", "CAST(sign({0}) AS {r})"),
    *[
        function(f"sign({k}) -> {k}", "CASE WHEN isnan({0}) THEN {0} ELSE CAST(sign({0}) AS {r}) END")
        for k in ("real", "double")
    ],
    *[function(f"{name}(double) -> double", f"{name}({{0}})") for name in _DOUBLES],
    function("atan2(double, double) -> double", "atan2({0}, {1})"),
    function("log(double, double) -> double", "(ln({1}) / ln({0}))"),
    function("pow(double, double) -> double", "pow({0}, {1})"),
    function("power(double, double) -> double", "pow({0}, {1})"),
    function("pi() -> double", "pi()"),
    function("e() -> double", "exp(1e0)"),
    function("nan() -> double", "CAST('nan' AS DOUBLE)"),
    function("infinity() -> double", "CAST('infinity' AS DOUBLE)"),
    *[function(f"is_nan({kind}) -> boolean", "isnan({0})") for kind in ("real", "double")],
    function("is_finite(double) -> boolean", "isfinite({0})"),
    function("is_infinite(double) -> boolean", "isinf({0})"),
    *[
        one
        for name in ("rand", "random")
        for one in (
            function(f"{name}() -> double", "random()"),
            *[
                one
                for kind in _WHOLE
                for one in (
                    function(f"{name}({kind}) -> {kind}", "athena_random(CAST(0 AS {r}), {0})"),
                    function(f"{name}({kind}, {kind}) -> {kind}", "athena_random({0}, {1})"),
                )
            ],
        )
    ],
    function("to_base(bigint, bigint) -> varchar(64)", Python(numbers.to_base)),
    function("from_base(varchar, bigint) -> bigint", Python(numbers.from_base)),
    function("width_bucket(double, double, double, bigint) -> bigint", Python(numbers.width_bucket)),
    function("width_bucket(double, array(double)) -> bigint", Python(numbers.width_bucket_of_bins)),
    function(
        "cosine_similarity(map(varchar,double), map(varchar,double)) -> double", Python(numbers.cosine_similarity)
    ),
    function("normal_cdf(double, double, double) -> double", Python(numbers.normal_cdf)),
    function("inverse_normal_cdf(double, double, double) -> double", Python(numbers.inverse_normal_cdf)),
    function("beta_cdf(double, double, double) -> double", Python(numbers.beta_cdf)),
    function("inverse_beta_cdf(double, double, double) -> double", Python(numbers.inverse_beta_cdf)),
    function("wilson_interval_lower(bigint, bigint, double) -> double", Python(numbers.wilson_lower)),
    function("wilson_interval_upper(bigint, bigint, double) -> double", Python(numbers.wilson_upper)),
    function("bit_count(bigint, bigint) -> bigint", Python(numbers.bit_count)),
    function("bitwise_and(bigint, bigint) -> bigint", "({0} & {1})"),
    function("bitwise_or(bigint, bigint) -> bigint", "({0} | {1})"),
    function("bitwise_xor(bigint, bigint) -> bigint", "xor({0}, {1})"),
    function("bitwise_not(bigint) -> bigint", "(~{0})"),
    *[
        function(f"bitwise_{name}({kind}, bigint) -> {kind}", Python(call, typed=True))
        for kind in _WHOLE
        for name, call in (
            ("left_shift", numbers.left_shift),
            ("right_shift", numbers.right_shift),
            ("right_shift_arithmetic", numbers.right_shift_arithmetic),
        )
    ],
    function("great_circle_distance(double, double, double, double) -> double", Python(globe.distance)),
    function("parse_data_size(varchar) -> decimal(38,0)", Python(numbers.parse_data_size)),
    function("format_number(double) -> varchar", Python(numbers.format_number)),
    function("format_number(bigint) -> varchar", Python(numbers.format_number)),
]

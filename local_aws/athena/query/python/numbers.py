"""Numbers: exact decimals, radixes, bits and probabilities."""

from __future__ import annotations

import math
import re
import struct
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException, localcontext
from itertools import pairwise
from statistics import NormalDist

from local_aws.athena.errors import QueryFailed
from local_aws.athena.query.python.failing import bad, bad_cast, out_of_range
from local_aws.athena.query.types import DIGITS, Type

_WIDE = Context(prec=100, rounding=ROUND_HALF_UP)
Kinds = tuple[Type, ...]


def fitted(value: Decimal, kind: Type) -> Decimal:
    """Return the value rounded half up to the scale of a decimal type.

    Raises:
        QueryFailed: NUMERIC_VALUE_OUT_OF_RANGE.
    """
    with localcontext(_WIDE):
        rounded = value.quantize(Decimal(1).scaleb(-kind.scale), rounding=ROUND_HALF_UP)
        if abs(rounded) >= Decimal(10) ** (kind.precision - kind.scale):
            raise out_of_range("Decimal overflow")
        return rounded


def total(_: Kinds, kind: Type, a: Decimal, b: Decimal) -> Decimal:
    with localcontext(_WIDE):
        return fitted(a + b, kind)


def difference(_: Kinds, kind: Type, a: Decimal, b: Decimal) -> Decimal:
    with localcontext(_WIDE):
        return fitted(a - b, kind)


SUMS = {"+": total, "-": difference}


def product(_: Kinds, kind: Type, a: Decimal, b: Decimal) -> Decimal:
    with localcontext(_WIDE):
        return fitted(a * b, kind)


def quotient(_: Kinds, kind: Type, a: Decimal, b: Decimal) -> Decimal:
    if not b:
        raise QueryFailed("DIVISION_BY_ZERO: Division by zero")
    with localcontext(_WIDE):
        return fitted(a / b, kind)


def remainder(_: Kinds, kind: Type, a: Decimal, b: Decimal) -> Decimal:
    if not b:
        raise QueryFailed("DIVISION_BY_ZERO: Division by zero")
    with localcontext(_WIDE):
        return fitted(a % b, kind)


def decimal_of(_: Kinds, kind: Type, text: str) -> Decimal:
    try:
        value = Decimal(text.strip()) if "_" not in text else Decimal("x")
    except DecimalException as error:
        raise bad_cast(text, str(kind).upper()) from error
    if not value.is_finite():
        raise bad_cast(text, str(kind).upper())
    try:
        return fitted(value, kind)
    except (QueryFailed, DecimalException) as error:
        raise bad_cast(text, str(kind).upper()) from error


def decimal_of_double(_: Kinds, kind: Type, text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise bad_cast(text, str(kind).upper())
    try:
        return fitted(value, kind)
    except (QueryFailed, DecimalException) as error:
        raise bad_cast(text, str(kind).upper()) from error


def scientific(text: str) -> str:
    """Return a double as CAST AS varchar writes it, from DuckDB's shortest digits.

    >>> scientific("150.0")
    '1.5E2'
    """
    special = {"nan": "NaN", "-nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    if text in special:
        return special[text]
    sign, digits, exponent = Decimal(text).as_tuple()
    plain = "".join(map(str, digits)).lstrip("0")
    if not plain:
        return "-0.0E0" if sign else "0.0E0"
    power = len(plain) + int(exponent) - 1
    rest = plain[1:].rstrip("0") or "0"
    return f"{'-' if sign else ''}{plain[0]}.{rest}E{power}"


def scientific_real(value: float) -> str:
    """Return a real as text, with at most seven digits."""
    return scientific(f"{value:.6e}")


def java_double(value: float, single: bool = False) -> str:
    """Return a double as Java writes it: `1.0`, `1.0E10`, `NaN`."""
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    text = shortest(value) if single else repr(value)
    mantissa = scientific(text)
    if value == 0:
        return "-0.0" if text.startswith("-") else "0.0"
    if 1e-3 <= abs(value) < 1e7:
        plain = f"{Decimal(text):f}"
        return plain if "." in plain else plain + ".0"
    return mantissa


def java_real(value: float) -> str:
    return java_double(value, single=True)


def shortest(value: float) -> str:
    """Return the fewest digits that identify this real."""
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("f", float(text)) == struct.pack("f", value):
            return repr(float(text))
    return repr(value)


def round_whole(value: int, places: int) -> int:
    if places >= 0:
        return value
    size: int = 10 ** min(-places, 40)
    half = (abs(value) + size // 2) // size * size
    if half > 2**63 - 1:
        raise out_of_range(f"Out of range: {half}")
    return half if value >= 0 else -half


def round_decimal(value: Decimal, places: int) -> Decimal:
    scale = -int(value.as_tuple().exponent)
    if places >= scale:
        return value
    with localcontext(_WIDE):
        rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP) if places > -60 else Decimal(0)
        return rounded.quantize(Decimal(1).scaleb(-scale))


def truncate_decimal(value: Decimal, places: int) -> Decimal:
    scale = -int(value.as_tuple().exponent)
    if places >= scale:
        return value
    with localcontext(_WIDE):
        shift = Decimal(10) ** max(places, -60)
        return (Decimal(int(value * shift)) / shift).quantize(Decimal(1).scaleb(-scale))


def truncate_double(value: float, places: int) -> float:
    if not math.isfinite(value):
        return value
    return float(truncate_decimal(Decimal(repr(value)), places))


_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _radix(radix: int) -> None:
    if not 2 <= radix <= 36:
        raise bad("Radix must be between 2 and 36")


def to_base(value: int, radix: int) -> str:
    _radix(radix)
    rest, digits = abs(value), ""
    while rest:
        rest, digit = divmod(rest, radix)
        digits = _LETTERS[digit] + digits
    return ("-" if value < 0 else "") + (digits or "0")


def from_base(text: str, radix: int) -> int:
    _radix(radix)
    if not re.fullmatch(r"[+-]?[0-9A-Za-z]+", text):
        raise bad(f"Not a valid base-{radix} number: {text}")
    try:
        value = int(text, radix)
    except ValueError as error:
        raise bad(f"Not a valid base-{radix} number: {text}") from error
    if not -(2**63) <= value < 2**63:
        raise bad(f"Not a valid base-{radix} number: {text}")
    return value


def width_bucket(value: float, low: float, high: float, count: int) -> int:
    if count <= 0:
        raise bad("bucketCount must be greater than 0")
    if math.isnan(value):
        raise bad("operand must not be NaN")
    if not math.isfinite(low) or not math.isfinite(high):
        raise bad("first bound must be finite" if not math.isfinite(low) else "second bound must be finite")
    if low == high:
        raise bad("bounds cannot equal each other")
    a, b = min(low, high), max(low, high)
    if value < a:
        place = 0
    elif value >= b:
        if count == 2**63 - 1:
            raise out_of_range(f"Bucket for value {value} is out of range")
        place = count + 1
    else:
        place = int(count * (value - a) / (b - a) + 1)
    return count - place + 1 if low > high else place


def width_bucket_of_bins(value: float, bins: list[float | None]) -> int:
    if not bins:
        raise bad("Bins cannot be an empty array")
    if math.isnan(value):
        raise bad("Operand cannot be NaN")
    if any(b is None or not math.isfinite(b) for b in bins):
        raise bad("Bin values must be finite")
    numbers = [b for b in bins if b is not None]
    if any(a >= b for a, b in pairwise(numbers)):
        raise bad("Bin values are not sorted in ascending order")
    return sum(value >= b for b in numbers)


def cosine_similarity(a: dict[str, float | None], b: dict[str, float | None]) -> float | None:
    if None in a.values() or None in b.values():
        return None
    norms = [math.sqrt(sum(v * v for v in m.values() if v is not None)) for m in (a, b)]
    if not all(norms):
        return None
    dot = sum(v * (b.get(k) or 0.0) for k, v in a.items() if v is not None)
    return dot / (norms[0] * norms[1])


def normal_cdf(mean: float, deviation: float, value: float) -> float:
    if not deviation > 0:
        raise bad("standardDeviation must be > 0")
    return 0.5 * (1 + math.erf((value - mean) / (deviation * math.sqrt(2))))


def inverse_normal_cdf(mean: float, deviation: float, share: float) -> float:
    if not 0 < share < 1:
        raise bad("p must be 0 > p > 1")
    if not deviation > 0:
        raise bad("sd must be > 0")
    return NormalDist(mean, deviation).inv_cdf(share)


def beta_cdf(a: float, b: float, value: float) -> float:
    if not 0 <= value <= 1:
        raise bad("value must be 0 <= v <= 1")
    if not a > 0 or not b > 0:
        raise bad("a and b must be > 0")
    return _incomplete_beta(a, b, value)


def inverse_beta_cdf(a: float, b: float, share: float) -> float:
    if not 0 <= share <= 1:
        raise bad("p must be 0 >= p >= 1")
    if not a > 0 or not b > 0:
        raise bad("a and b must be > 0")
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _incomplete_beta(a, b, middle) < share else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularized incomplete beta function, by its continued fraction."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(1 - x)) / a
    value, c, d = 1.0, 1.0, 0.0
    for i in range(500):
        m = i // 2
        if i == 0:
            step = 1.0
        elif i % 2 == 0:
            step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / ((1 + step * d) or 1e-30)
        c = (1 + step / c) or 1e-30
        value *= c * d
        if abs(1 - c * d) < 1e-15:
            break
    return front * (value - 1)


def _wilson(successes: int, trials: int, z: float, sign: int) -> float:
    if successes < 0 or trials <= 0 or successes > trials:
        raise bad("number of successes must not be negative, nor larger than number of trials, which must be positive")
    if z < 0:
        raise bad("z-score must not be negative")
    share = successes / trials
    middle = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return (middle + sign * spread) / (1 + z * z / trials)


def wilson_lower(successes: int, trials: int, z: float) -> float:
    return _wilson(successes, trials, z, -1)


def wilson_upper(successes: int, trials: int, z: float) -> float:
    return _wilson(successes, trials, z, 1)


def bit_count(value: int, bits: int) -> int:
    if not 2 <= bits <= 64:
        raise bad(f"Bits specified in bit_count must be between 2 and 64, got {bits}")
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise bad(
            f"Number must be representable with the bits specified. {value} can not be represented with {bits} bits"
        )
    pattern: int = value & (2**bits - 1)
    return pattern.bit_count()


_SIZES = dict(zip(DIGITS, (8, 16, 32, 64), strict=True))


def _signed(value: int, size: int) -> int:
    value &= 2**size - 1
    return value - 2**size if value >= 2 ** (size - 1) else value


def left_shift(_: Kinds, kind: Type, value: int, shift: int) -> int:
    size = _SIZES[kind.base]
    return (
        _signed(value << shift, size)
        if 0 <= shift < size
        else 0
        if shift >= 0
        else _signed(value << (shift % size), size)
    )


def right_shift(_: Kinds, kind: Type, value: int, shift: int) -> int:
    size = _SIZES[kind.base]
    return _signed((value & (2**size - 1)) >> shift, size) if 0 <= shift < size else 0


def right_shift_arithmetic(_: Kinds, kind: Type, value: int, shift: int) -> int:
    return value >> min(max(shift, 0), 64)


_UNITS = {unit: i for i, unit in enumerate(["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"])}


def parse_data_size(text: str) -> Decimal:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(\w+)", text)
    if not found or found[2] not in _UNITS:
        raise bad(f"Invalid data size: '{text}'")
    with localcontext(_WIDE):
        size = Decimal(found[1]) * 1024 ** _UNITS[found[2]]
        if size >= Decimal(10) ** 38:
            raise out_of_range(f"Value out of range: '{text}' ('{size}B')")
        return Decimal(int(size))


def format_number(value: float) -> str:
    """Format with three digits and a unit: `1.23M`."""
    if isinstance(value, float) and not math.isfinite(value):
        return java_double(value)
    amount, unit = Decimal(repr(value) if isinstance(value, float) else value), 0
    units = ["", "K", "M", "B", "T", "Q"]
    with localcontext(_WIDE):
        while abs(amount) >= 1000 and unit < len(units) - 1:
            amount, unit = amount / 1000, unit + 1
        size = abs(amount)
        places = 2 if size < 10 else 1 if size < 100 else 0
        text = f"{amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return ("0" if text == "-0" else text) + units[unit]


def cbrt(x: float) -> float:
    """As Java's; the C library's of 27 is 3.0000000000000004."""
    return math.copysign(float(abs(Decimal(x)) ** (Decimal(1) / 3)), x) if math.isfinite(x) else x

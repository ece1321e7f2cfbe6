"""Text functions."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import Any

from local_aws.athena.query.python.failing import bad
from local_aws.athena.query.python.stems import stem


def reverse(text: str) -> str:
    return text[::-1]


def replace(text: str, old: str, new: str) -> str:
    return text.replace(old, new)


def split(text: str, delimiter: str, limit: int | None = None) -> list[str]:
    if limit is not None and limit <= 0:
        raise bad("Limit must be positive")
    if not delimiter:
        raise bad("The delimiter may not be the empty string")
    return text.split(delimiter, -1 if limit is None else limit - 1)


def _entries(text: str, entry: str, pair: str) -> list[tuple[str, str]]:
    if not entry or not pair:
        raise bad("entryDelimiter and keyValueDelimiter must not be empty")
    if entry == pair:
        raise bad("entryDelimiter and keyValueDelimiter must not be the same")
    found = []
    for part in text.split(entry) if text else []:
        if not part:
            continue
        key, mark, value = part.partition(pair)
        if not mark or pair in value:
            raise bad(f"Key-value delimiter must appear exactly once in each entry. Bad input: '{part}'")
        found.append((key, value))
    return found


def split_to_map(text: str, entry: str, pair: str) -> dict[str, str]:
    made: dict[str, str] = {}
    for key, value in _entries(text, entry, pair):
        if key in made:
            raise bad(f"Duplicate keys ({key}) are not allowed")
        made[key] = value
    return made


def split_to_multimap(text: str, entry: str, pair: str) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for key, value in _entries(text, entry, pair):
        made.setdefault(key, []).append(value)
    return made


def str_to_map(text: str, entry: str = ",", pair: str = ":") -> dict[str, str]:
    return {key: value for key, _, value in (part.partition(pair) for part in text.split(entry))}


def strpos(text: str, part: str, instance: int) -> int:
    if instance == 0:
        raise bad("'instance' must be a positive or negative number.")
    if not part:
        return 1
    places = [i for i in range(len(text) - len(part) + 1) if text.startswith(part, i)]
    if abs(instance) > len(places):
        return 0
    return (places[instance - 1] if instance > 0 else places[instance]) + 1


def _padding(size: int, length: int, pad: str | bytes) -> None:
    if not pad:
        raise bad("Padding string must not be empty")
    if not 0 <= length <= 2147483647:
        raise bad(f"Target length must be in the range [0..2147483647], got {length}")


def lpad(text: Any, length: int, pad: Any) -> Any:
    _padding(len(text), length, pad)
    missing = length - len(text)
    return text[:length] if missing <= 0 else (pad * (missing // len(pad) + 1))[:missing] + text


def rpad(text: Any, length: int, pad: Any) -> Any:
    _padding(len(text), length, pad)
    missing = length - len(text)
    return text[:length] if missing <= 0 else text + (pad * (missing // len(pad) + 1))[:missing]


def chr_of(code: int) -> str:
    if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise bad(f"Not a valid Unicode code point: {code}")
    return chr(code)


def codepoint(text: str) -> int:
    if len(text) != 1:
        raise bad("Input string must be a single character string")
    return ord(text)


def hamming_distance(a: str, b: str) -> int:
    if len(a) != len(b):
        raise bad("The input strings to hamming_distance function must have the same length")
    return sum(x != y for x, y in zip(a, b, strict=True))


def luhn_check(text: str) -> bool:
    if not text:
        return False
    if not text.isascii() or not text.isdigit():
        raise bad("Input contains non-digit characters")
    doubled = [sum(divmod(int(d) * 2, 10)) if i % 2 else int(d) for i, d in enumerate(reversed(text))]
    return sum(doubled) % 10 == 0


def normalize(text: str, form: str = "NFC") -> str:
    if form not in ("NFC", "NFD", "NFKC", "NFKD"):
        raise bad("Normalization form must be one of [NFD, NFC, NFKD, NFKC]")
    return unicodedata.normalize(form, text)  # type: ignore[arg-type]


_SOUNDS = {
    letter: code
    for code, letters in {"1": "BFPV", "2": "CGJKQSXZ", "3": "DT", "4": "L", "5": "MN", "6": "R"}.items()
    for letter in letters
}


def soundex(text: str) -> str:
    letters = [c for c in text.upper() if c.isalpha()]
    if not "".join(letters).isascii():
        raise bad("soundex takes ASCII letters")
    if not letters:
        return ""
    kept = [c for i, c in enumerate(letters) if i == 0 or c not in "HW"]
    codes = [_SOUNDS.get(c, "0") for c in kept]
    distinct = [b for a, b in pairwise(codes) if a != b]
    return (letters[0] + "".join(c for c in distinct if c != "0") + "000")[:4]


def translate(text: str, old: str, new: str) -> str:
    table: dict[str, str] = {}
    for i, letter in enumerate(old):
        table.setdefault(letter, new[i] if i < len(new) else "")
    return "".join(table.get(c, c) for c in text)


def word_stem(word: str, language: str = "en") -> str:
    return stem(word, language)


def from_utf8(data: bytes, replacement: str | int = "\ufffd") -> str:
    mark = chr_of(replacement) if isinstance(replacement, int) else replacement
    if len(mark) > 1:
        raise bad("Replacement character string must empty or a single character")
    return data.decode("utf-8", "replace").replace("\ufffd", mark)


_NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"]


def color(text: str) -> int:
    """Return a color as 24 bits, or -1 - n for the n-th system color."""
    if text.startswith("#") and len(text) == 4:
        try:
            return int("".join(c * 2 for c in text[1:]), 16)
        except ValueError as error:
            raise bad(f"Invalid color: '{text}'") from error
    if text in _NAMES:
        return -1 - _NAMES.index(text)
    raise bad(f"Invalid color: '{text}'")


def rgb(red: int, green: int, blue: int) -> int:
    for name, value in (("red", red), ("green", green), ("blue", blue)):
        if not 0 <= value <= 255:
            raise bad(f"{name} must be between 0 and 255")
    return red << 16 | green << 8 | blue


def color_between(share: float, low: int, high: int) -> int:
    share = min(max(share, 0.0), 1.0)
    parts = [((low >> s) & 255, (high >> s) & 255) for s in (16, 8, 0)]
    return rgb(*[int(a + (b - a) * share) for a, b in parts])


def color_in_range(value: float, low: float, high: float, first: int, last: int) -> int:
    return color_between((value - low) / (high - low), first, last)


def _code(tone: int) -> int:
    """Return the index in the palette of 256 colors."""
    if tone < 0:
        return -1 - tone
    red, green, blue = ((tone >> s) & 255 for s in (16, 8, 0))
    return 16 + red * 5 // 255 * 36 + green * 5 // 255 * 6 + blue * 5 // 255


def render(value: Any, tone: int) -> str:
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return f"\x1b[38;5;{_code(tone)}m{text}\x1b[0m"


def render_boolean(value: bool) -> str:
    return render("\u2713" if value else "\u2717", color("#0f0" if value else "#f00"))


def bar(share: float, width: int, low: int = 0xFF0000, high: int = 0x00FF00) -> str:
    count = int(min(max(share, 0.0), 1.0) * width)
    parts = []
    for i in range(count):
        tone = _code(color_between(i / width, low, high))
        parts.append(f"\x1b[38;5;{tone}m\u2588")
    return "".join(parts) + "\x1b[0m" + " " * (width - count)

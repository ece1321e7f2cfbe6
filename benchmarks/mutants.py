"""Mutated lake.yaml files: each is a valid lake, or errors of our own; never a traceback, and never long.

`python -m benchmarks.mutants --count 10000 --seed 1` takes the sample lakes, and changes each one to five times: a line
goes, comes twice or moves, a value becomes one of another type, a name another, a character is any other. What fails
is printed, with the seed and number that make it again.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.configuration.reading import ConfigError, load
from lake.configuration.rules import warnings

ROOT = Path(__file__).parents[1]
SAMPLES = [ROOT / "lake.yaml", *sorted((ROOT / "examples").glob("*/lake.yaml"))]
VALUES = (
    *("", "null", "~", "true", "no", "0", "-1", "1e400", ".inf", "0x1F", "1_000", "2026-02-30", "12:30:45", "3.14"),
    *(
        '""',
        "''",
        "'\\t'",
        "[]",
        "{}",
        "[[]]",
        "[1, a, null]",
        "{a: {b: c}}",
        "*anchor",
        "&anchor x",
        "<<",
        "!tag x",
        "|",
    ),
    *(
        "é",
        "日本",
        "a" * 300,
        "a b",
        "${x}",
        "{{x}}",
        "%",
        "@",
        "`",
        "cron(0 25 * * ? *)",
        "decimal(50,2)",
        "array<text>",
    ),
    *("9" * 400, "-0", "1/0", "s3://x", "../..", "select", "\\x00", "? a", "- a", "# a", "---", "..."),
)
MOST = 5
"""Changes of a file."""
SLOW_SECONDS = 10.0

Mutation = Callable[[random.Random, list[str]], None]


def _remove(chance: random.Random, lines: list[str]) -> None:
    del lines[chance.randrange(len(lines))]


def _repeat(chance: random.Random, lines: list[str]) -> None:
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))


def _swap(chance: random.Random, lines: list[str]) -> None:
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _indent(chance: random.Random, lines: list[str]) -> None:
    place = chance.randrange(len(lines))
    lines[place] = chance.choice([" ", "  ", "\t", "    "]) + lines[place]


def _value(chance: random.Random, lines: list[str]) -> None:
    """Another value after a colon, a comma or a bracket."""
    place = chance.randrange(len(lines))
    marks = [number for number, mark in enumerate(lines[place]) if mark in ":,[{-"]
    if marks:
        begin = chance.choice(marks) + 1
        end = min((i for i in range(begin, len(lines[place])) if lines[place][i] in ",]}"), default=len(lines[place]))
        lines[place] = f"{lines[place][:begin]} {chance.choice(VALUES)}{lines[place][end:]}"


def _word(chance: random.Random, lines: list[str]) -> None:
    """One of the file's words in the place of another."""
    place = chance.randrange(len(lines))
    words, others = lines[place].split(), " ".join(lines).split()
    if words:
        lines[place] = lines[place].replace(chance.choice(words), chance.choice(others), 1)


def _character(chance: random.Random, lines: list[str]) -> None:
    place = chance.randrange(len(lines))
    at = chance.randrange(len(lines[place]) + 1)
    any_ = chance.choice([*map(chr, range(32, 127)), "\t", "\x00", "\x85", "\ufeff", "\u2028", "é", "\U0001f600"])
    lines[place] = lines[place][:at] + any_ + lines[place][at + chance.randrange(2) :]


def _cut(chance: random.Random, lines: list[str]) -> None:
    place = chance.randrange(len(lines))
    lines[place] = lines[place][: chance.randrange(len(lines[place]) + 1)]


MUTATIONS: tuple[Mutation, ...] = (
    _remove,
    _repeat,
    _swap,
    _indent,
    _value,
    _value,
    _value,
    _word,
    _word,
    _character,
    _cut,
)


def mutant(seed: int, number: int) -> str:
    """A changed sample: the same for the same seed and number."""
    chance = random.Random(f"{seed} {number}")
    lines = chance.choice(SAMPLES).read_text().splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    for _ in range(chance.randint(1, MOST)):
        if lines:
            chance.choice(MUTATIONS)(chance, lines)
    return "\n".join(lines) + "\n"


def fault(text: str, folder: Path) -> str:
    """What is wrong with how a file is read; empty for a valid lake, and for errors of our own."""
    with _unraised() as printed:
        wrong = _raised(text, folder)
        gc.collect(1)
    return wrong or next(iter(printed), "")


@contextmanager
def _unraised() -> Iterator[list[str]]:
    """The stack traces that Python prints and nobody can catch, of objects that it throws away."""
    printed: list[str] = []
    before, sys.unraisablehook = sys.unraisablehook, lambda found: printed.append(f"printed: {found.exc_value!r}")
    try:
        yield printed
    finally:
        sys.unraisablehook = before


def _raised(text: str, folder: Path) -> str:
    file, begun = folder / "lake.yaml", time.monotonic()
    file.write_text(text, encoding="utf-8")
    try:
        lake = load(file)
        list(warnings(lake.config, lake.env))
    except ConfigError as error:
        if wrong := _foreign(str(error)):
            return wrong
    except Exception:
        return traceback.format_exc()
    seconds = time.monotonic() - begun
    return f"read in {seconds:.0f} s" if seconds > SLOW_SECONDS else ""


def _foreign(message: str) -> str:
    """A library's words in a message."""
    words = ("Traceback", "ruamel", "pydantic", "Input should", "Value error", "<class", "object at 0x", "Error(")
    found = [word for word in words if word in message]
    return f"the words {found} are in: {message}" if found else "" if message.strip() else "the message is empty"


def faults(seed: int, numbers: range, folder: Path) -> Iterator[tuple[int, str]]:
    for number in numbers:
        if wrong := fault(mutant(seed, number), folder):
            yield number, wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.mutants")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kinds = Counter[str]()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number, wrong in faults(options.seed, range(options.count), Path(folder)):
            kinds[wrong.strip().splitlines()[-1][:200]] += 1
            print(f"seed {options.seed}, number {number}: {wrong}", flush=True)
    print(f"{options.count} files in {time.monotonic() - begun:.0f} s, {sum(kinds.values())} faults")
    for kind, times in kinds.most_common():
        print(f"{times:6} {kind}")
    return int(bool(kinds))


if __name__ == "__main__":
    sys.exit(main())

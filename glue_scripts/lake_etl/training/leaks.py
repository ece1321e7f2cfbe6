"""The checks that a training set passes before it is published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as fn
from pyspark.sql.types import DateType

from lake_etl.errors import JobError
from lake_etl.names import column, type_of
from lake_etl.training.as_of import TIMES
from lake_etl.training.bins import as_text
from lake_etl.training.drift import Shares, indices, shares
from lake_etl.training.matches import matches
from lake_etl.training.powers import powers
from lake_etl.training.splits import PART, PARTS, TRAIN, check_parts


@dataclass(frozen=True)
class Set:
    """A training set as it is checked: its label is 0 or 1, and `known_at` has the time of each joined record."""

    rows: DataFrame
    label: str
    features: Sequence[str]
    entity: Sequence[str]
    time: str
    known_at: Sequence[str] = ()
    grouped: bool = False


@dataclass(frozen=True)
class Finding:
    """What a check found. `verdict`: fail or warn."""

    check: str
    verdict: str
    column: str
    part: str
    value: float
    limit: float
    message: str

    def record(self) -> dict[str, Any]:
        return asdict(self)


Found = Iterator[tuple[str, str, float, float, str]]
"""Column, part, value, limit and what that means."""


def leaks(of: Set, checks: Mapping[str, Any]) -> tuple[list[Finding], dict[str, Any]]:
    """What the checks find, and the figures behind it: rows, label shares, powers and distributions.

    Raises:
        JobError: nothing can be trained on this: a part has no rows, a label is missing or all the same, a feature is
            null in all of train.
    """
    figures = _figures(of)
    _check_usable(of, figures)
    powers_ = powers(of.rows, of.label, of.features)
    distributions = shares(of.rows, [of.label, *of.features], figures["rows"])
    runs: dict[str, Callable[[], Found]] = {
        "group_in_two_parts": lambda: _group_in_two_parts(of),
        "later_than_event": lambda: _later_than_event(of),
        "duplicates": lambda: _duplicates(of, checks["most_duplicates"]),
        "matches": lambda: matches(of.rows, checks["find_matches"], checks["most_duplicates"]),
        "predicts_label": lambda: _predicts_label(powers_, checks["most_auc"]),
        "is_label": lambda: _is_label(of),
        "label_balance": lambda: _label_balance(figures["label_shares"], checks["least_share"]),
        "drift": lambda: _drift(distributions, figures["rows"], checks["most_psi"]),
    }
    wanted = {name: run for name, run in runs.items() if checks[name] != "off"}
    findings = [Finding(name, checks[name], *found) for name, run in wanted.items() for found in run()]
    return findings, figures | {"powers": powers_, "distributions": distributions}


def _figures(of: Set) -> dict[str, Any]:
    nulls = [fn.count(column(name)).alias(f"n{number}") for number, name in enumerate(of.features)]
    label = column(of.label)
    counted = of.rows.groupBy(PART).agg(
        fn.count(fn.lit(1)).alias("rows"), fn.count(label).alias("labels"), fn.sum(label).alias("ones"), *nulls
    )
    by_part = {row[PART]: row.asDict() for row in counted.collect()}
    return {
        "rows": {part: row["rows"] for part, row in by_part.items()},
        "labels": {part: row["labels"] for part, row in by_part.items()},
        "label_shares": {part: (row["ones"] or 0) / max(row["labels"], 1) for part, row in by_part.items()},
        "filled": {name: by_part.get(TRAIN, {}).get(f"n{number}", 0) for number, name in enumerate(of.features)},
    }


def _check_usable(of: Set, figures: Mapping[str, Any]) -> None:
    check_parts(figures["rows"])
    without = sum(figures["rows"].values()) - sum(figures["labels"].values())
    if without:
        raise JobError(
            f"label {of.label}: {without} rows have none. Leave them out in `from`: WHERE {of.label} IS NOT NULL"
        )
    for part in PARTS:
        if figures["label_shares"][part] in (0.0, 1.0):
            class_ = int(figures["label_shares"][part])
            raise JobError(f"label {of.label}: it is {class_} in every row of {part}. A label needs both classes there")
    if empty := [name for name, count in figures["filled"].items() if not count]:
        raise JobError(
            f"feature {', '.join(empty)}: it is null in every row of train. Leave it out with `exclude`, or look why"
        )


def _group_in_two_parts(of: Set) -> Found:
    if not of.grouped:
        return
    parts = of.rows.groupBy(*map(column, of.entity)).agg(fn.countDistinct(PART).alias("parts"))
    if count := parts.where("parts > 1").count():
        names = ", ".join(of.entity)
        yield names, "", count, 0, f"{count} of ({names}) are in more than one part, though the split is by group"


def _later_than_event(of: Set) -> Found:
    """Of the records that were joined, and of whatever time a feature holds."""
    own = [name for name in of.features if isinstance(type_of(of.rows, name), (*TIMES, DateType))]
    for name in (*of.known_at, *own):
        if count := of.rows.where(column(name) > column(of.time)).count():
            yield name, "", count, 0, f"{name} is later than {of.time} in {count} rows: it was not known then"


def _duplicates(of: Set, limit: float) -> Found:
    """Rows of validation and test of which train has the like: all features and the label are the same."""
    digest = fn.sha2(fn.concat_ws("\x1f", *[as_text(name) for name in (*of.features, of.label)]), 256)
    rows = of.rows.select(PART, digest.alias("digest"))
    train = rows.where(fn.col(PART) == TRAIN).select("digest").distinct()
    shared = rows.where(fn.col(PART) != TRAIN).join(train, "digest", "left_semi").groupBy(PART).count()
    totals = {row[PART]: row["count"] for row in rows.groupBy(PART).count().collect()}
    for row in sorted(shared.collect()):
        share = row["count"] / totals[row[PART]]
        if share > limit:
            part = row[PART]
            yield "", part, share, limit, f"{share:.1%} of {part} is in train too: the same features and label"


def _predicts_label(found: Mapping[str, float], limit: float) -> Found:
    for name, power in sorted(found.items()):
        if power > limit:
            yield name, TRAIN, power, limit, f"{name} alone tells the label: its AUC is {power:.3f}"


def _is_label(of: Set) -> Found:
    """Features with a value for each class. One pass looks at all: of a copy, two values are all there is."""
    pairs = [fn.struct(fn.lit(name).alias("feature"), as_text(name).alias("value")) for name in of.features]
    if not pairs:
        return
    long = of.rows.select(column(of.label).alias("label"), fn.explode(fn.array(*pairs)).alias("pair"))
    by_value = long.groupBy("pair.feature", "pair.value").agg(
        fn.min("label").alias("least"), fn.max("label").alias("most")
    )
    by_feature = by_value.groupBy("feature").agg(
        fn.count(fn.lit(1)).alias("values"), fn.max(fn.col("most") - fn.col("least")).alias("mixed")
    )
    for row in sorted(by_feature.where("values = 2 AND mixed = 0").collect()):
        yield row.feature, "", 1.0, 0, f"{row.feature} is the label {of.label} under another name"


def _label_balance(by_part: Mapping[str, float], limit: float) -> Found:
    for part in PARTS:
        least = min(by_part[part], 1 - by_part[part])
        if least < limit:
            yield "", part, least, limit, f"the rarer class is {least:.2%} of {part}"


def _drift(distributions: Shares, rows: Mapping[str, int], limit: float) -> Found:
    for name, part, index, chance in indices(distributions, rows):
        if index > limit + chance:
            yield (
                name,
                part,
                index,
                limit + chance,
                f"{name} is distributed otherwise in {part} than in train: PSI {index:.2f}",
            )


def failures(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.verdict == "fail"]

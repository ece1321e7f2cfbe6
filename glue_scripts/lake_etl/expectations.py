"""What is expected of the rows that go to the sink, evaluated in the query that writes them: no pass of its own.

The rules that take rows out (`quarantine`) judge all rows that leave the steps, the others those that stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pyspark.errors import AnalysisException, IllegalArgumentException
from pyspark.sql import Column, DataFrame, Observation, SparkSession, Window
from pyspark.sql import functions as fn
from pyspark.sql.types import DataType, DateType, NumericType, StringType, TimestampNTZType, TimestampType

from lake_etl.errors import JobError, check_columns, check_options, unknown
from lake_etl.report import observed
from lake_etl.steps import explained
from lake_etl.transforms.cast import set_aside
from lake_etl.transforms.join import join

KINDS = {  # of rule, with the settings each has
    "complete": (),
    "unique": (),
    "in": ("values",),
    "between": ("least", "most"),
    "matches": ("pattern",),
    "rows": ("least", "most"),
    "fresh": ("hours",),
    "refers": ("dataset", "keys"),
}
THERE = "_lake_there"
SHOWN = 40  # characters of a value in a message
Datasets = Callable[[str], DataFrame]


@dataclass(frozen=True)
class Rule:
    """A rule of the job's specification. `rule` is its text in Glue's Data Quality Definition Language."""

    rule: str
    kind: str
    columns: tuple[str, ...]
    settings: dict[str, Any]
    otherwise: str = "fail"
    where: str | None = None
    at_least: float = 1.0


@dataclass(frozen=True)
class Verdict:
    """What came of a rule. share is that of the judged rows which hold; rows has none. examples: values that failed."""

    rule: str
    column_name: str
    otherwise: str
    outcome: str
    judged: int
    failed: int | None
    share: float | None
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.failed is None:
            return f"{self.rule}: there are {self.judged} rows"
        examples = " and ".join(f"'{value}'" for value in self.examples)
        such = f", such as {examples}" if examples else ""
        return f"{self.rule}: {self.failed} of {self.judged} rows fail{such}"

    def record(self) -> dict[str, Any]:
        """The verdict without its examples: values of the data stay out of reports and results."""
        return {name: value for name, value in asdict(self).items() if name != "examples"}


@dataclass(frozen=True)
class Judged:
    """Rows on their way to the sink. Once a query has read `rows`, the verdicts are known.

    rejected: the rows that rules took out (source_file, raw, reason); None where no rule may.
    """

    rows: DataFrame
    rejected: DataFrame | None
    stages: tuple[tuple[tuple[Rule, ...], Observation], ...]

    def verdicts(self) -> list[Verdict]:
        return [
            _verdict(rule, place, observed(counts)) for rules, counts in self.stages for place, rule in enumerate(rules)
        ]

    @property
    def rejects(self) -> int:
        """How many rows the rules took out."""
        return sum(observed(counts)["rejected"] for rules, counts in self.stages if rules[0].otherwise == "quarantine")


def read_rules(expect: Sequence[dict[str, Any]]) -> list[Rule]:
    """The rules of a specification. Raises JobError for one that is not known or not whole."""
    rules = []
    for given in expect:
        check_options(
            given,
            ("rule", "kind", "columns"),
            ("otherwise", "where", "at_least", *(name for names in KINDS.values() for name in names)),
        )
        if given["kind"] not in KINDS:
            raise unknown("kind of rule", given["kind"], KINDS)
        settings = {name: given.get(name) for name in KINDS[given["kind"]]}
        others = {name: given[name] for name in ("otherwise", "where", "at_least") if name in given}
        rules.append(Rule(given["rule"], given["kind"], tuple(given["columns"]), settings, **others))
    return rules


def judge(frame: DataFrame, rules: Sequence[Rule], dataset: Datasets, now: datetime) -> Judged:
    """Attach the rules to the frame; dataset reads another dataset by its name, now is when values are fresh.

    Raises JobError for a rule that cannot be evaluated: a column that is not there, or of another type.
    """
    sifting = tuple(rule for rule in rules if rule.otherwise == "quarantine")
    others = tuple(rule for rule in rules if rule.otherwise != "quarantine")
    rejected, stages = None, []
    if sifting:
        flagged, bad = _flagged(frame, sifting, dataset, now), _reason(sifting).isNotNull()
        rejected = set_aside(frame, _reason(sifting), lambda rows: _flagged(rows, sifting, dataset, now))
        counts = Observation()
        flagged = flagged.observe(counts, fn.count_if(bad).alias("rejected"), *_counted(sifting))
        frame, stages = flagged.where(~bad).select(*_columns(frame)), [(sifting, counts)]
    if others:
        counts = Observation()
        flagged = _flagged(frame, others, dataset, now).observe(counts, *_counted(others))
        frame, stages = flagged.select(*_columns(frame)), [*stages, (others, counts)]
    return Judged(frame, rejected, tuple(stages))


def check(verdicts: Sequence[Verdict]) -> None:
    """Raise JobError for the rules that fail the run, each with its counts and examples."""
    broken = [str(verdict) for verdict in verdicts if (verdict.outcome, verdict.otherwise) == ("Failed", "fail")]
    if broken:
        raise JobError(f"expectations not met, and nothing published: {'; '.join(broken)}")


def _flagged(frame: DataFrame, rules: Sequence[Rule], dataset: Datasets, now: datetime) -> DataFrame:
    """The frame with a column for each rule: whether the row fails it; null where it is not judged."""
    for place, rule in enumerate(rules):
        try:
            frame = _with_flag(frame, place, rule, dataset, now)
        except JobError as error:
            raise JobError(f"expect {rule.rule}: {error}") from error
        except AnalysisException as error:
            raise JobError(f"expect {rule.rule}: {explained(error, frame)}") from error
    return frame


def _with_flag(frame: DataFrame, place: int, rule: Rule, dataset: Datasets, now: datetime) -> DataFrame:
    check_columns(frame, rule.columns, "the data that goes to the sink")
    if rule.kind == "refers":
        frame = _referred(frame, rule, dataset)
    fails = _fails(frame, rule, now)
    flag = fn.when(fn.expr(rule.where), fails) if rule.where else fails
    return frame.withColumn(_flag(place), flag).drop(THERE)


def _fails(frame: DataFrame, rule: Rule, now: datetime) -> Column:
    """Whether a row fails the rule. A null fails all that say something of values, as in DQDL."""
    columns, given = [_column(name) for name in rule.columns], rule.settings
    match rule.kind:
        case "rows":
            return fn.lit(False)
        case "complete":
            return columns[0].isNull()
        case "unique":
            return _repeated(columns, rule.where)
        case "refers":
            return fn.col(THERE).isNull()
        case "in":
            holds = _in(columns[0], given["values"], _need(frame, rule, _types_of(given["values"])))
        case "between":
            _need(frame, rule, NumericType)
            holds = _within(columns[0], given["least"], given["most"])
        case "matches":
            _need(frame, rule, StringType)
            holds = columns[0].rlike(_anchored(frame.sparkSession, given["pattern"]))
        case _:
            _need(frame, rule, DateType, TimestampType, TimestampNTZType)
            oldest = fn.lit(now.isoformat()).cast("timestamp") - fn.expr(f"make_dt_interval(0, {given['hours']})")
            holds = columns[0].cast("timestamp") >= oldest
    return ~fn.coalesce(holds, fn.lit(False))


def _repeated(columns: list[Column], where: str | None) -> Column:
    """Whether another row has the same values. Rows of nulls alone are not judged: they have no key."""
    judged = fn.expr(where) if where else fn.lit(True)
    same = fn.count(fn.when(judged, 1)).over(Window.partitionBy(*columns))
    return fn.when(fn.coalesce(*[column.cast("string") for column in columns]).isNotNull(), same > 1)


def _referred(frame: DataFrame, rule: Rule, dataset: Datasets) -> DataFrame:
    """The frame with THERE: true where the other dataset has the row's key."""
    keys = rule.settings["keys"]

    def known(name: str) -> DataFrame:
        other = dataset(name)
        check_columns(other, keys, f"dataset {name}")
        return other.select(*map(_column, keys)).distinct().withColumn(THERE, fn.lit(True))

    on = dict(zip(rule.columns, keys, strict=True))
    options = {"with": rule.settings["dataset"], "on": on, "how": "left", "take": {THERE: THERE}}
    joined = join(frame, options, known)
    # A key may have come out wider than the column is.
    return joined.select(*[_column(field.name).cast(field.dataType).alias(field.name) for field in frame.schema], THERE)


def _in(column: Column, values: list[Any], type_: DataType) -> Column:
    listed = column.isin(*[value for value in values if value is not None])
    return fn.coalesce(listed, column.isNull()) if None in values else listed


def _types_of(values: list[Any]) -> type[DataType]:
    return StringType if any(isinstance(value, str) for value in values) else NumericType


def _within(column: Column, least: float | None, most: float | None) -> Column:
    above = column >= fn.lit(least) if least is not None else fn.lit(True)
    below = column <= fn.lit(most) if most is not None else fn.lit(True)
    return fn.when(column.isNotNull(), above & below)


def _anchored(spark: SparkSession, pattern: str) -> str:
    """The pattern for the whole text. Raises JobError where Java, whose engine Spark's is, cannot read it."""
    try:
        spark.sparkContext._jvm.java.util.regex.Pattern.compile(pattern)  # type: ignore[union-attr]
    except IllegalArgumentException as error:
        raise JobError(f"Java cannot read the pattern: {str(error).splitlines()[0]}") from error
    return rf"\A(?:{pattern})\z"


def _need(frame: DataFrame, rule: Rule, *types: type[DataType]) -> DataType:
    [type_] = [field.dataType for field in frame.schema if field.name.lower() == rule.columns[0].lower()]
    if not isinstance(type_, types):
        needed = " or ".join(each.__name__.removesuffix("Type").lower() for each in types)
        raise JobError(f"column {rule.columns[0]} is {type_.simpleString()}, and the rule needs {needed}")
    return type_


def _counted(rules: Sequence[Rule]) -> list[Column]:
    counted = [fn.count(fn.lit(1)).alias("rows")]
    for place, rule in enumerate(rules):
        flag = fn.col(_flag(place))
        shown = fn.substring(fn.concat_ws(", ", *[_column(name).cast("string") for name in rule.columns]), 1, SHOWN)
        failing = fn.when(flag & (shown != ""), shown)
        counted += [fn.count(flag).alias(f"judged {place}"), fn.count_if(flag).alias(f"failed {place}")]
        counted += [fn.min(failing).alias(f"least {place}"), fn.max(failing).alias(f"most {place}")]
    return counted


def _verdict(rule: Rule, place: int, counts: dict[str, Any]) -> Verdict:
    judged, failed = counts[f"judged {place}"], counts[f"failed {place}"]
    if rule.kind == "rows":
        least, most = rule.settings["least"], rule.settings["most"]
        holds = (least is None or judged >= least) and (most is None or judged <= most)
        return Verdict(rule.rule, "", rule.otherwise, _outcome(holds), judged, None, None)
    holds = judged - failed >= rule.at_least * judged
    share = (judged - failed) / judged if judged else 1.0
    examples = tuple(sorted({counts[f"least {place}"], counts[f"most {place}"]} - {None}))
    columns = ", ".join(rule.columns)
    return Verdict(rule.rule, columns, rule.otherwise, _outcome(holds), judged, failed, share, examples)


def _outcome(holds: bool) -> str:
    """In the words of Glue Data Quality."""
    return "Passed" if holds else "Failed"


def _reason(rules: Sequence[Rule]) -> Column:
    """The rules that a row fails; null for a row that fails none."""
    failed = [fn.when(fn.col(_flag(place)), fn.lit(rule.rule)) for place, rule in enumerate(rules)]
    return fn.nullif(fn.concat_ws("; ", *failed), fn.lit(""))


def _columns(frame: DataFrame) -> list[Column]:
    return [_column(name) for name in frame.columns]


def _column(name: str) -> Column:
    return fn.col(f"`{name.replace('`', '``')}`")


def _flag(place: int) -> str:
    return f"_lake_fails_{place}"

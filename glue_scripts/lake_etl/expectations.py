"""The expectations of the rows that go to the sink, evaluated by the query that writes them, without an extra pass.

Rules that remove rows (`quarantine`) judge all rows that leave the steps; the other rules judge the rows that remain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from fractions import Fraction
from typing import Any

from pyspark.errors import AnalysisException, IllegalArgumentException
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as fn
from pyspark.sql.types import DateType, NumericType, StringType, TimestampNTZType, TimestampType

from lake_etl.errors import JobError, check_columns, check_options, unknown
from lake_etl.names import OWN, check_comparable, column, type_of
from lake_etl.report import observed
from lake_etl.steps import explained
from lake_etl.transforms.cast import set_aside
from lake_etl.transforms.join import pair

KINDS = ("complete", "unique", "in", "between", "matches", "rows", "fresh", "refers")
NEEDS = {  # of a rule's column: its types
    "string": (StringType,),
    "numeric": (NumericType,),
    "date or timestamp or timestampntz": (DateType, TimestampType, TimestampNTZType),
}
THERE, NOW = f"{OWN}there", f"{OWN}now"  # columns that a rule's SQL may use
SHOWN = 40  # characters of a value in a message
Datasets = Callable[[str], DataFrame]


@dataclass(frozen=True)
class Rule:
    """A rule of the job's specification. `rule` is its text in Glue's Data Quality Definition Language.

    fails  SQL that is true for a row that fails, and null for a row that is not judged
    needs  the required type of its column, one of NEEDS
    """

    rule: str
    kind: str
    columns: Sequence[str]
    fails: str
    needs: str | None = None
    otherwise: str = "fail"
    where: str | None = None
    at_least: float = 1.0
    least: int | None = None
    most: int | None = None
    pattern: str | None = None
    dataset: str = ""
    keys: Sequence[str] = ()


@dataclass(frozen=True)
class Verdict:
    """The outcome of a rule. share: passing rows among the judged ones; rows has none. examples: failing values."""

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
        """Return the verdict without its examples: values of the data must not get into reports and results."""
        return {name: value for name, value in asdict(self).items() if name != "examples"}


@dataclass(frozen=True)
class Judged:
    """Rows on their way to the sink. The verdicts are known once a query has read `rows`.

    rejected: the rows that rules removed (source_file, raw, reason); None if no rule removes rows.
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
        """Return how many rows the rules removed."""
        return sum(observed(counts)["rejected"] for rules, counts in self.stages if rules[0].otherwise == "quarantine")


def read_rules(expect: Sequence[dict[str, Any]]) -> list[Rule]:
    """Return the rules of a specification. Raises JobError for an unknown or incomplete rule."""
    required = ("rule", "kind", "columns", "fails")
    optional = tuple(field.name for field in fields(Rule) if field.name not in required)
    for given in expect:
        check_options(given, required, optional)
        if given["kind"] not in KINDS:
            raise unknown("kind of rule", given["kind"], KINDS)
    return [Rule(**given) for given in expect]


def judge(frame: DataFrame, rules: Sequence[Rule], dataset: Datasets, now: datetime) -> Judged:
    """Attach the rules to the frame. dataset reads another dataset by name; now is the time that freshness refers to.

    Raises JobError for a rule that cannot be evaluated: its column is missing or has another type.
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
    """Raise JobError for the rules that fail the run, with their counts and examples."""
    failed = [str(verdict) for verdict in verdicts if (verdict.outcome, verdict.otherwise) == ("Failed", "fail")]
    if failed:
        raise JobError(f"expectations not met, and nothing published: {'; '.join(failed)}")


def _flagged(frame: DataFrame, rules: Sequence[Rule], dataset: Datasets, now: datetime) -> DataFrame:
    """Return the frame with a column per rule: whether the row fails it; null if it is not judged."""
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
    _check_type(frame, rule)
    if rule.pattern is not None:
        _check_pattern(frame.sparkSession, rule.pattern)
    if rule.kind == "unique":
        check_comparable(frame, list(rule.columns), "unique")
    if rule.kind == "refers":
        frame = _referred(frame, rule, dataset)
    if rule.kind == "fresh":
        frame = frame.withColumn(NOW, fn.lit(now.isoformat()).cast("timestamp"))
    fails = fn.expr(rule.fails)
    flag = fn.when(fn.expr(rule.where), fails) if rule.where else fails
    return frame.withColumn(_flag(place), flag).drop(THERE, NOW)


def _referred(frame: DataFrame, rule: Rule, dataset: Datasets) -> DataFrame:
    """Return the frame with THERE: true if the other dataset has the row's key."""
    other, keys = dataset(rule.dataset), dict(zip(rule.columns, rule.keys, strict=True))
    check_columns(other, rule.keys, f"dataset {rule.dataset}")
    check_comparable(other, list(rule.keys), f"dataset {rule.dataset}")
    known = other.select(*map(column, rule.keys)).distinct().withColumn(THERE, fn.lit(True))
    joined = pair(frame, known, rule.dataset, keys, "left", {THERE: THERE}, _way_out)
    # The comparison may have widened the key's type.
    same = [column(field.name).cast(field.dataType).alias(field.name) for field in frame.schema]
    return joined.select(*same, THERE)


def _way_out(here: str, ours: str, there: str, theirs: str) -> str:
    return f"Add a step, map: {{cast: {{{here}: {theirs}}}}}"


def _check_pattern(spark: SparkSession, pattern: str) -> None:
    """Raise JobError for a pattern that Java's regex engine, which Spark uses, cannot compile."""
    jvm: Any = spark.sparkContext._jvm
    try:
        jvm.java.util.regex.Pattern.compile(pattern)
    except IllegalArgumentException as error:
        raise JobError(f"Java cannot read the pattern: {str(error).splitlines()[0]}") from error


def _check_type(frame: DataFrame, rule: Rule) -> None:
    """Raise JobError if the rule needs another type than its column has."""
    if rule.needs:
        type_ = type_of(frame, rule.columns[0])
        if not isinstance(type_, NEEDS[rule.needs]):
            raise JobError(f"column {rule.columns[0]} is {type_.simpleString()}, and the rule needs {rule.needs}")


def _counted(rules: Sequence[Rule]) -> list[Column]:
    counted = [fn.count(fn.lit(1)).alias("rows")]
    for place, rule in enumerate(rules):
        flag = fn.col(_flag(place))
        shown = fn.substring(fn.concat_ws(", ", *[column(name).cast("string") for name in rule.columns]), 1, SHOWN)
        failing = fn.when(flag & (shown != ""), shown)
        counted += [fn.count(flag).alias(f"judged {place}"), fn.count_if(flag).alias(f"failed {place}")]
        counted += [fn.min(failing).alias(f"least {place}"), fn.max(failing).alias(f"most {place}")]
    return counted


def _verdict(rule: Rule, place: int, counts: dict[str, Any]) -> Verdict:
    judged, failed = counts[f"judged {place}"], counts[f"failed {place}"]
    if rule.kind == "rows":
        holds = (rule.least is None or judged >= rule.least) and (rule.most is None or judged <= rule.most)
        return Verdict(rule.rule, "", rule.otherwise, _outcome(holds), judged, None, None)
    holds = judged - failed >= Fraction(str(rule.at_least)) * judged  # 0.55 of 100 is 55
    share = (judged - failed) / judged if judged else 1.0
    examples = tuple(sorted({counts[f"least {place}"], counts[f"most {place}"]} - {None}))
    columns = ", ".join(rule.columns)
    return Verdict(rule.rule, columns, rule.otherwise, _outcome(holds), judged, failed, share, examples)


def _outcome(holds: bool) -> str:
    """Return the outcome in the words of Glue Data Quality."""
    return "Passed" if holds else "Failed"


def _reason(rules: Sequence[Rule]) -> Column:
    """Return the rules that a row fails; null if it fails none."""
    failed = [fn.when(fn.col(_flag(place)), fn.lit(rule.rule)) for place, rule in enumerate(rules)]
    return fn.nullif(fn.concat_ws("; ", *failed), fn.lit(""))


def _columns(frame: DataFrame) -> list[Column]:
    return [column(name) for name in frame.columns]


def _flag(place: int) -> str:
    return f"{OWN}fails_{place}"

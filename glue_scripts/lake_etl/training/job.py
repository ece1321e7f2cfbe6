"""A run that builds a training set, or the rows that a model shall predict."""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict
from typing import Any
from uuid import uuid4

import boto3
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as fn
from pyspark.sql.types import BooleanType, DateType, NumericType, StringType

from lake_etl.entry import run_to_end, specification
from lake_etl.errors import JobError, check_columns
from lake_etl.job import session
from lake_etl.names import OWN, check_comparable, column, type_of
from lake_etl.training.as_of import TIMES, as_of_join
from lake_etl.training.files import File, Folder, write_file
from lake_etl.training.leaks import Set, failures, leaks
from lake_etl.training.splits import PART, PARTS, with_parts
from lake_etl.training.tables import Tables
from lake_etl.training.watch import drift_from_train

ROW = f"{OWN}row"
"""The number of a row to predict."""


def main() -> None:
    """Run the job of the command line."""
    run_to_end(run)


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """The job's arguments. Glue adds some of its own: those not known here are left alone."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("JOB_NAME", "spec", "raw_database", "curated_database", "ml_bucket", "code_version"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--JOB_RUN_ID", default=str(uuid4()))
    parser.add_argument("--on", default="", help="predict: the table that stands in for the training set's own")
    parser.add_argument("--where", default="true", help="predict: which of its rows")
    parser.add_argument("--drift", default="", help="not empty: compare these rows with train, and predict nothing")
    return parser.parse_known_args(argv)[0]


def run(argv: list[str]) -> dict[str, Any]:
    """Build what the arguments say, and return the report, which is then in the ml bucket too."""
    arguments = parse_arguments(argv)
    spec, spark = specification(arguments.spec), session(arguments.JOB_NAME)
    # One order of the rows, and so one file, whatever the machine has.
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    if arguments.drift:
        return _drift(spark, spec, arguments)
    return _to_predict(spark, spec, arguments) if arguments.on else _training_set(spark, spec, arguments)


def _training_set(spark: SparkSession, spec: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    tables = _tables(spark, arguments)
    # The sources are read once: all that follows looks at the same rows.
    rows = joined(spec, tables).cache()
    features = features_of(spec, rows)
    labelled_ = labelled(rows, spec["label"])
    parted = with_parts(_timed(labelled_.dropna(subset=[spec["label"]]), spec), spec)
    of = Set(
        parted, spec["label"], features, spec["entity"], spec["time"], _known_at(spec), spec["split"]["by"] == "group"
    )
    findings, figures = leaks(of, spec["checks"])
    report = {
        "training_set": spec["name"],
        "run_id": arguments.JOB_RUN_ID,
        "findings": [finding.record() for finding in findings],
        "without_label": labelled_.where(column(spec["label"]).isNull()).count(),
        **figures,
    }
    if refused := failures(findings):
        _put(arguments, f"reports/{spec['name']}/{arguments.JOB_RUN_ID}.json", report)
        raise JobError("not published: " + "; ".join(finding.message for finding in refused))
    manifest = _written(spec, arguments, tables, parted, features)
    report["version"] = manifest["version"]
    _put(arguments, f"reports/{spec['name']}/{arguments.JOB_RUN_ID}.json", report)
    return report


def _tables(spark: SparkSession, arguments: argparse.Namespace, **settings: Any) -> Tables:
    return Tables(spark, (arguments.curated_database, arguments.raw_database), **settings)


def joined(spec: dict[str, Any], tables: Tables) -> DataFrame:
    """The rows of `from` with the features as they were known."""
    rows = tables.select(spec["from"])
    check_columns(rows, [*spec["entity"], spec["time"]], "`from`")
    for name, feature in spec["features"].items():
        try:
            rows = as_of_join(
                rows,
                tables.rows(name),  # never what stands in: that has no history
                time=spec["time"],
                as_of=feature["as_of"],
                on=feature["on"],
                take=feature["take"],
                within_hours=feature.get("within_hours"),
                known_at=_known(name),
            )
        except JobError as error:
            raise JobError(f"features {name}: {error}") from None
    return rows


def _known(table: str) -> str:
    return f"{OWN}known_{table}"


def _known_at(spec: dict[str, Any]) -> list[str]:
    return [_known(name) for name in spec["features"]]


def features_of(spec: dict[str, Any], rows: DataFrame) -> list[str]:
    """All columns but those that say what a row is about, its time, its label, and what is known only afterwards."""
    check_columns(rows, [spec["label"], *spec["exclude"]], "`from`")
    other = {name.lower() for name in (*spec["entity"], spec["time"], spec["label"], *spec["exclude"])}
    features = [name for name in rows.columns if name.lower() not in other and not name.startswith(OWN)]
    if not features:
        raise JobError(f"no feature is left: {', '.join(rows.columns)} are all entity, time, label or excluded")
    return features


def labelled(rows: DataFrame, label: str) -> DataFrame:
    """The rows with the label as 0 or 1. Raises JobError for a label that is something else."""
    type_ = type_of(rows, label)
    if not isinstance(type_, BooleanType | NumericType):
        raise JobError(f"label {label} is {type_.simpleString()}, and has to be true or false, or 1 and 0")
    if isinstance(type_, NumericType):
        other = rows.where(~column(label).isin(0, 1)).select(column(label).cast("string")).limit(1).collect()
        if other:
            raise JobError(f"label {label} has the value {other[0][0]}. Allowed: true and false, or 1 and 0")
    return rows.withColumn(label, column(label).cast("int"))


def _timed(rows: DataFrame, spec: dict[str, Any]) -> DataFrame:
    time = spec["time"]
    if not isinstance(type_of(rows, time), (*TIMES, DateType)):
        raise JobError(f"time {time} is {type_of(rows, time).simpleString()}. Cast it in `from` to a timestamp or date")
    if count := rows.where(column(time).isNull()).count():
        raise JobError(f"time {time}: {count} rows have none. Leave them out in `from`: WHERE {time} IS NOT NULL")
    return rows


def _written(
    spec: dict[str, Any], arguments: argparse.Namespace, tables: Tables, parted: DataFrame, features: list[str]
) -> dict[str, Any]:
    """Write the parts aside, then publish them under a version that is the hash of all that made them."""
    root = f"s3://{arguments.ml_bucket}/training-sets/{spec['name']}/"
    aside = Folder(parted.sparkSession, f"{root}_building/{arguments.JOB_RUN_ID}/")
    format_, columns = spec["format"], [spec["label"], *features]
    written = {
        part: write_file(
            parted.where(fn.col(PART) == part).select(*map(column, columns)), aside, f"{part}/{part}.{format_}", format_
        )
        for part in PARTS
    }
    tables.check_unchanged()
    manifest = _manifest(spec, arguments, tables, parted.select(*map(column, columns)), written)
    folder = Folder(parted.sparkSession, f"{root}{manifest['version']}/")
    for path, file in written.values():
        folder.take(path, file.path)
    aside.delete()
    _put(arguments, f"training-sets/{spec['name']}/{manifest['version']}/manifest.json", manifest)
    _put(arguments, f"training-sets/{spec['name']}/latest.json", {"version": manifest["version"]})
    return manifest


def _manifest(
    spec: dict[str, Any],
    arguments: argparse.Namespace,
    tables: Tables,
    rows: DataFrame,
    written: dict[str, tuple[Any, File]],
) -> dict[str, Any]:
    """What the set is made of and holds. It has no time in it: the same inputs give the same version."""
    content = {
        "name": spec["name"],
        "format": spec["format"],
        "label": spec["label"],
        "features": rows.columns[1:],
        "entity": spec["entity"],
        "time": spec["time"],
        "columns": dict(rows.dtypes),
        "parts": {part: asdict(file) for part, (_, file) in written.items()},
        "from": spec["from"],
        "joined": spec["features"],
        "split": spec["split"],
        "sources": tables.snapshots(),
        "code_version": arguments.code_version,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return content | {"version": digest[:16]}


def _to_predict(spark: SparkSession, spec: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """The features of the rows of a table as CSV after a number, and by that number entity and time as Parquet.

    What a transform answers has then no value but numbers, which come back from any CSV as they are.
    """
    chosen, tables = _standing_in(spark, spec, arguments)
    features, keys = features_of(spec, chosen), [*spec["entity"], spec["time"]]
    rows = _numbered(_timed(chosen, spec).select(*map(column, [*keys, *features])))
    _check_lines(rows, features)
    place = f"predicting/{spec['name']}/{arguments.JOB_RUN_ID}/"
    folder = Folder(spark, f"s3://{arguments.ml_bucket}/{place}")
    inputs, file = write_file(rows.select(ROW, *map(column, features)), folder, "rows.csv", "csv")
    if not file.rows:
        raise JobError(f"table {arguments.on}: no row is chosen by {arguments.where}")
    of_rows, _ = write_file(rows.select(ROW, *map(column, keys)), folder, "keys.parquet", "parquet")
    tables.check_unchanged()
    folder.take(inputs, "input/rows.csv")
    folder.take(of_rows, "keys/keys.parquet")
    types = dict(rows.dtypes)
    report = {
        "training_set": spec["name"],
        "run_id": arguments.JOB_RUN_ID,
        "keys": {name: types[name] for name in keys},
        "features": features,
        "rows": file.rows,
        "input": f"{folder.location}input/",
        "keys_at": f"{folder.location}keys/",
        "sources": tables.snapshots(),
    }
    _put(arguments, f"reports/{spec['name']}/{arguments.JOB_RUN_ID}.json", report)
    return report


def _numbered(rows: DataFrame) -> DataFrame:
    """The rows with a number each, kept as they are: what is read again could get another."""
    check_comparable(rows, rows.columns, "the rows to predict")
    return rows.select(fn.row_number().over(Window.orderBy(*map(column, rows.columns))).alias(ROW), "*").cache()


def _check_lines(rows: DataFrame, features: list[str]) -> None:
    """Raise JobError for a text of several lines: a batch transform takes each line for a row."""
    texts = [name for name in features if isinstance(type_of(rows, name), StringType)]
    counts = [fn.count_if(column(name).rlike("[\r\n]")) for name in texts]
    for name, count in zip(texts, rows.agg(fn.lit(0), *counts).collect()[0][1:], strict=True):
        if count:
            raise JobError(
                f"feature {name}: {count} values have a line break, and a batch transform takes each line of CSV for a "
                f"row. Replace them in `from`: translate({name}, '\\r\\n', '  ')"
            )


def _standing_in(spark: SparkSession, spec: dict[str, Any], arguments: argparse.Namespace) -> tuple[DataFrame, Tables]:
    """The rows of another table as those of `from`, joined. They may lack the label and what is excluded."""
    own = spec["from"] if spec["from"].isidentifier() else spec["table"]
    optional = (spec["label"], *spec["exclude"])
    stands_in = {own.lower(): arguments.on}
    tables = _tables(spark, arguments, stands_in=stands_in, where=arguments.where, optional=optional)
    rows = joined(spec, tables)
    if not tables.has_stood_in:
        raise JobError(f"from: it does not read the table {own}, so {arguments.on} cannot stand in for it")
    return rows, tables


def _drift(spark: SparkSession, spec: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """How differently the features of later rows are distributed than those of train in the latest version."""
    rows, tables = _standing_in(spark, spec, arguments)
    found, limit = drift_from_train(rows, arguments.ml_bucket, spec["name"]), spec["checks"]["most_psi"]
    if not found["rows"]:
        raise JobError(f"table {arguments.on}: no row is chosen by {arguments.where}")
    report = {
        "training_set": spec["name"],
        "run_id": arguments.JOB_RUN_ID,
        "limit": limit,
        "sources": tables.snapshots(),
        **found,
    }
    for name in (arguments.JOB_RUN_ID, "drift"):
        _put(arguments, f"reports/{spec['name']}/{name}.json", report)
    if over := [
        f"{name} {index:.2f}" for name, index in found["indices"].items() if index > limit + found["chance"][name]
    ]:
        raise JobError(f"drift: distributed otherwise than in train, by PSI over {limit}: {', '.join(over)}")
    return report


def _put(arguments: argparse.Namespace, key: str, document: dict[str, Any]) -> None:
    # In the order as it is: that of `keys` and `columns` is the order of the columns of files without a header.
    body = json.dumps(document, indent=1).encode()
    boto3.client("s3").put_object(Bucket=arguments.ml_bucket, Key=key, Body=body)

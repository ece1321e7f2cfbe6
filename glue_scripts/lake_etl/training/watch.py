"""Whether rows that came later are still like those of train."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from lake_etl.errors import JobError, check_columns
from lake_etl.names import column, quoted
from lake_etl.training.drift import indices, shares
from lake_etl.training.files import CSV
from lake_etl.training.splits import PART, TEST, TRAIN


def drift_from_train(rows: DataFrame, bucket: str, name: str) -> dict[str, Any]:
    """The population stability index of each feature against train of the latest version of a training set.

    Args:
        bucket: the name of the bucket that holds the set.

    Returns:
        The version, the number of rows, by feature the index and what chance gives, and the distributions; `test` has
        those of the rows.

    Raises:
        JobError: no version is there.
    """
    manifest = _latest(bucket, name)
    features = manifest["features"]
    check_columns(rows, features, "`from`")
    train = _train(rows.sparkSession, bucket, manifest).select(*map(column, features), fn.lit(TRAIN).alias(PART))
    later = rows.select(*map(column, features), fn.lit(TEST).alias(PART))
    both = train.unionByName(later).cache()
    rows_of = {row[PART]: row["count"] for row in both.groupBy(PART).count().collect()}
    found = shares(both, features, rows_of)
    measured = {feature: (index, chance) for feature, _, index, chance in indices(found, rows_of)}
    return {
        "version": manifest["version"],
        "rows": rows_of.get(TEST, 0),
        "indices": {feature: index for feature, (index, _) in measured.items()},
        "chance": {feature: chance for feature, (_, chance) in measured.items()},
        "distributions": found,
    }


def _latest(bucket: str, name: str) -> dict[str, Any]:
    try:
        version = _document(bucket, f"training-sets/{name}/latest.json")["version"]
        return _document(bucket, f"training-sets/{name}/{version}/manifest.json")
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        raise JobError(f"the training set {name} has no version yet, with which rows could be compared") from None


def _document(bucket: str, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.load(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"])
    return found


def _train(spark: SparkSession, bucket: str, manifest: dict[str, Any]) -> DataFrame:
    """The rows of train in the types of the set."""
    place = f"s3://{bucket}/training-sets/{manifest['name']}/{manifest['version']}/train/"
    if manifest["format"] == "parquet":
        return spark.read.parquet(place)
    names, types = [manifest["label"], *manifest["features"]], manifest["columns"]
    texts = spark.read.options(**CSV).csv(place, schema=", ".join(f"{quoted(name)} string" for name in names))
    return texts.select(*[column(name).cast(types[name]).alias(name) for name in names])

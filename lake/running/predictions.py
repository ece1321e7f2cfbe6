"""Predictions: a batch transform over the rows of a table, and the table that Athena joins."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from lake.aws import Aws
from lake.data import zones
from lake.data.sql import query
from lake.errors import LakeError
from lake.running.datasets import build, manifest
from lake.running.jobs import Show
from lake.running.models import model_of, package_of
from lake.running.waiting import ended

ROW, SCORE = "_lake_row", "score"
"""The row's number is the first column of the files of glue_scripts/lake_etl/training/job.py."""
_TYPES = {"timestamp_ntz": "timestamp"}
_CSV = "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'"


def predict(
    aws: Aws, name: str, table: str, show: Show, where: str = "true", version: int | None = None
) -> dict[str, Any]:
    """Predict rows of a table, as the training set's own, and replace the model's table of predictions by them.

    Raises:
        LakeError: there is no such model, the rows cannot be made, or the transform failed; with its reason.
    """
    model, package = model_of(aws, name), package_of(aws, name, version)
    report, refused = build(aws, model.training_set, show, {"--on": table, "--where": where})
    if refused:
        raise LakeError(f"the rows of {table} cannot be made: {refused}")
    _check_features(aws, name, package, report["features"])
    output = _transformed(aws, name, package, report, model.instance, show)
    made = _table(aws, name, report, output, package["ModelPackageVersion"])
    return {"table": made, "rows": report["rows"], "model_version": package["ModelPackageVersion"]}


def _check_features(aws: Aws, name: str, package: Any, features: list[str]) -> None:
    """Raise LakeError where the model was trained on other features than the rows have."""
    metadata = package["CustomerMetadataProperties"]
    trained = manifest(aws, metadata["training_set"], metadata["training_set_version"])["features"]
    if features != trained:
        raise LakeError(
            f"version {package['ModelPackageVersion']} of {name} was trained on {', '.join(trained)}, and the training "
            f"set that is deployed has {', '.join(features)}. Build it and train again: `lake train {name}`"
        )


def _transformed(aws: Aws, name: str, package: Any, report: dict[str, Any], instance: str, show: Show) -> str:
    """The folder of the transform's output: the number of each row, and its score."""
    job = f"{aws.names.model(name)[:40]}-{report['run_id'].removeprefix('jr_')[:20]}"
    container = {
        key: package["InferenceSpecification"]["Containers"][0][key] for key in ("Image", "ModelDataUrl", "Environment")
    }
    aws.sagemaker.create_model(
        ModelName=job,
        PrimaryContainer=container,
        ExecutionRoleArn=aws.names.role_arn("ml-job"),
        EnableNetworkIsolation=True,
        Tags=[{"Key": key, "Value": value} for key, value in aws.lake.tags.items()],
    )
    try:
        aws.sagemaker.create_transform_job(**_request(aws, job, report, instance))
        return _ended(aws, job, show)
    finally:
        aws.sagemaker.delete_model(ModelName=job)


def _request(aws: Aws, job: str, report: dict[str, Any], instance: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": report["input"]}
    return {
        "TransformJobName": job,
        "ModelName": job,
        "BatchStrategy": "MultiRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "text/csv",
            "SplitType": "Line",
            "CompressionType": "None",
        },
        "TransformOutput": {
            "S3OutputPath": report["input"].replace("/input/", "/output/").rstrip("/"),
            "Accept": "text/csv",
            "AssembleWith": "Line",
            "KmsKeyId": aws.names.key_alias_arn,
        },
        "TransformResources": {"InstanceType": instance, "InstanceCount": 1},
        "DataProcessing": {
            "InputFilter": "$[1:]",
            "JoinSource": "Input",
            "OutputFilter": "$[0,-1]",
        },
        "Tags": [{"Key": key, "Value": value} for key, value in aws.lake.tags.items()],
    }


def _ended(aws: Aws, job: str, show: Show) -> str:
    def look() -> tuple[Any, str, str]:
        found = aws.sagemaker.describe_transform_job(TransformJobName=job)
        return found, found["TransformJobStatus"], "predicting"

    continues = f"the transform job {job} continues by itself, and its answers become no table. Predict again for that"
    found = ended(look, lambda state: state in ("InProgress", "Stopping"), show, continues)
    if (status := found["TransformJobStatus"]) != "Completed":
        raise LakeError(f"the transform job {job} is {status}: {found.get('FailureReason', 'no reason given')}")
    return str(found["TransformOutput"]["S3OutputPath"])


def _table(aws: Aws, name: str, report: dict[str, Any], output: str, version: int) -> str:
    """Make Parquet of the output and the rows' keys, and point the model's table there, in one step for who reads it.

    Raises:
        LakeError: the transform answered another number of rows than it was given.
    """
    database, table = aws.names.database("ml"), f"{name}_predictions"
    tail = report["run_id"][-12:].lower()
    scores, keys, made = f"{table}_scores_{tail}", f"{table}_keys_{tail}", f"{table}_{tail}"
    try:
        _read_as(aws, scores, {ROW: "string", SCORE: "string"}, f"{output}/", _CSV)
        _read_as(aws, keys, {ROW: "int", **report["keys"]}, report["keys_at"], "STORED AS PARQUET")
        place = f"s3://{aws.names.bucket('ml')}/predictions/{name}/{report['run_id']}/"
        columns = ", ".join(f'k."{column}"' for column in report["keys"])
        query(
            aws,
            f"CREATE TABLE \"{made}\" WITH (format = 'PARQUET', external_location = '{place}') AS "
            f"SELECT {columns}, CAST(s.{SCORE} AS double) AS {SCORE}, {version} AS model_version "
            f'FROM "{keys}" AS k JOIN "{scores}" AS s ON k."{ROW}" = CAST(s."{ROW}" AS integer)',
            "ml",
        )
        _check_rows(aws, made, report["rows"])
    finally:
        for staged in (scores, keys):
            _delete(aws, database, staged)
    _point(aws, database, table, made)
    return f"{database}.{table}"


def _read_as(aws: Aws, table: str, columns: dict[str, str], place: str, format_: str) -> None:
    typed = ", ".join(f"`{column}` {_TYPES.get(type_, type_)}" for column, type_ in columns.items())
    query(aws, f"CREATE EXTERNAL TABLE `{table}` ({typed}) {format_} LOCATION '{place}'", "ml")


def _check_rows(aws: Aws, made: str, rows: int) -> None:
    found = int(query(aws, f'SELECT count(*) FROM "{made}"', "ml").rows[0][0] or 0)
    if found != rows:
        _delete(aws, aws.names.database("ml"), made)
        raise LakeError(f"the transform answered {found:,} of {rows:,} rows. The predictions before are still there")


def _delete(aws: Aws, database: str, table: str) -> None:
    with suppress(aws.glue.exceptions.EntityNotFoundException):
        aws.glue.delete_table(DatabaseName=database, Name=table)


def _point(aws: Aws, database: str, table: str, made: str) -> None:
    found = aws.glue.get_table(DatabaseName=database, Name=made)["Table"]
    fields = ("StorageDescriptor", "Parameters", "TableType", "PartitionKeys")
    content: Any = {"Name": table, **{field: found[field] for field in fields if field in found}}  # type: ignore[literal-required]
    try:
        aws.glue.create_table(DatabaseName=database, TableInput=content)
    except aws.glue.exceptions.AlreadyExistsException:
        before = aws.glue.get_table(DatabaseName=database, Name=table)["Table"]["StorageDescriptor"]["Location"]
        aws.glue.update_table(DatabaseName=database, TableInput=content)
        place = urlsplit(before)
        zones.empty(aws, place.netloc, prefix=place.path.lstrip("/"))
    aws.glue.delete_table(DatabaseName=database, Name=made)

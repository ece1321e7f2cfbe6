"""A lake of a few rows: Spark sees a folder and boto3 a bucket, under the same s3:// paths."""

import json
import os
from dataclasses import dataclass, field
from functools import reduce
from itertools import count
from pathlib import Path
from typing import Any

import boto3
from pyspark.sql import DataFrame, SparkSession

from lake.shipped import GLUE_SCRIPTS
from local_aws.jobs.drivers import jars

BUCKETS = ("raw", "curated", "quarantine", "scripts", "models")
VIEW_FS = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
SERDE = {
    "csv": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
    "text": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    "orc": "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    "json": "org.openx.data.jsonserde.JsonSerDe",
    "parquet": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
}


def spark_settings(root: Path) -> dict[str, Any]:
    """Return the settings by which Spark finds s3://<bucket>/<key> at <root>/<bucket>/<key>."""
    mounts = {
        f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback": f"file://{root}/{bucket}/" for bucket in BUCKETS
    }
    assert jars(), "no JDBC driver: run `make setup`, install libpostgresql-jdbc-java, or set LAKE_JDBC_JARS to a jar"
    return mounts | {
        "spark.master": "local[2]",
        "spark.sql.shuffle.partitions": "2",  # the tests have only a few rows
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.extraClassPath": os.pathsep.join(map(str, jars())),
        "spark.lake.library": str(GLUE_SCRIPTS),
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.hadoop.fs.s3.impl": VIEW_FS,
    }


@dataclass
class Lake:
    """A small lake: boto3 and Spark both find its objects, and the catalog has its tables."""

    storage: Path
    database: str
    runs: "count[int]" = field(default_factory=lambda: count(1))

    def put(self, bucket: str, key: str, body: str | bytes) -> None:
        body = body.encode() if isinstance(body, str) else body
        path = self.storage / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def remove(self, bucket: str, key: str) -> None:
        (self.storage / bucket / key).unlink()
        boto3.client("s3").delete_object(Bucket=bucket, Key=key)

    def close(self, bucket: str, key: str) -> None:
        """Make Spark fail to read an object, by a wrong checksum beside it."""
        path = self.storage / bucket / key
        sums = bytes(4 * (path.stat().st_size // 512 + 1))
        path.with_name(f".{path.name}.crc").write_bytes(b"crc\0" + (512).to_bytes(4, "big") + sums)

    def sync(self, bucket: str, prefix: str) -> None:
        """Upload what Spark wrote, as a job run does at its end."""
        for path in (self.storage / bucket / prefix).rglob("*"):
            if path.is_file() and not path.name.startswith((".", "_")):
                self.put(bucket, str(path.relative_to(self.storage / bucket)), path.read_bytes())

    def table(
        self,
        name: str,
        format: str,
        columns: dict[str, str],
        keys: dict[str, str] | None = None,
        parameters: dict[str, str] | None = None,
    ) -> None:
        """Register s3://raw/<database>/<name>/ as a crawler does."""
        storage: Any = {
            "Location": f"s3://raw/{self.database}/{name}/",
            "Columns": _columns(columns),
            "SerdeInfo": {"SerializationLibrary": SERDE[format], "Parameters": parameters or {}},
        }
        table: Any = {"Name": name, "StorageDescriptor": storage, "PartitionKeys": _columns(keys or {})}
        table["Parameters"] = {"classification": "csv" if format == "text" else format}
        boto3.client("glue").create_table(DatabaseName=self.database, TableInput=table)

    def spec(self, **fields: Any) -> str:
        """Put a specification and return its location."""
        key = f"specs/{self.database}.json"
        self.put("scripts", key, json.dumps(fields))
        return f"s3://scripts/{key}"

    def written(self, spark: SparkSession, table: str = "", format: str = "parquet") -> DataFrame:
        """Return the rows of the catalog's table."""
        return reduce(
            lambda one, other: one.unionByName(other, allowMissingColumns=True),
            [
                spark.read.option("basePath", f"{root}/run-{rest.partition('/')[0]}/").load(location, format=format)
                for location in self.locations(table).values()
                for root, _, rest in [location.partition("/run-")]
            ],
        )

    def locations(self, table: str = "") -> dict[tuple[str, ...], str]:
        """Return the locations in the catalog by partition values, () for a table without keys."""
        glue: Any = boto3.client("glue")
        database, name = f"{self.database}_curated", table or self.database
        document = glue.get_table(DatabaseName=database, Name=name)["Table"]
        if not document["PartitionKeys"]:
            return {(): document["StorageDescriptor"]["Location"]}
        partitions = glue.get_partitions(DatabaseName=database, TableName=name)["Partitions"]
        return {tuple(part["Values"]): part["StorageDescriptor"]["Location"] for part in partitions}

    def arguments(self, spec: str) -> list[str]:
        """Return the arguments of a new run each time: jr_<database>, jr_<database>_2, ..."""
        number = next(self.runs)
        names = {"JOB_NAME": "job", "spec": spec, "raw_database": self.database}
        names |= {"curated_database": f"{self.database}_curated", "curated_bucket": "curated"}
        names |= {
            "quarantine_bucket": "quarantine",
            "JOB_RUN_ID": f"jr_{self.database}" + (f"_{number}" if number > 1 else ""),
            "TempDir": "s3://scripts/t",
        }
        return [part for name, value in names.items() for part in (f"--{name}", value)]


def _columns(types: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Type": type_} for name, type_ in types.items()]

"""Delivery streams of a real embedded AWS, each with its own bucket and table."""

from __future__ import annotations

import io
import json
import uuid
from dataclasses import dataclass
from typing import Any

import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from tests.embedded import client
from tests.local_aws.conftest import until

ROLE = "arn:aws:iam::000000000000:role/firehose"
COLUMNS = {"carrier": "string", "delay": "double", "at": "timestamp"}
DELIMITED = {"Type": "AppendDelimiterToRecord", "Parameters": [{"ParameterName": "Delimiter", "ParameterValue": "\\n"}]}


def jq(query: str) -> dict[str, Any]:
    """Return the processor that finds partition keys with a JQ expression."""
    given = {"MetadataExtractionQuery": query, "JsonParsingEngine": "JQ-1.6"}
    return {"Type": "MetadataExtraction", "Parameters": parameters(given)}


def parameters(given: dict[str, str]) -> list[dict[str, str]]:
    return [{"ParameterName": name, "ParameterValue": value} for name, value in given.items()]


def processing(*processors: dict[str, Any]) -> dict[str, Any]:
    return {"ProcessingConfiguration": {"Enabled": True, "Processors": list(processors)}}


@dataclass
class Stream:
    """One delivery stream, with AWS's settings; its clock is sixty times faster."""

    endpoint: str
    name: str

    def aws(self, service: str) -> Any:
        return client(service, self.endpoint)

    @property
    def conversion(self) -> dict[str, Any]:
        return {
            "Enabled": True,
            "SchemaConfiguration": {"DatabaseName": self.name, "TableName": "events", "RoleARN": ROLE},
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
        }

    def table(self, columns: dict[str, str] | None = None) -> None:
        glue = self.aws("glue")
        glue.create_database(DatabaseInput={"Name": self.name})
        described = [{"Name": name, "Type": type_} for name, type_ in (columns or COLUMNS).items()]
        place = {"Columns": described, "Location": f"s3://{self.name}/"}
        glue.create_table(DatabaseName=self.name, TableInput={"Name": "events", "StorageDescriptor": place})

    def create(self, *, source: str = "", size: int = 64, seconds: int = 60, **config: Any) -> None:
        """`source`: a Kinesis stream."""
        kinesis = {"KinesisStreamARN": f"arn:aws:kinesis:us-east-1:000000000000:stream/{source}", "RoleARN": ROLE}
        kind = {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": kinesis}
        destination = {
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{self.name}",
            "Prefix": "events/",
            "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
            "BufferingHints": {"SizeInMBs": size, "IntervalInSeconds": seconds},
            **config,
        }
        self.aws("firehose").create_delivery_stream(
            DeliveryStreamName=self.name,
            ExtendedS3DestinationConfiguration=destination,
            **(kind if source else {}),
        )

    def put(self, *records: Any) -> None:
        """Put records: bytes unchanged, anything else as JSON."""
        given = [{"Data": each if isinstance(each, bytes) else json.dumps(each).encode()} for each in records]
        answer = self.aws("firehose").put_record_batch(DeliveryStreamName=self.name, Records=given)
        assert answer["FailedPutCount"] == 0

    def objects(self, prefix: str = "events/", least: int = 1) -> dict[str, bytes]:
        """Return the objects under a prefix, once there are at least this many."""
        return until(lambda: found if len(found := self.objects_now(prefix)) >= least else None, 30)

    def objects_now(self, prefix: str = "") -> dict[str, bytes]:
        s3 = self.aws("s3")
        listed = s3.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])
        return {each["Key"]: s3.get_object(Bucket=self.name, Key=each["Key"])["Body"].read() for each in listed}

    def rows(self, prefix: str = "events/", least: int = 1) -> list[dict[str, Any]]:
        """Return the rows of the Parquet and ORC objects under a prefix, once there are at least this many."""
        return until(lambda: found if len(found := self._rows_now(prefix)) >= least else None, 30)

    def _rows_now(self, prefix: str) -> list[dict[str, Any]]:
        bodies = self.objects_now(prefix)
        readers = {key: orc if key.endswith(".orc") else pq for key in bodies}
        return [row for key, body in bodies.items() for row in readers[key].read_table(io.BytesIO(body)).to_pylist()]

    def errors(self, kind: str = "processing-failed", least: int = 1) -> list[dict[str, Any]]:
        """Return the error records of a kind, once there are at least this many."""

        def found() -> list[dict[str, Any]]:
            return [
                json.loads(line) for body in self.objects_now(f"errors/{kind}/").values() for line in body.splitlines()
            ]

        return until(lambda: each if len(each := found()) >= least else None, 30)

    def delete(self) -> None:
        self.aws("firehose").delete_delivery_stream(DeliveryStreamName=self.name)


@pytest.fixture
def stream(endpoint: str) -> Stream:
    made = Stream(endpoint, f"fh{uuid.uuid4().hex[:10]}")
    made.aws("s3").create_bucket(Bucket=made.name)
    return made

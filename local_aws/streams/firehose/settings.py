"""The settings of a delivery stream, read from its description."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from local_aws.context import Context
from local_aws.protocol import Document

MEGABYTE = 1024 * 1024
_EXTENSIONS = {"GZIP": ".gz", "ZIP": ".zip", "Snappy": ".snappy", "HADOOP_SNAPPY": ".hsnappy"}
_TO_S3 = ("ExtendedS3DestinationDescription", "S3DestinationDescription")


@dataclass(frozen=True)
class Place:
    """An S3 destination: a bucket, and the prefix expression."""

    bucket: str
    prefix: str
    error_prefix: str
    compression: str

    @classmethod
    def of(cls, config: Document) -> Place:
        return cls(
            config["BucketARN"].rpartition(":")[2],
            config.get("Prefix") or "",
            config.get("ErrorOutputPrefix") or "",
            config.get("CompressionFormat") or "UNCOMPRESSED",
        )

    @property
    def extension(self) -> str:
        return _EXTENSIONS.get(self.compression, "")


@dataclass(frozen=True)
class Conversion:
    """The conversion to Parquet or ORC, by a table of the catalog.

    Attributes:
        schema: `SchemaConfiguration`.
        deserializer: `InputFormatConfiguration.Deserializer`.
    """

    format: str
    compression: str
    schema: Document
    deserializer: Document

    @classmethod
    def of(cls, config: Document) -> Conversion | None:
        if not config or not config.get("Enabled", True):
            return None
        serializer = config["OutputFormatConfiguration"]["Serializer"]
        format_ = "orc" if serializer.get("OrcSerDe") is not None else "parquet"
        options = serializer.get("OrcSerDe" if format_ == "orc" else "ParquetSerDe") or {}
        deserializer = (config.get("InputFormatConfiguration") or {}).get("Deserializer") or {}
        schema = config.get("SchemaConfiguration") or {}
        return cls(format_, options.get("Compression") or "SNAPPY", schema, deserializer or {"OpenXJsonSerDe": {}})


@dataclass(frozen=True)
class Settings:
    """A delivery stream to S3.

    Attributes:
        seconds: age in AWS's time at which a buffer is delivered.
        source: `KinesisStreamSourceDescription`, if the stream has a Kinesis source.
        processors: type of a processor -> its parameters by name.
        backup: where the source records are backed up, if at all.
        log: the log group and log stream of its errors.
        role: as which it delivers. It reads its source as the role of that.
    """

    name: str
    arn: str
    version: str
    to: Place
    bytes: int
    seconds: float
    zone: ZoneInfo
    file_extension: str
    source: Document | None = None
    processors: dict[str, dict[str, str]] = field(default_factory=dict)
    is_partitioned: bool = False
    conversion: Conversion | None = None
    backup: Place | None = None
    log: tuple[str, str] | None = None
    role: str = ""

    @property
    def extension(self) -> str:
        usual = f".{self.conversion.format}" if self.conversion else self.to.extension
        return self.file_extension or usual

    @classmethod
    def of(cls, described: Document) -> Settings | None:
        """Read `DeliveryStreamDescription`; None if the destination is not S3."""
        destinations = described.get("Destinations") or [{}]
        config = next((destinations[0][kind] for kind in _TO_S3 if kind in destinations[0]), None)
        if config is None:
            return None
        hints = config.get("BufferingHints") or {}
        return cls(
            described["DeliveryStreamName"],
            described["DeliveryStreamARN"],
            described["VersionId"],
            Place.of(config),
            hints.get("SizeInMBs", 5) * MEGABYTE,
            hints.get("IntervalInSeconds", 300),
            ZoneInfo(config.get("CustomTimeZone") or "UTC"),
            config.get("FileExtension") or "",
            (described.get("Source") or {}).get("KinesisStreamSourceDescription"),
            _processors(config.get("ProcessingConfiguration") or {}),
            bool((config.get("DynamicPartitioningConfiguration") or {}).get("Enabled")),
            Conversion.of(config.get("DataFormatConversionConfiguration") or {}),
            _backup(config),
            _log(config.get("CloudWatchLoggingOptions") or {}),
            config.get("RoleARN") or "",
        )


def _processors(config: Document) -> dict[str, dict[str, str]]:
    given: list[dict[str, Any]] = config.get("Processors") or [] if config.get("Enabled") else []
    return {
        processor["Type"]: {each["ParameterName"]: each["ParameterValue"] for each in processor.get("Parameters") or []}
        for processor in given
    }


def _backup(config: Document) -> Place | None:
    return Place.of(config["S3BackupDescription"]) if config.get("S3BackupMode") == "Enabled" else None


def _log(options: Document) -> tuple[str, str] | None:
    named = options.get("LogGroupName"), options.get("LogStreamName")
    return (str(named[0]), str(named[1])) if options.get("Enabled") and all(named) else None


def acting(context: Context, role: str, settings: Settings) -> Context:
    """What a delivery stream does as a role. Raises ClientError: it may not take it."""
    return context.acting_as(role, "firehose", "AWSFirehose", source=settings.arn) if role else context

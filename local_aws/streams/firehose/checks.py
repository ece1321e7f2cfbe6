"""Settings that AWS refuses when a delivery stream is created or updated."""

from __future__ import annotations

from collections.abc import Iterator

from local_aws.protocol import AwsError, Document
from local_aws.streams.firehose.prefixes import NAMESPACES, expressions
from local_aws.streams.firehose.processors import compiled
from local_aws.streams.firehose.settings import Settings

_CREATED = ("ExtendedS3DestinationConfiguration", "S3DestinationConfiguration")
_UPDATED = ("ExtendedS3DestinationUpdate", "S3DestinationUpdate")


def refuse_settings(payload: Document) -> None:
    """Raises AwsError for the first setting of CreateDeliveryStream that AWS refuses."""
    config = next((payload[kind] for kind in _CREATED if kind in payload), None)
    if config is None:
        return
    _refuse(_mistakes(config))
    if payload.get("DeliveryStreamType") == "KinesisStreamAsSource" and payload.get(
        "DeliveryStreamEncryptionConfigurationInput"
    ):
        _refuse(iter(["Server-side encryption is not allowed with a Kinesis stream as source: encrypt that stream"]))


def refuse_update(payload: Document, settings: Settings | None) -> None:
    """Raises AwsError for the first setting of UpdateDestination that AWS refuses."""
    change = next((payload[kind] for kind in _UPDATED if kind in payload), None)
    if change is None or settings is None:
        return
    wanted = (change.get("DynamicPartitioningConfiguration") or {}).get("Enabled", settings.is_partitioned)
    if wanted != settings.is_partitioned:
        _refuse(iter(["Dynamic partitioning is enabled when a delivery stream is made, or never"]))


def _refuse(mistakes: Iterator[str]) -> None:
    for mistake in mistakes:
        raise AwsError("InvalidArgumentException", f"{mistake}.")


def _mistakes(config: Document) -> Iterator[str]:
    hints = config.get("BufferingHints") or {}
    size, seconds = hints.get("SizeInMBs", 5), hints.get("IntervalInSeconds", 300)
    converts = _is_on(config.get("DataFormatConversionConfiguration"))
    partitions = bool((config.get("DynamicPartitioningConfiguration") or {}).get("Enabled"))
    if not 1 <= size <= 128 or not 0 <= seconds <= 900:
        yield "BufferingHints.SizeInMBs is 1 to 128, and BufferingHints.IntervalInSeconds 0 to 900"
    if converts and "SizeInMBs" in hints and size < 64:
        yield "BufferingHints.SizeInMBs must be at least 64 when data format conversion is enabled"
    if partitions and "SizeInMBs" in hints and size < 64:
        yield "BufferingHints.SizeInMBs must be at least 64 when dynamic partitioning is enabled"
    if partitions and seconds < 60:
        yield "BufferingHints.IntervalInSeconds must be at least 60 when dynamic partitioning is enabled"
    if converts and (config.get("CompressionFormat") or "UNCOMPRESSED") != "UNCOMPRESSED":
        yield "CompressionFormat must be UNCOMPRESSED when data format conversion is enabled"
    yield from _prefixes(config, partitions)
    yield from _queries(config, partitions)


def _is_on(conversion: Document | None) -> bool:
    return bool(conversion) and bool((conversion or {}).get("Enabled", True))


def _prefixes(config: Document, partitions: bool) -> Iterator[str]:
    prefix, error = config.get("Prefix") or "", config.get("ErrorOutputPrefix") or ""
    used = [namespace for namespace, _ in expressions(prefix)]
    for namespace in [*used, *(namespace for namespace, _ in expressions(error))]:
        if namespace not in NAMESPACES:
            yield f"A prefix has the unknown namespace {namespace!r}: allowed are {', '.join(NAMESPACES)}"
    if used and not error:
        yield "ErrorOutputPrefix cannot be empty when Prefix contains expressions"
    if expressions(error) and ("firehose", "error-output-type") not in expressions(error):
        yield "ErrorOutputPrefix with expressions must contain !{firehose:error-output-type}"
    if not partitions and any(namespace.startswith("partitionKey") for namespace in used):
        yield "A Prefix with partition keys needs dynamic partitioning"
    if partitions and not any(namespace.startswith("partitionKey") for namespace in used):
        yield "Dynamic partitioning needs partition keys in Prefix"


def _queries(config: Document, partitions: bool) -> Iterator[str]:
    processing = config.get("ProcessingConfiguration") or {}
    for processor in processing.get("Processors") or [] if processing.get("Enabled") else []:
        given = {each["ParameterName"]: each["ParameterValue"] for each in processor.get("Parameters") or []}
        if processor["Type"] != "MetadataExtraction":
            continue
        if not partitions:
            yield "MetadataExtraction needs dynamic partitioning"
        try:
            compiled(given.get("MetadataExtractionQuery", ""))
        except ValueError:
            yield f"MetadataExtractionQuery is not JQ: {given.get('MetadataExtractionQuery', '')}"

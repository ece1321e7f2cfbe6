"""The streaming stack: events through Kinesis and Firehose to the raw zone, and windows computed by Flink."""

from __future__ import annotations

from constructs import Construct

from lake.configuration.reading import Lake
from stacks.base import LakeStack
from stacks.lake_formation import granted
from stacks.streaming.alarms import watch
from stacks.streaming.alerts import alerts_topic
from stacks.streaming.application import application, code
from stacks.streaming.delivery import delivery_stream
from stacks.streaming.kinesis import kinesis_stream
from stacks.streaming.table import events_table, streams_database


class StreamingStack(LakeStack):
    """Owns the streams and the tables of their events. The events themselves are in the raw zone."""

    def __init__(self, scope: Construct, id_: str, *, lake: Lake) -> None:
        super().__init__(scope, id_, lake=lake)
        database = streams_database(self)
        flink_code, alerts = code(self), alerts_topic(self)
        for name, stream in lake.config.streams.items():
            table = events_table(self, database, name, stream)
            kinesis = kinesis_stream(self, name, stream) if stream.delivery.source == "kinesis" else None
            delivery_stream(self, name, stream, kinesis, table)
            has_application = bool(stream.windows) and flink_code is not None and kinesis is not None
            if stream.windows and flink_code is not None and kinesis is not None:
                application(self, name, stream, kinesis, flink_code, database, alerts)
            watch(self, name, stream, has_application=has_application)
        granted(self)

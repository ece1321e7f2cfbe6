"""Kinesis: our own streams in append-only files instead of the emulator's. (docs/adr/0029-kinesis.md)"""

from __future__ import annotations

import logging
import os
import threading
from weakref import WeakKeyDictionary

from local_aws.context import Context
from local_aws.protocol import Handlers
from local_aws.startup import once_answering
from local_aws.store import Store
from local_aws.streams.kinesis import lifecycle, refused, resharding, settings
from local_aws.streams.kinesis.metrics import NAMESPACE, Metrics
from local_aws.streams.kinesis.reading import Reader
from local_aws.streams.kinesis.registry import Streams
from local_aws.streams.kinesis.takeover import take_over
from local_aws.streams.kinesis.writing import Writer

LIMITS = "LAKE_SHARD_LIMITS"
"""If this variable is `1`, shards of provisioned streams have AWS's write limits."""
PUBLISH_SECONDS = 10

_READERS: WeakKeyDictionary[Store, Reader] = WeakKeyDictionary()
_log = logging.getLogger("local_aws.kinesis")


def handlers(context: Context) -> Handlers:
    streams, metrics = Streams(context.store, context.folder / "kinesis"), Metrics()
    take_over(streams, context.folder / "state")
    writer = Writer(streams, metrics, limited=os.environ.get(LIMITS) == "1")
    reader = _READERS[context.store] = Reader(streams, metrics)
    once_answering(context.endpoint, lambda: _publish(context, metrics))
    return {
        **lifecycle.handlers(streams),
        **resharding.handlers(streams),
        **settings.handlers(streams),
        **refused.handlers(),
        ("kinesis", "PutRecord"): writer.put_record,
        ("kinesis", "PutRecords"): writer.put_records,
        ("kinesis", "GetShardIterator"): reader.get_shard_iterator,
        ("kinesis", "GetRecords"): reader.get_records,
    }


def reader_of(context: Context) -> Reader:
    """What other engines of this embedded AWS read its streams by."""
    return _READERS[context.store]


def _publish(context: Context, metrics: Metrics) -> None:
    """Publish forever, in the startup thread."""
    pause = threading.Event()
    while not pause.wait(PUBLISH_SECONDS):
        for region, data in metrics.taken().items():
            try:
                context.client("cloudwatch", region).put_metric_data(Namespace=NAMESPACE, MetricData=data)
            except Exception as error:
                _log.warning("metrics could not be published: %s", error)

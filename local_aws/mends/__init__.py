"""Completes the emulator's answers: what a Create or Update call set is kept, and returned by the Get.

Terraform reads back everything it wrote; a missing field is drift, and every plan wants to change it again.
CloudWatch uses the Query protocol, so its fix stands in front of the emulator.
Each service has a file here, and its contract tests have the same name in tests/local_aws/mends/.
A contract test also runs against the emulator alone, where it is expected to fail: an emulator release that no longer
needs the fix turns that test red.
"""

from __future__ import annotations

from local_aws.context import Context
from local_aws.mends import (
    athena,
    firehose,
    functions,
    glue,
    kinesisanalytics,
    metrics,
    ml_transforms,
    s3,
    secretsmanager,
    sqs,
)
from local_aws.protocol import Handlers, stacked

_SERVICES = (athena, firehose, functions, glue, kinesisanalytics, metrics, ml_transforms, s3, secretsmanager, sqs)


def handlers(context: Context) -> Handlers:
    return stacked(*(service.handlers(context) for service in _SERVICES))

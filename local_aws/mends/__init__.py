"""Answers the emulator forgets to give: what a Create or Update call said is kept, and given back in the Get.

Terraform reads back all it wrote; what is missing there is drift, and every plan wants to change it again.
CloudWatch is asked in the Query protocol, so its mend stands in front of the emulator.
Each service has a file here, and its contract tests have the same name in tests/local_aws/mends/.
A contract test also runs against the emulator alone, where it is expected to fail: an emulator release that no
longer needs the mend turns that test red.
"""

from __future__ import annotations

from local_aws.context import Context
from local_aws.mends import athena, firehose, functions, glue, kinesisanalytics, ml_transforms, secretsmanager, sqs
from local_aws.protocol import Handlers, stacked

_SERVICES = (athena, firehose, functions, glue, kinesisanalytics, ml_transforms, secretsmanager, sqs)


def handlers(context: Context) -> Handlers:
    return stacked(*(service.handlers(context) for service in _SERVICES))

"""The AWS of an environment: an account, or the embedded AWS at an endpoint. Commands treat both alike."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from lake.configuration.names import Names
from lake.configuration.reading import Lake, where
from lake.embedded.credentials import credentials_file, keys_of
from lake.embedded.local import nothing_answers
from lake.errors import BadInput
from lake.failures import is_known, passes, sentence

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_firehose import FirehoseClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesisanalyticsv2 import KinesisAnalyticsV2Client
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

THREADS = 16
FIRST_ANSWER_SECONDS = 10
ATTEMPTS, PAUSES = 5, (0.1, 0.2, 0.4, 0.8)
"""How often a call is tried, and seconds between the first calls of an embedded AWS."""
_UNREACHED = (EndpointConnectionError, ConnectTimeoutError)
_UNANSWERED = (ConnectionClosedError, ReadTimeoutError)


class Aws:
    """boto3 clients for a lake's region and endpoint, and the lake's names in its account.

    Raises:
        BadInput: the embedded AWS of this folder runs on another port. On the first use of `names`: there is no login,
            or it is for another account.
    """

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    @functools.cached_property
    def _session(self) -> Any:
        region = self.lake.environment.region
        if self.lake.environment.endpoint is None:
            return boto3.session.Session(region_name=region)
        keys = keys_of(self.lake)
        return boto3.session.Session(keys.id, keys.secret, region_name=region)

    def _client(self, service: str, **settings: Any) -> Any:
        endpoint = self.lake.environment.endpoint
        config = BotoConfig(
            # With virtual addressing, a signed URL contains the bucket's region, so S3 does not redirect.
            s3={"addressing_style": "path" if endpoint else "virtual"},
            max_pool_connections=2 * THREADS,
            retries={"mode": "standard", "max_attempts": ATTEMPTS},
            connect_timeout=2 if endpoint else 60,
        ).merge(BotoConfig(**settings))
        client = self._session.client(service, endpoint_url=endpoint, config=config)
        # Two threads that were the first to ask for them would get two sets of classes, of which one is never raised.
        client.exceptions  # noqa: B018
        return client

    def once(self, service: str) -> Any:
        """A client that does not retry, for callers that handle missing answers themselves."""
        return self._client(service, retries={"total_max_attempts": 1}, parameter_validation=False)

    def credentials(self) -> ReadOnlyCredentials:
        """The current keys of the login."""
        found = self._session.get_credentials()
        if found is None:
            raise NoCredentialsError
        frozen: ReadOnlyCredentials = found.get_frozen_credentials()
        return frozen

    def _first_client(self) -> Any:
        """The client for the first call, which checks that AWS answers."""
        if self.lake.environment.endpoint is None:
            return self._client("sts")
        return self._client("sts", retries={"total_max_attempts": 1}, read_timeout=FIRST_ANSWER_SECONDS)

    def _caller(self) -> dict[str, Any]:
        """Who the login is. An embedded AWS that does not answer is asked once, and a faulty one again."""
        sts = self._first_client()
        for seconds in PAUSES if self.lake.environment.endpoint else ():
            try:
                return dict(sts.get_caller_identity())
            except ClientError as error:
                if not passes(error_code(error)):
                    raise
            time.sleep(seconds)
        return dict(sts.get_caller_identity())

    @functools.cached_property
    def names(self) -> Names:
        return self.lake.names(self._account())

    def _account(self) -> str:
        field = where(self.lake, "environments", self.lake.env)
        try:
            account = str(self._caller()["Account"])
        except (*_UNREACHED, *_UNANSWERED) as error:
            raise BadInput(f"{field}: {self._unreachable(error)}") from None
        except (BotoCoreError, ClientError) as error:
            if self.lake.environment.endpoint:
                raise BadInput(f"{field}: {self._refused(error)}") from None
            raise BadInput(f"{field}: {sentence(error)}") from None
        if self.lake.environment.account not in (None, account):
            raise BadInput(
                f"{field}.account: the login is for account {account}. Allowed: {self.lake.environment.account}"
            )
        return account

    def _refused(self, error: Exception) -> str:
        endpoint, file = self.lake.environment.endpoint, credentials_file(self.lake)
        if isinstance(error, ClientError) and error_code(error) in ("InvalidClientTokenId", "SignatureDoesNotMatch"):
            return (
                f"the embedded AWS at {endpoint} does not accept the keys in {file}: it belongs to another folder. "
                f"Stop it there, or change the port in lake.yaml"
            )
        if isinstance(error, ClientError) and is_known(error_code(error)):
            return sentence(error)
        return f"{endpoint} gives no answer of an AWS. Stop what runs there, or change the port in lake.yaml"

    def _unreachable(self, error: BotoCoreError) -> str:
        endpoint = self.lake.environment.endpoint
        if endpoint is None:
            return f"AWS cannot be reached in {self.lake.environment.region}. Check the network, and the region's name"
        if isinstance(error, _UNREACHED):
            return nothing_answers(endpoint)
        return (
            f"{endpoint} accepts connections but did not answer within {FIRST_ANSWER_SECONDS} s. See `lake local "
            f"logs`; restart it with `lake local stop` and `lake local start`"
        )

    def variables(self) -> dict[str, str]:
        """The environment variables with which another process uses this AWS and login."""
        found = self._session.get_credentials()
        keys = found.get_frozen_credentials() if found else None
        region, endpoint = self.lake.environment.region, self.lake.environment.endpoint
        return {
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            **(
                {"AWS_ACCESS_KEY_ID": keys.access_key or "", "AWS_SECRET_ACCESS_KEY": keys.secret_key or ""}
                if keys
                else {}
            ),
            **({"AWS_SESSION_TOKEN": keys.token} if keys and keys.token else {}),
            **({"AWS_ENDPOINT_URL": endpoint} if endpoint else {}),
        }

    @functools.cached_property
    def athena(self) -> AthenaClient:
        return self._client("athena")  # type: ignore[no-any-return]

    @functools.cached_property
    def budgets(self) -> Any:
        return self._client("budgets")

    @functools.cached_property
    def events(self) -> Any:
        """Amazon EventBridge."""
        return self._client("events")

    @functools.cached_property
    def cloudwatch(self) -> Any:
        return self._client("cloudwatch")

    @functools.cached_property
    def firehose(self) -> FirehoseClient:
        return self._client("firehose")  # type: ignore[no-any-return]

    @functools.cached_property
    def flink(self) -> KinesisAnalyticsV2Client:
        return self._client("kinesisanalyticsv2")  # type: ignore[no-any-return]

    @functools.cached_property
    def glue(self) -> GlueClient:
        return self._client("glue")  # type: ignore[no-any-return]

    @functools.cached_property
    def iam(self) -> IAMClient:
        return self._client("iam")  # type: ignore[no-any-return]

    @functools.cached_property
    def kinesis(self) -> KinesisClient:
        return self._client("kinesis")  # type: ignore[no-any-return]

    @functools.cached_property
    def kms(self) -> KMSClient:
        return self._client("kms")  # type: ignore[no-any-return]

    @functools.cached_property
    def functions(self) -> Any:
        """AWS Lambda."""
        return self._client("lambda")

    @functools.cached_property
    def ec2(self) -> Any:
        return self._client("ec2")

    @functools.cached_property
    def lakeformation(self) -> Any:
        return self._client("lakeformation")

    @functools.cached_property
    def logs(self) -> CloudWatchLogsClient:
        return self._client("logs")  # type: ignore[no-any-return]

    @functools.cached_property
    def s3(self) -> S3Client:
        return self._client("s3")  # type: ignore[no-any-return]

    @functools.cached_property
    def sagemaker(self) -> Any:
        return self._client("sagemaker")

    @functools.cached_property
    def feature_store(self) -> Any:
        """The records of SageMaker's feature groups."""
        return self._client("sagemaker-featurestore-runtime")

    @functools.cached_property
    def secrets(self) -> SecretsManagerClient:
        return self._client("secretsmanager")  # type: ignore[no-any-return]

    @functools.cached_property
    def sns(self) -> Any:
        return self._client("sns")

    @functools.cached_property
    def sqs(self) -> SQSClient:
        return self._client("sqs")  # type: ignore[no-any-return]

    @functools.cached_property
    def tagging(self) -> ResourceGroupsTaggingAPIClient:
        return self._client("resourcegroupstaggingapi")  # type: ignore[no-any-return]


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def is_absent(error: ClientError) -> bool:
    """Whether the error means that a resource does not exist, rather than a missing permission or an expired login."""
    code, message = error_code(error), str(error.response.get("Error", {}).get("Message", ""))
    words = _ABSENT_BY_MESSAGE.get(code)
    return code in _ABSENT or "NotFound" in code or (words is not None and words in message)


_ABSENT = {
    "404",
    "NoSuchBucket",
    "NoSuchKey",
    "NoSuchEntity",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
}
_ABSENT_BY_MESSAGE = {"InvalidRequestException": "not found", "ValidationException": "does not exist"}
"""Athena has no error code for a missing workgroup, and SageMaker none for most of what is missing."""


def read_object(aws: Aws, bucket: str, key: str) -> bytes | None:
    """The content of an object; None if it or its bucket does not exist."""
    try:
        return aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if not is_absent(error):
            raise
        return None

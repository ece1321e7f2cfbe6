"""The AWS of an environment: an account, or the embedded AWS behind an endpoint. Commands see no difference."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from lake.config import Lake, where
from lake.errors import BadInput
from lake.names import Names

if TYPE_CHECKING:
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
_DUMMY_KEYS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}


class Aws:
    """boto3 clients with a lake's region and endpoint, and the lake's names in its account.

    Raises:
        BadInput: on the first use of `names`, when there is no login or it is one to another account.
    """

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        environment = lake.environment
        keys = _DUMMY_KEYS if environment.endpoint else {}
        self._session = boto3.session.Session(region_name=environment.region, **keys)  # type: ignore[arg-type]

    def _client(self, service: str) -> Any:
        config = BotoConfig(
            s3={"addressing_style": "path"} if self.lake.environment.endpoint else {},
            max_pool_connections=2 * THREADS,
            retries={"mode": "standard", "max_attempts": 5},
        )
        endpoint = self.lake.environment.endpoint
        return self._session.client(service, endpoint_url=endpoint, config=config)  # type: ignore[call-overload]

    @functools.cached_property
    def names(self) -> Names:
        lake = self.lake
        return Names(lake.config.project, lake.env, lake.environment.region, self._account())

    def _account(self) -> str:
        field = where(self.lake, "environments", self.lake.env)
        try:
            account = str(self._client("sts").get_caller_identity()["Account"])
        except EndpointConnectionError:
            raise BadInput(f"{field}: {self._unreachable()}") from None
        except (BotoCoreError, ClientError) as error:
            raise BadInput(
                f"{field}: no valid AWS credentials. AWS says: {error}. Log in (`aws sso login`, AWS_PROFILE, ...) "
                f"or choose another environment with LAKE_ENV"
            ) from None
        if self.lake.environment.account not in (None, account):
            raise BadInput(
                f"{field}.account: the login is one to account {account}. Allowed: {self.lake.environment.account}"
            )
        return account

    def _unreachable(self) -> str:
        if self.lake.environment.endpoint:
            return f"nothing answers at {self.lake.environment.endpoint}. Start it with `lake local start`"
        return "AWS cannot be reached. Check the network"

    def variables(self) -> dict[str, str]:
        """The environment variables by which another process reaches this AWS, as this login."""
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
    def logs(self) -> CloudWatchLogsClient:
        return self._client("logs")  # type: ignore[no-any-return]

    @functools.cached_property
    def s3(self) -> S3Client:
        return self._client("s3")  # type: ignore[no-any-return]

    @functools.cached_property
    def secrets(self) -> SecretsManagerClient:
        return self._client("secretsmanager")  # type: ignore[no-any-return]

    @functools.cached_property
    def sqs(self) -> SQSClient:
        return self._client("sqs")  # type: ignore[no-any-return]

    @functools.cached_property
    def tagging(self) -> ResourceGroupsTaggingAPIClient:
        return self._client("resourcegroupstaggingapi")  # type: ignore[no-any-return]


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))

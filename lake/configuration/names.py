"""The names of all resources, computed from the configuration. Stacks and commands share them."""

from __future__ import annotations

from dataclasses import dataclass

ZONES = ("raw", "curated", "quarantine")
BUCKETS = (*ZONES, "logs", "etl", "athena", "flink", "ml")
STACKS = ("storage", "catalog", "etl", "athena", "streaming")
"""The stacks that every lake has, in the order in which `lake up` deploys them."""
ML = "ml"
"""The stack that only a lake with training sets or feature groups has."""
EVERY_STACK = (*STACKS, ML)
"""The stacks whose states there may be."""
PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
"""Prefix of a region's name -> its partition."""


@dataclass(frozen=True)
class Names:
    """Names of a lake in one environment.

    Attributes:
        env: the environment's name; in a personal environment with the user name, such as `dev-ann`.
        account: the 12 digits of the account, or in a stack its Terraform token.

    Example:
        >>> Names("flights", "dev", "eu-west-1", "123456789012").bucket("raw")
        'flights-dev-raw-123456789012'
    """

    project: str
    env: str
    region: str
    account: str

    @property
    def prefix(self) -> str:
        return f"{self.project}-{self.env}"

    @property
    def _snake(self) -> str:
        return self.prefix.replace("-", "_")

    def bucket(self, purpose: str) -> str:
        return f"{self.prefix}-{purpose}-{self.account}"

    def database(self, zone: str) -> str:
        """`raw`, `curated`, `streams` or `ml`. Athena wants underscores."""
        return f"{self._snake}_{zone}"

    def crawler(self, dataset: str) -> str:
        return f"{self.prefix}-{dataset}"

    def queue(self, dataset: str) -> str:
        """The queue of S3 notifications for the dataset's crawler."""
        return f"{self.prefix}-{dataset}-events"

    def dead_letters(self, dataset: str) -> str:
        """The dead-letter queue for the dataset's queue."""
        return f"{self.prefix}-{dataset}-dead-letters"

    def connection(self, connection: str) -> str:
        return f"{self.prefix}-{connection}"

    def secret(self, connection: str) -> str:
        """The secret that holds a connection's user and password."""
        return f"{self.prefix}/{connection}"

    def job(self, job: str) -> str:
        return f"{self.prefix}-{job}"

    def dataset_job(self, training_set: str) -> str:
        """The Glue job that builds a training set."""
        return f"{self.prefix}-dataset-{training_set}"

    def drift_trigger(self, training_set: str) -> str:
        """The trigger that compares later rows with those of train."""
        return f"{self.dataset_job(training_set)}-drift"

    def model(self, model: str) -> str:
        """The pipeline of a model and its model package group. SageMaker wants hyphens."""
        return f"{self.prefix}-{model.replace('_', '-')}"

    def feature_group(self, group: str) -> str:
        return f"{self.prefix}-{group}"

    def ruleset(self, job: str) -> str:
        """The data quality ruleset of a job's table."""
        return f"{self.prefix}-{job}"

    def ml_transform(self, transform: str) -> str:
        return f"{self.prefix}-{transform}"

    def workflow(self, workflow: str) -> str:
        return f"{self.prefix}-{workflow}"

    def trigger(self, workflow: str, step: int) -> str:
        """The trigger of a workflow's step, counted from 1."""
        return f"{self.workflow(workflow)}-{step}"

    def stream(self, stream: str) -> str:
        """The name of the Kinesis stream, its Firehose delivery stream and its Flink application."""
        return f"{self.prefix}-{stream}"

    def alarm(self, stream: str, what: str) -> str:
        """An alarm of a stream, such as `flights-dev-departures-iterator-age`."""
        return f"{self.stream(stream)}-{what}"

    @property
    def alarms_topic(self) -> str:
        """The SNS topic that alarms, rules and the budget notify."""
        return f"{self.prefix}-notices"

    @property
    def alarms_topic_arn(self) -> str:
        return self.arn("sns", self.alarms_topic)

    def rule(self, what: str) -> str:
        """A rule of EventBridge, such as `flights-dev-runs-failed`."""
        return f"{self.prefix}-{what}"

    @property
    def dashboard(self) -> str:
        return self.prefix

    @property
    def budget(self) -> str:
        return self.prefix

    @property
    def alerts_topic(self) -> str:
        """The SNS topic of what windows alert to."""
        return f"{self.prefix}-alerts"

    def transform(self, stream: str) -> str:
        """The Lambda function that transforms a stream's events."""
        return f"{self.prefix}-{stream}-transform"

    def role(self, service: str) -> str:
        return f"{self.prefix}-{service}"

    @property
    def security_configuration(self) -> str:
        return self.prefix

    @property
    def workgroup(self) -> str:
        return self.prefix

    @property
    def key(self) -> str:
        """The description of the lake's KMS key, because a key has no name."""
        return f"Data of the lake {self.prefix}"

    @property
    def logs_key(self) -> str:
        """The description of the KMS key for the logs of encrypted jobs."""
        return f"Logs of the lake {self.prefix}"

    @property
    def key_alias(self) -> str:
        return f"alias/{self.prefix}"

    def log_group(self, service: str, name: str) -> str:
        """`/flights-dev/glue/flights_enriched`: with our own prefix, so that the stack can delete it."""
        return f"/{self.prefix}/{service}/{name}"

    def job_logs(self, job: str, *, encrypted: bool) -> str:
        """The prefix of a job's log groups. Glue uses other groups for a job with a security configuration."""
        group = self.log_group("glue", job)
        return f"{group}/{self.security_configuration}-role/{self.role('job')}" if encrypted else group

    @property
    def partition(self) -> str:
        """The AWS partition in ARNs. China and GovCloud have their own."""
        found = [partition for beginning, partition in PARTITIONS.items() if self.region.startswith(beginning)]
        return found[0] if found else "aws"

    @property
    def domain(self) -> str:
        """The DNS suffix of regional service principals."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def bucket_arn(self, purpose: str) -> str:
        return f"arn:{self.partition}:s3:::{self.bucket(purpose)}"

    def role_arn(self, service: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{self.role(service)}"

    @property
    def root_arn(self) -> str:
        """The account as a principal."""
        return f"arn:{self.partition}:iam::{self.account}:root"

    @property
    def key_alias_arn(self) -> str:
        return self.arn("kms", self.key_alias)

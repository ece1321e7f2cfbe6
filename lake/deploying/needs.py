"""What a stack needs from other stacks before it is applied. Terraform cannot know, because stacks share only names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from lake.aws import Aws, is_absent
from lake.configuration.grants import fills_features
from lake.configuration.names import ML, ZONES
from lake.deploying.keys import alias_counts_from
from lake.deploying.stopping import crawls


class Needs:
    """What is still missing for each stack of a deployment."""

    def __init__(self, aws: Aws, stacks: Sequence[str]) -> None:
        self._aws = aws
        self._stacks = stacks

    def missing(self, stack: str) -> str:
        """What a stack waits for; empty if it can start. Raises ClientError for all errors but "not found"."""
        if stack != "storage" and "storage" in self._stacks and not self._storage_is_there():
            return "the key and the buckets of storage"
        if stack == "catalog":
            return self._crawls()
        if stack == "etl" and "catalog" in self._stacks and not self._crawlers_are_there():
            return "the crawlers of catalog"
        if stack == "streaming" and self._starts_applications() and self._alias_is_new():
            return "the alias of the key, which counts in permissions 5 minutes after it was made"
        return self._named_by_grants(stack) if self._aws.lake.environment.lake_formation else ""

    def _starts_applications(self) -> bool:
        """Flink reads encrypted streams as soon as it is started. What else uses the key tries again for longer."""
        lake = self._aws.lake
        return not lake.environment.endpoint and any(stream.windows for stream in lake.config.streams.values())

    def _alias_is_new(self) -> bool:
        counts = alias_counts_from(self._aws)
        return counts is not None and datetime.now(UTC) < counts

    def _named_by_grants(self, stack: str) -> str:
        """A grant names a role and a database, and Lake Formation refuses one whose role or database is not there."""
        reads_zones = stack == "etl" or (stack == ML and self._aws.lake.config.training_sets)
        if reads_zones and not self._databases_are_there():
            return "the databases of catalog, which its grants name"
        if stack == ML and "etl" in self._stacks and fills_features(self._aws.lake) and not self._role_is_there():
            return "the role of etl's jobs, which a grant names"
        return ""

    def _role_is_there(self) -> bool:
        try:
            self._aws.iam.get_role(RoleName=self._aws.names.role("job"))
        except ClientError as error:
            if not is_absent(error):
                raise
            return False
        return True

    def _databases_are_there(self) -> bool:
        try:
            for zone in ("raw", "curated"):
                self._aws.glue.get_database(Name=self._aws.names.database(zone))
        except ClientError as error:
            if not is_absent(error):
                raise
            return False
        return True

    def _storage_is_there(self) -> bool:
        names = self._aws.names
        try:
            self._aws.kms.describe_key(KeyId=names.key_alias)
            for purpose in (*ZONES, "logs"):
                self._aws.s3.head_bucket(Bucket=names.bucket(purpose))
        except ClientError as error:
            if not is_absent(error):
                raise
            return False
        return True

    def _crawlers_are_there(self) -> bool:
        """Whether the crawlers of workflows exist: AWS may refuse a trigger that names a missing crawler."""
        if self._aws.lake.environment.endpoint:
            return True
        steps = (step for workflow in self._aws.lake.config.workflows.values() for step in workflow.steps)
        wanted = [self._aws.names.crawler(dataset) for step in steps for dataset in step.crawl]
        return not wanted or not self._aws.glue.batch_get_crawlers(CrawlerNames=wanted).get("CrawlersNotFound")

    def _crawls(self) -> str:
        """AWS cannot update a crawler while it runs."""
        running = crawls(self._aws)
        return f"the end of {', '.join(running)}" if running else ""

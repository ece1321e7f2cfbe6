"""The catalog stack: the databases, the connections, and a crawler or a declared table for each dataset."""

from __future__ import annotations

import json
from typing import Any

from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from cdktf_cdktf_provider_aws.glue_classifier import (
    GlueClassifier,
    GlueClassifierCsvClassifier,
    GlueClassifierGrokClassifier,
    GlueClassifierJsonClassifier,
    GlueClassifierXmlClassifier,
)
from cdktf_cdktf_provider_aws.glue_crawler import (
    GlueCrawler,
    GlueCrawlerJdbcTarget,
    GlueCrawlerRecrawlPolicy,
    GlueCrawlerS3Target,
    GlueCrawlerSchemaChangePolicy,
)
from cdktf_cdktf_provider_aws.glue_partition_index import GluePartitionIndex, GluePartitionIndexPartitionIndex
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct

from lake.configuration.crawler import classifier, configuration
from lake.configuration.formats import format_of
from lake.configuration.model import Connection, Crawl, Dataset, PartitionIndex
from lake.configuration.reading import Lake
from stacks import events, policies, tables
from stacks.base import LakeStack, literal
from stacks.connections import glue_connection
from stacks.lake_formation import granted
from stacks.notices import tell_of_failed_crawls, watch_crawls

_RECRAWL = {"everything": "CRAWL_EVERYTHING", "new_folders": "CRAWL_NEW_FOLDERS_ONLY", "events": "CRAWL_EVENT_MODE"}
_UPDATE = {"update": "UPDATE_IN_DATABASE", "log": "LOG"}
_DELETE = {"deprecate": "DEPRECATE_IN_DATABASE", "delete": "DELETE_FROM_DATABASE", "log": "LOG"}
_CLASSIFIERS: dict[str, Any] = {
    "csv": GlueClassifierCsvClassifier,
    "json": GlueClassifierJsonClassifier,
    "grok": GlueClassifierGrokClassifier,
    "xml": GlueClassifierXmlClassifier,
}


class CatalogStack(LakeStack):
    """Owns the tables, which are deleted with their database."""

    def __init__(self, scope: Construct, id_: str, *, lake: Lake) -> None:
        super().__init__(scope, id_, lake=lake)
        self.databases = {
            "raw": self._database("raw", "Tables of the raw zone: found by crawlers, or declared"),
            "curated": self._database("curated", "Tables that jobs write to the curated zone"),
        }
        destroyable = lake.environment.destroyable
        self.connections = {
            name: glue_connection(self, name, connection, names=self.names, destroyable=destroyable)
            for name, connection in lake.config.connections.items()
        }
        datasets = lake.config.datasets
        self.crawled = {name: dataset for name, dataset in datasets.items() if dataset.catalog == "crawled"}
        self.notified = [name for name, dataset in self.crawled.items() if dataset.crawl.recrawl == "events"]
        if self.notified:
            events.notified(self, self.names, self.notified)
        if self.crawled:
            self._role()
        for name, dataset in datasets.items():
            self._crawler(name, dataset) if name in self.crawled else self._table(name, dataset)
        self._tell()
        granted(self)

    def _tell(self) -> None:
        """Notify of crawls that fail, and of tables that no crawl has looked at for too long."""
        tell_of_failed_crawls(self, list(map(self.names.crawler, self.crawled)))
        for name, dataset in self.crawled.items():
            if dataset.crawl.stale_hours:
                watch_crawls(self, name, dataset.crawl.stale_hours)

    def _database(self, zone: str, description: str) -> GlueCatalogDatabase:
        name = self.names.database(zone)
        self.output(f"{zone}_database", name, description)
        return GlueCatalogDatabase(self, f"{zone}_database", name=name, description=description)

    def _crawler(self, name: str, dataset: Dataset) -> None:
        GlueCrawler(
            self,
            f"{name}_crawler",
            name=self.names.crawler(name),
            description=f"Finds the table and the partitions of {name}",
            database_name=self.databases[dataset.zone].name,
            role=self.role.arn,
            **self._target(name, dataset),
            classifiers=self._classifiers(name, dataset),
            schedule=dataset.crawl.schedule,
            configuration=None if dataset.connection else json.dumps(configuration(dataset), sort_keys=True),
            recrawl_policy=GlueCrawlerRecrawlPolicy(recrawl_behavior=_RECRAWL[dataset.crawl.recrawl]),
            schema_change_policy=_schema_change(dataset.crawl),
            depends_on=[self.role_policy],
        )

    def _target(self, name: str, dataset: Dataset) -> dict[str, Any]:
        if dataset.connection is None or dataset.table is None:
            queues = self._queues(name) if name in self.notified else {}
            return {"s3_target": [GlueCrawlerS3Target(path=self._location(name, dataset), **queues)]}
        database = self.lake.config.connections[dataset.connection].database
        path = f"{database}/{dataset.table.replace('.', '/')}"
        connection = self.connections[dataset.connection].name
        return {"jdbc_target": [GlueCrawlerJdbcTarget(connection_name=connection, path=path)]}

    def _queues(self, name: str) -> dict[str, Any]:
        return {
            "event_queue_arn": self.names.arn("sqs", self.names.queue(name)),
            "dlq_event_queue_arn": self.names.arn("sqs", self.names.dead_letters(name)),
        }

    def _location(self, name: str, dataset: Dataset) -> str:
        return f"s3://{self.names.bucket(dataset.zone)}/{name}/"

    def _classifiers(self, name: str, dataset: Dataset) -> list[str] | None:
        found = classifier(name, dataset)
        if found is None:
            return None
        kind, settings = found
        settings = {key: literal(value) if isinstance(value, str) else value for key, value in settings.items()}
        given = {f"{kind}_classifier": _CLASSIFIERS[kind](**settings)}
        return [GlueClassifier(self, f"{name}_classifier", name=self.names.crawler(name), **given).name]

    def _table(self, name: str, dataset: Dataset) -> None:
        table = tables.table(
            self,
            f"{name}_table",
            database=self.databases[dataset.zone].name,
            name=name,
            location=self._location(name, dataset),
            format_=format_of(dataset),
            columns=dataset.columns if isinstance(dataset.columns, dict) else {},
            keys=dataset.keys,
            parameters=tables.projected(dataset.projection) if dataset.projection else None,
        )
        chosen = dataset.partition_index
        if dataset.catalog == "declared" and dataset.keys and chosen:
            of = chosen.keys if isinstance(chosen, PartitionIndex) else list(dataset.keys)
            index = GluePartitionIndexPartitionIndex(index_name="partition_index", keys=of)
            GluePartitionIndex(
                self,
                f"{name}_index",
                database_name=table.database_name,
                table_name=table.name,
                partition_index=index,
            )

    def _role(self) -> None:
        self.role = IamRole(
            self,
            "crawler_role",
            name=self.names.role("crawler"),
            assume_role_policy=policies.trust("glue.amazonaws.com", self.names.account),
        )
        zones = sorted({"raw", *(dataset.zone for dataset in self.crawled.values())}, reverse=True)
        database = policies.catalogs(self.names, *(self.names.database(zone) for zone in zones))
        indexed = ["glue:GetPartitionIndexes", "glue:CreatePartitionIndex"]
        # All crawlers of an account log to this group. The name is fixed.
        logs = self.names.arn("logs", "log-group:/aws-glue/crawlers*")
        self.role_policy = IamRolePolicy(
            self,
            "crawler_policy",
            name="crawl",
            role=self.role.id,
            policy=policies.document(
                *(statement for zone in zones for statement in policies.read_objects(self.names, zone)),
                policies.use_key(self.names, "Decrypt"),
                policies.allow(
                    [*policies.READ_CATALOG, *policies.WRITE_CATALOG, *indexed, *self._deletions()], database
                ),
                *policies.use_connections(self.names, self._crawled_connections()),
                policies.allow(["glue:GetClassifier"], ["*"]),
                policies.allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [logs]),
                *([events.may_read(self.names, self.notified)] if self.notified else []),
            ),
        )

    def _crawled_connections(self) -> dict[str, Connection]:
        config = self.lake.config
        used = {dataset.connection for dataset in config.datasets.values()}
        return {name: connection for name, connection in config.connections.items() if name in used}

    def _deletions(self) -> list[str]:
        """Permission to delete, only if a dataset needs it."""
        if all(dataset.crawl.on_delete != "delete" for dataset in self.crawled.values()):
            return []
        return [
            "glue:DeleteTable",
            "glue:BatchDeleteTable",
            "glue:DeletePartition",
            "glue:BatchDeletePartition",
        ]


def _schema_change(crawl: Crawl) -> GlueCrawlerSchemaChangePolicy:
    return GlueCrawlerSchemaChangePolicy(
        update_behavior=_UPDATE[crawl.on_update], delete_behavior=_DELETE[crawl.on_delete]
    )

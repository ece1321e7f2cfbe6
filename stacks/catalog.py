"""The catalog stack: the Glue databases, the connections, and a crawler per dataset that finds its table."""

from __future__ import annotations

import json
from typing import Any

from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from cdktf_cdktf_provider_aws.glue_classifier import GlueClassifier, GlueClassifierCsvClassifier
from cdktf_cdktf_provider_aws.glue_crawler import (
    GlueCrawler,
    GlueCrawlerJdbcTarget,
    GlueCrawlerRecrawlPolicy,
    GlueCrawlerS3Target,
    GlueCrawlerSchemaChangePolicy,
)
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct

from lake.config import Connection, Crawl, Dataset, Lake
from stacks import policies
from stacks.base import LakeStack
from stacks.connections import glue_connection

_RECRAWL = {"everything": "CRAWL_EVERYTHING", "new_folders": "CRAWL_NEW_FOLDERS_ONLY"}
_UPDATE = {"update": "UPDATE_IN_DATABASE", "log": "LOG"}
_DELETE = {"deprecate": "DEPRECATE_IN_DATABASE", "delete": "DELETE_FROM_DATABASE", "log": "LOG"}
_CRAWLER_OUTPUT = json.dumps(
    {
        "Version": 1.0,
        "CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}},
        "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"},
    },
    sort_keys=True,
)


class CatalogStack(LakeStack):
    """Owns the tables: they go with their database."""

    def __init__(self, scope: Construct, id_: str, *, lake: Lake) -> None:
        super().__init__(scope, id_, lake=lake)
        self.databases = {
            "raw": self._database("raw", "Tables the crawlers found in the raw zone"),
            "curated": self._database("curated", "Tables the jobs made in the curated zone"),
        }
        destroyable = lake.environment.destroyable
        self.connections = {
            name: glue_connection(self, name, connection, names=self.names, destroyable=destroyable)
            for name, connection in lake.config.connections.items()
        }
        self._role()
        for name, dataset in lake.config.datasets.items():
            self._crawler(name, dataset)

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
            classifiers=[self._csv_classifier(name, dataset).name] if dataset.format == "csv" else None,
            schedule=dataset.crawl.schedule,
            configuration=None if dataset.connection else _CRAWLER_OUTPUT,
            recrawl_policy=GlueCrawlerRecrawlPolicy(recrawl_behavior=_RECRAWL[dataset.crawl.recrawl]),
            schema_change_policy=_schema_change(dataset.crawl),
            depends_on=[self.role_policy],
        )

    def _target(self, name: str, dataset: Dataset) -> dict[str, Any]:
        if dataset.connection is None or dataset.table is None:
            return {"s3_target": [GlueCrawlerS3Target(path=f"s3://{self.names.bucket(dataset.zone)}/{name}/")]}
        database = self.lake.config.connections[dataset.connection].database
        path = f"{database}/{dataset.table.replace('.', '/')}"
        connection = self.connections[dataset.connection].name
        return {"jdbc_target": [GlueCrawlerJdbcTarget(connection_name=connection, path=path)]}

    def _csv_classifier(self, name: str, dataset: Dataset) -> GlueClassifier:
        csv = GlueClassifierCsvClassifier(
            delimiter=dataset.csv.delimiter,
            quote_symbol=dataset.csv.quote,
            contains_header="PRESENT" if dataset.csv.header else "ABSENT",
            header=dataset.columns or None,
            serde="OpenCSVSerDe",
        )
        return GlueClassifier(self, f"{name}_classifier", name=self.names.crawler(name), csv_classifier=csv)

    def _role(self) -> None:
        self.role = IamRole(
            self,
            "crawler_role",
            name=self.names.role("crawler"),
            assume_role_policy=policies.trust("glue.amazonaws.com", self.names.account),
        )
        zones = sorted({"raw", *(dataset.zone for dataset in self.lake.config.datasets.values())}, reverse=True)
        tables = policies.catalogs(self.names, *(self.names.database(zone) for zone in zones))
        # Crawlers log to this one group of the account; the name cannot be chosen.
        logs = self.names.arn("logs", "log-group:/aws-glue/crawlers*")
        self.role_policy = IamRolePolicy(
            self,
            "crawler_policy",
            name="crawl",
            role=self.role.id,
            policy=policies.document(
                *(statement for zone in zones for statement in policies.read_objects(self.names, zone)),
                policies.use_key(self.names, "Decrypt"),
                policies.allow([*policies.READ_CATALOG, *policies.WRITE_CATALOG, *self._deletions()], tables),
                *policies.use_connections(self.names, self._crawled_connections()),
                policies.allow(["glue:GetClassifier", "glue:GetSecurityConfiguration"], ["*"]),
                policies.allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [logs]),
            ),
        )

    def _crawled_connections(self) -> dict[str, Connection]:
        config = self.lake.config
        used = {dataset.connection for dataset in config.datasets.values()}
        return {name: connection for name, connection in config.connections.items() if name in used}

    def _deletions(self) -> list[str]:
        """Deleting is granted only where a dataset asks for it."""
        if all(dataset.crawl.on_delete != "delete" for dataset in self.lake.config.datasets.values()):
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

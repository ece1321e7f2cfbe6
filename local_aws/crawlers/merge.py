"""Rules for what a crawler may change in an existing table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local_aws.crawlers.hive import merged, settled
from local_aws.protocol import Document

DEFAULT_POLICIES = {
    "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE"},
    "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
    "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
}
"""The policy of a crawler that was created without one."""


@dataclass(frozen=True)
class Policy:
    """A crawler's rules for existing tables.

    Attributes:
        updates: tables follow the data (`UPDATE_IN_DATABASE`); otherwise they stay unchanged (`LOG`).
        delete: `LOG`, `DELETE_FROM_DATABASE` or `DEPRECATE_IN_DATABASE`, for tables and partitions that are gone.
        merges: columns are only added, never removed (`MergeNewColumns`).
        inherits: partitions have their table's columns (`InheritFromTable`) instead of those of their files.
        new_folders_only: folders that already have a table or a partition are not crawled again.
        indexes: a partitioned table gets an index over all its keys.
        by_events: after the first crawl, only folders that the crawler's queue names are crawled.
    """

    updates: bool = True
    delete: str = "DEPRECATE_IN_DATABASE"
    merges: bool = False
    inherits: bool = False
    new_folders_only: bool = False
    by_events: bool = False
    indexes: bool = True

    @classmethod
    def of(cls, crawler: Document) -> Policy:
        change, output = crawler["SchemaChangePolicy"], configuration(crawler).get("CrawlerOutput", {})
        return cls(
            change["UpdateBehavior"] == "UPDATE_IN_DATABASE",
            change["DeleteBehavior"],
            output.get("Tables", {}).get("AddOrUpdateBehavior") == "MergeNewColumns",
            output.get("Partitions", {}).get("AddOrUpdateBehavior") == "InheritFromTable",
            crawler["RecrawlPolicy"]["RecrawlBehavior"] == "CRAWL_NEW_FOLDERS_ONLY",
            crawler["RecrawlPolicy"]["RecrawlBehavior"] == "CRAWL_EVENT_MODE",
            configuration(crawler).get("CreatePartitionIndex", True),
        )


def configuration(crawler: Document) -> Document:
    """Return a crawler's `Configuration`, which is JSON in a string."""
    document: Document = json.loads(crawler.get("Configuration") or "{}")
    return document


def columns_after(
    existing: Sequence[Document], crawled: Mapping[str, str], merges: bool, by_position: bool
) -> list[Document]:
    """Return a table's columns after a crawl, with the comments of the columns that stay.

    `by_position`: the files have no column names (CSV), so the order is that of the files.
    """
    before = {column["Name"]: column.get("Type", "string") for column in existing}
    if merges:
        after = merged(before, dict(crawled))
    elif by_position:
        after = dict(crawled)
    else:
        order = [name for name in before if name in crawled] + [name for name in crawled if name not in before]
        after = {name: crawled[name] for name in order}
    comments = {c["Name"]: {"Comment": c["Comment"]} for c in existing if c.get("Comment")}
    return [{"Name": name, "Type": settled(kind), **comments.get(name, {})} for name, kind in after.items()]

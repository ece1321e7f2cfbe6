"""What a crawler may change in a table that is already there."""

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
"""What a crawler has that was made without a word about it."""


@dataclass(frozen=True)
class Policy:
    """A crawler's rules about existing tables.

    Attributes:
        updates: tables follow the data (`UPDATE_IN_DATABASE`); else they stay as they are (`LOG`).
        delete: `LOG`, `DELETE_FROM_DATABASE` or `DEPRECATE_IN_DATABASE`, for what vanished.
        merges: columns are only ever added (`MergeNewColumns`).
        inherits: partitions have their table's columns (`InheritFromTable`), not those of their own files.
        new_folders_only: folders that have a table or a partition are not looked at again.
        indexes: a partitioned table gets an index over all its keys.
        by_events: after the first crawl, only folders that the crawler's queue names are looked at.
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
    """A crawler's `Configuration`, which is JSON in a string."""
    document: Document = json.loads(crawler.get("Configuration") or "{}")
    return document


def columns_after(
    existing: Sequence[Document], crawled: Mapping[str, str], merges: bool, by_position: bool
) -> list[Document]:
    """A table's columns after a crawl; comments on columns that stay are kept.

    `by_position`: the files have no names in them (CSV), so the order is that of the files.
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

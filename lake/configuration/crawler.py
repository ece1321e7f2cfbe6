"""What a dataset's crawler is told: the catalog stack deploys it, and a dry run does what it would do."""

from __future__ import annotations

from typing import Any

from lake.configuration.model import Dataset


def classifier(name: str, dataset: Dataset) -> tuple[str, dict[str, Any]] | None:
    """(kind, settings) of the dataset's classifier, in Terraform's words; None where the built-in ones do.

    Example:
        >>> classifier("orders", Dataset(format="xml", xml=XmlFormat(row_tag="order")))
        ('xml', {'classification': 'xml', 'row_tag': 'order'})
    """
    if dataset.format == "csv":
        csv = dataset.csv
        return "csv", {
            "delimiter": csv.delimiter,
            "quote_symbol": csv.quote,
            "contains_header": "PRESENT" if csv.header else "ABSENT",
            "header": list(dataset.columns) or None,
            "serde": csv.serde,
        }
    if dataset.json_:
        return "json", {"json_path": dataset.json_.path}
    if dataset.grok:
        return "grok", {
            "classification": dataset.grok.classification or name,
            "grok_pattern": dataset.grok.pattern,
            "custom_patterns": dataset.grok.custom_patterns,
        }
    return ("xml", {"classification": "xml", "row_tag": dataset.xml.row_tag}) if dataset.xml else None


def configuration(dataset: Dataset) -> dict[str, Any]:
    """The crawler's Configuration."""
    return {
        "Version": 1.0,
        "CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}},
        "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"},
        "CreatePartitionIndex": bool(dataset.partition_index),
    }

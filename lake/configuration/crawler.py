"""The settings of a dataset's crawler, for the catalog stack and for dry runs."""

from __future__ import annotations

from typing import Any

from lake.configuration.model import Dataset


def classifier(name: str, dataset: Dataset) -> tuple[str, dict[str, Any]] | None:
    """(kind, settings) of the dataset's classifier, with Terraform's names; None if a built-in one suffices.

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
    """The crawler's Configuration document."""
    return {
        "Version": 1.0,
        "CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}},
        "Grouping": {"TableGroupingPolicy": "CombineCompatibleSchemas"},
        "CreatePartitionIndex": bool(dataset.partition_index),
    }

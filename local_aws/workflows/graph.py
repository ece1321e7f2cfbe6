"""The graph of a workflow: triggers, the crawlers and jobs that they start, and their conditions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from local_aws.protocol import Document

Kind = Literal["CRAWLER", "JOB"]
Node = tuple[Kind, str]
"""A crawler or a job by its name."""


def actions_of(trigger: Document) -> list[Node]:
    """Return the crawlers and jobs that a trigger starts."""
    return [_node(action) for action in trigger.get("Actions") or []]


def is_start(trigger: Document) -> bool:
    return bool(trigger["Type"] != "CONDITIONAL")


def is_met(trigger: Document, states: Mapping[Node, str]) -> bool:
    """Whether a conditional trigger fires when crawlers and jobs have these states."""
    predicate = trigger.get("Predicate") or {}
    met = [states.get(_node(condition)) == _wanted(condition) for condition in predicate.get("Conditions") or []]
    return any(met) if predicate.get("Logical") == "ANY" else bool(met) and all(met)


def drawn(triggers: list[Document], details: Mapping[Node, Document]) -> Document:
    """Return a Graph as in GetWorkflow and GetWorkflowRun; `details` has what is known of each crawler and job."""
    nodes = {_id("TRIGGER", trigger["Name"]): _trigger_node(trigger) for trigger in triggers}
    for kind, name in _nodes(triggers):
        nodes[_id(kind, name)] = {"Type": kind, "Name": name, **details.get((kind, name), {})}
    return {
        "Nodes": [{**node, "UniqueId": id_} for id_, node in nodes.items()],
        "Edges": [{"SourceId": source, "DestinationId": target} for source, target in _edges(triggers)],
    }


def _node(place: Document) -> Node:
    return ("CRAWLER", place["CrawlerName"]) if place.get("CrawlerName") else ("JOB", place["JobName"])


def _wanted(condition: Document) -> str:
    return str(condition.get("CrawlState") or condition.get("State"))


def _conditions(trigger: Document) -> Iterator[Node]:
    return map(_node, (trigger.get("Predicate") or {}).get("Conditions") or [])


def _nodes(triggers: Iterable[Document]) -> dict[Node, None]:
    return dict.fromkeys(node for trigger in triggers for node in (*_conditions(trigger), *actions_of(trigger)))


def _edges(triggers: Iterable[Document]) -> Iterator[tuple[str, str]]:
    for trigger in triggers:
        own = _id("TRIGGER", trigger["Name"])
        yield from ((_id(*node), own) for node in _conditions(trigger))
        yield from ((own, _id(*node)) for node in actions_of(trigger))


def _trigger_node(trigger: Document) -> Document:
    return {"Type": "TRIGGER", "Name": trigger["Name"], "TriggerDetails": {"Trigger": trigger}}


def _id(kind: str, name: str) -> str:
    return f"wnode_{uuid5(NAMESPACE_URL, f'{kind}/{name}').hex}"

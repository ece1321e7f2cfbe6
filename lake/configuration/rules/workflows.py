"""Rules for workflows: what they start, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lake.configuration.model import Config, Workflow
from lake.configuration.place import Place, Problem
from lake.configuration.suggest import allowed


def violations(config: Config) -> Iterator[Problem]:
    """Every rule about workflows that a well-typed configuration breaks."""
    for name, workflow in config.workflows.items():
        place = ("workflows", name, "steps")
        yield from _names(config, place, workflow)
        yield from _once(place, workflow)
        if "after" in workflow.steps[0].model_fields_set:
            yield (*place, 0, "after"), "the first step has no step before it. Remove it"
        yield from _no_crawler_schedule(config, name, workflow)
    yield from _one_schedule_per_crawler(config)


def _names(config: Config, place: Place, workflow: Workflow) -> Iterator[Problem]:
    for number, step in enumerate(workflow.steps):
        if not step.crawl and not step.run:
            yield (*place, number), "starts nothing: name datasets to crawl, or jobs to run"
        for field, kind, names, known in (
            ("crawl", "dataset", step.crawl, list(config.datasets)),
            ("run", "job", step.run, list(config.every_job)),
        ):
            for at, name in enumerate(names):
                if name not in known:
                    yield (*place, number, field, at), f"there is no {kind} {name!r}. {allowed(name, known)}"


def _no_crawler_schedule(config: Config, name: str, workflow: Workflow) -> Iterator[Problem]:
    """Glue cannot start a running crawler: if the crawler also has a schedule, the workflow may fail."""
    for dataset in sorted(_crawled(workflow) & config.datasets.keys()):
        if config.datasets[dataset].crawl.schedule:
            yield (
                ("datasets", dataset, "crawl", "schedule"),
                f"the workflow {name} also crawls {dataset}, and fails if both start the crawler at once. "
                f"Remove it here or from the workflow, or use workflows.{name}.schedule",
            )


def _one_schedule_per_crawler(config: Config) -> Iterator[Problem]:
    """Two scheduled workflows may also start the same crawler at once."""
    scheduled = {name: workflow for name, workflow in config.workflows.items() if workflow.schedule}
    first: dict[str, str] = {}
    for name, workflow in scheduled.items():
        for dataset in sorted(_crawled(workflow)):
            other = first.setdefault(dataset, name)
            if other != name:
                yield (
                    ("workflows", name, "schedule"),
                    f"the scheduled workflow {other} also crawls {dataset}. If they start the crawler at once, one "
                    "of them fails. Crawl it in only one of them",
                )


def _crawled(workflow: Workflow) -> set[str]:
    return {dataset for step in workflow.steps for dataset in step.crawl}


def _once(place: Place, workflow: Workflow) -> Iterator[Problem]:
    """A crawler or job is one node of Glue's graph. If it appeared twice, the graph would have a cycle."""
    for field in ("crawl", "run"):
        seen = Counter(name for step in workflow.steps for name in set(getattr(step, field)))
        for number, step in enumerate(workflow.steps):
            names = getattr(step, field)
            for name in sorted({name for name in names if seen[name] > 1 or names.count(name) > 1}):
                yield (*place, number, field), f"{name!r} appears twice. A workflow can start it only once"

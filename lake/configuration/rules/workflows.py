"""Rules of workflows: whom they start, and when."""

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
            yield (*place, 0, "after"), "the first step comes after nothing. Remove it"
        yield from _one_clock(config, name, workflow)
    yield from _two_clocks(config)


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


def _one_clock(config: Config, name: str, workflow: Workflow) -> Iterator[Problem]:
    """Glue does not start a crawler twice at once: a schedule of its own would fail the workflow that falls on it."""
    for dataset in sorted(_crawled(workflow) & config.datasets.keys()):
        if config.datasets[dataset].crawl.schedule:
            yield (
                ("datasets", dataset, "crawl", "schedule"),
                f"the workflow {name} crawls {dataset} too, and fails where both start it at once. "
                f"Remove it here, or from the workflow; workflows.{name}.schedule starts all of it by the clock",
            )


def _two_clocks(config: Config) -> Iterator[Problem]:
    """Two workflows by the clock may also want a crawler at once."""
    scheduled = {name: workflow for name, workflow in config.workflows.items() if workflow.schedule}
    first: dict[str, str] = {}
    for name, workflow in scheduled.items():
        for dataset in sorted(_crawled(workflow)):
            other = first.setdefault(dataset, name)
            if other != name:
                yield (
                    ("workflows", name, "schedule"),
                    f"the workflow {other} crawls {dataset} by the clock too, and the later of the two fails where "
                    "they start it at once. Crawl it in one of them",
                )


def _crawled(workflow: Workflow) -> set[str]:
    return {dataset for step in workflow.steps for dataset in step.crawl}


def _once(place: Place, workflow: Workflow) -> Iterator[Problem]:
    """A crawler or job is one node of Glue's graph: there twice, it would make a cycle."""
    for field in ("crawl", "run"):
        seen = Counter(name for step in workflow.steps for name in set(getattr(step, field)))
        for number, step in enumerate(workflow.steps):
            names = getattr(step, field)
            for name in sorted({name for name in names if seen[name] > 1 or names.count(name) > 1}):
                yield (*place, number, field), f"{name!r} is there twice. A workflow starts each once"

"""A Glue workflow: a trigger per step, which fires when the previous step has succeeded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_aws.glue_trigger import (
    GlueTrigger,
    GlueTriggerActions,
    GlueTriggerPredicate,
    GlueTriggerPredicateConditions,
)
from cdktf_cdktf_provider_aws.glue_workflow import GlueWorkflow
from constructs import Construct

from lake.configuration.model import Workflow, WorkflowStep
from lake.configuration.names import Names


def glue_workflow(
    scope: Construct, name: str, workflow: Workflow, *, names: Names, jobs: Sequence[ITerraformDependable]
) -> None:
    """The workflow and its triggers. Glue requires that their jobs exist."""
    made = GlueWorkflow(
        scope,
        f"{name}_workflow",
        name=names.workflow(name),
        description=f"{len(workflow.steps)} steps, {workflow.schedule or 'on demand'}",
        max_concurrent_runs=1,
    )
    before: WorkflowStep | None = None
    for number, step in enumerate(workflow.steps, start=1):
        GlueTrigger(
            scope,
            f"{name}_trigger_{number}",
            name=names.trigger(name, number),
            workflow_name=made.name,
            actions=_actions(names, step),
            depends_on=jobs,
            **(_after(names, before, step) if before else _start(workflow)),
        )
        before = step


def _start(workflow: Workflow) -> dict[str, Any]:
    if workflow.schedule:
        return {"type": "SCHEDULED", "schedule": workflow.schedule}
    # If it were enabled, the provider would fire it as soon as it exists.
    return {"type": "ON_DEMAND", "enabled": False}


def _after(names: Names, before: WorkflowStep, step: WorkflowStep) -> dict[str, Any]:
    conditions = [
        GlueTriggerPredicateConditions(crawler_name=names.crawler(dataset), crawl_state="SUCCEEDED")
        for dataset in before.crawl
    ] + [GlueTriggerPredicateConditions(job_name=names.job(job), state="SUCCEEDED") for job in before.run]
    logical = "ANY" if step.after == "any" else "AND"
    return {"type": "CONDITIONAL", "predicate": GlueTriggerPredicate(logical=logical, conditions=conditions)}


def _actions(names: Names, step: WorkflowStep) -> list[GlueTriggerActions]:
    crawlers = [GlueTriggerActions(crawler_name=names.crawler(dataset)) for dataset in step.crawl]
    return crawlers + [GlueTriggerActions(job_name=names.job(job)) for job in step.run]
